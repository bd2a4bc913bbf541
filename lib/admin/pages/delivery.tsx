/** @jsxImportSource hono/jsx */
/** One delivery's part of an event's story: every attempt, and what comes next. */

import type { Story } from "../../operator/story.ts";
import type { AttemptView } from "../../store/views.ts";
import { Action, Advice, Mark, Nothing, Row, State, Table, Time } from "./parts.tsx";
import type { View } from "./view.ts";

type Delivery = Story["deliveries"][number];

/** A delivery, with the button that sends it again where that makes sense. */
export function DeliveryCard({ view, delivery }: { view: View; delivery: Delivery }) {
  const { words } = view;
  const { id, target, state, reason, history } = delivery;
  const canRetry = state === "dead" || state === "pending";
  return (
    <article class="card" aria-labelledby={`to-${id}`}>
      <div class="bar">
        <h3 id={`to-${id}`}>
          {target} <State view={view} state={state} />
        </h3>
        {canRetry && (
          <Action
            to={`/deliveries/${id}/retry`}
            label={words.event.retry}
            name={words.event.retryOf(target)}
            isQuiet={state !== "dead"}
          />
        )}
      </div>
      <p class="small muted">
        {words.event.delivery} <span class="id">{id}</span>
      </p>
      {state !== "delivered" && reason && <Advice view={view} reason={reason} />}
      <Next view={view} delivery={delivery} />
      {history.length > 0 && <Attempts view={view} target={target} history={history} />}
    </article>
  );
}

function Next({ view, delivery: { state, nextAttemptAt, held } }: { view: View; delivery: Delivery }) {
  const { words } = view;
  if (state === "delivered") return null;
  if (state === "dead") return <p>{words.event.nextDead}</p>;
  if (state === "in_flight") return <p>{words.event.nextSending}</p>;
  if (held) {
    return (
      <p>
        {words.event.nextHeld} <State view={view} state={held.state} />
        {held.until && (
          <>
            , {words.targets.until} <Time view={view} at={held.until} isInText />
          </>
        )}
      </p>
    );
  }
  if (nextAttemptAt === null) return <p>{words.event.nextTurn}</p>;
  return (
    <p>
      {words.event.next}: <Time view={view} at={nextAttemptAt} isInText />
    </p>
  );
}

function Attempts({ view, target, history }: { view: View; target: string; history: readonly AttemptView[] }) {
  const { words, format } = view;
  const { event } = words;
  const head = [event.attempt, event.time, event.duration, event.outcome, event.status, event.answer];
  return (
    <Table caption={event.attempts(target)} isCaptionHidden head={head}>
      {history.map((one) => (
        <Row
          head={head}
          cells={[
            format.number(one.attempt),
            <Time view={view} at={one.startedAt} />,
            format.duration(one.durationMs),
            <OutcomeOf view={view} attempt={one} />,
            one.status === null ? <Nothing word={words.none} /> : String(one.status),
            one.answer === null ? <Nothing word={words.none} /> : <pre tabindex={0}>{one.answer}</pre>,
          ]}
        />
      ))}
    </Table>
  );
}

function OutcomeOf({ view: { words, locale }, attempt }: { view: View; attempt: AttemptView }) {
  const { outcome, reason, detail } = attempt;
  const tone = outcome === "delivered" ? "good" : outcome === "dead" ? "bad" : "warn";
  return (
    <>
      <Mark tone={tone}>{words.outcomes[outcome]}</Mark>
      {reason && <div class="small">{words.reasons[reason].name}</div>}
      {detail && <div class="small muted">{detail.in(locale)}</div>}
    </>
  );
}
