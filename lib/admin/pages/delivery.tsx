/** @jsxImportSource hono/jsx */
/** An event's page: one delivery, what happens next with it, what is sent, and every attempt with its answer. */

import { sayReason } from "../../locale/reasons.ts";
import type { Sent } from "../../operator/sent.ts";
import type { Story } from "../../operator/story.ts";
import type { AttemptView } from "../../store/views.ts";
import { type Bounds, brief } from "./bounds.ts";
import { Copy, Fill } from "./event_parts.tsx";
import { Advice, Mark, State, Time } from "./parts.tsx";
import { SentMessage } from "./sent.tsx";
import type { View } from "./view.ts";

type Delivery = Story["deliveries"][number];

interface DeliveryProps {
  view: View;
  delivery: Delivery;
  /** What its target is sent, where that is shown with this delivery. */
  sent?: Sent;
  bounds?: Bounds;
}

/** A delivery. What changes while it is made stands apart from what is sent, which stays as it is. */
export function DeliveryCard({ view, delivery, sent, bounds = brief }: DeliveryProps) {
  const { id, target, state, receipt, chain } = delivery;
  const { words } = view;
  return (
    <article class="card" id={`delivery-${id}`} aria-labelledby={`to-${id}`}>
      <div id={`now-${id}`} data-live>
        <div class="bar">
          <h3 id={`to-${id}`}>
            {target} <State view={view} state={state} />
            {receipt && <span class="small muted">{words.receipts[receipt]}</span>}
            {chain && <span class="small muted">{words.chains.step(chain.step, chain.steps)}</span>}
          </h3>
          {(state === "dead" || state === "pending") && (
            <a
              class={state === "dead" ? "button" : "button quiet"}
              href={`/deliveries/${id}/retry`}
              aria-label={words.event.retryOf(target)}
            >
              {words.event.retry}
            </a>
          )}
        </div>
        <Now view={view} delivery={delivery} />
        {state !== "delivered" && delivery.reason && <Advice view={view} reason={delivery.reason} />}
        <Attempts view={view} delivery={delivery} bounds={bounds} />
        <Receipts view={view} delivery={delivery} />
      </div>
      {sent && <SentMessage view={view} delivery={delivery} sent={sent} most={bounds.message} />}
      <p class="small muted break">
        {words.event.delivery}: <span class="id">{id}</span>
      </p>
    </article>
  );
}

/** How the delivery is, what happens next, and when. */
function Now({ view, delivery }: { view: View; delivery: Delivery }) {
  const { event, chains } = view.words;
  const { state, attempts, attemptsLeft, nextAttemptAt, held, history, target, chain } = delivery;
  const time = (at: string) => <Time view={view} at={at} isInText />;
  if (state === "delivered") {
    const last = history.at(-1);
    return last
      ? (
        <p>
          <Fill say={(gap) => event.delivered(gap, last.attempt)}>{time(last.startedAt)}</Fill>
        </p>
      )
      : null;
  }
  if (state === "dead") return <p>{event.gaveUp(attempts)}</p>;
  if (state === "in_flight") return <p>{event.sending(attempts + 1)}</p>;
  if (state === "skipped") return <p>{chains.skipped}</p>;
  if (chain?.isWaiting) {
    if (nextAttemptAt === null) return <p>{chains.waits}</p>;
    return (
      <p>
        <Fill say={(gap) => chains.begins(gap)}>{time(nextAttemptAt)}</Fill>
      </p>
    );
  }
  if (held) {
    const say = event.held[held.state];
    return (
      <p>
        <Fill say={(gap) => say(target, gap)}>{held.until && time(held.until)}</Fill>
      </p>
    );
  }
  if (nextAttemptAt === null) return <p>{event.waits}</p>;
  return (
    <p>
      <Fill say={(gap) => event.next(attempts + 1, gap, attemptsLeft)}>{time(nextAttemptAt)}</Fill>
    </p>
  );
}

function Attempts({ view, delivery, bounds }: { view: View; delivery: Delivery; bounds: Bounds }) {
  const { event } = view.words;
  const shown = delivery.history.slice(-bounds.attempts);
  const hidden = delivery.history.length - shown.length;
  if (shown.length === 0) return null;
  return (
    <>
      {hidden > 0 && <p class="small muted">{event.earlier(hidden)}</p>}
      <ol class="attempts" aria-label={event.attempts(delivery.target)}>
        {shown.map((one) => <Attempt view={view} delivery={delivery.id} attempt={one} most={bounds.answer} />)}
      </ol>
    </>
  );
}

/** What the vendor told of the messages that it had taken. */
function Receipts({ view, delivery: { receipts } }: { view: View; delivery: Delivery }) {
  const { words } = view;
  if (receipts.length === 0) return null;
  return (
    <>
      <p class="small muted">{words.receiptsTitle}</p>
      <ol class="attempts">
        {receipts.map(({ status, at, detail }) => (
          <li>
            <div class="attempt">
              <Mark tone={tones[status]}>{words.receipts[status]}</Mark>
              <Time view={view} at={at} isInText />
            </div>
            {detail && <p class="small muted">{detail.in(view.locale)}</p>}
          </li>
        ))}
      </ol>
    </>
  );
}

const tones = { accepted: "quiet", sent: "quiet", delivered: "good", read: "good", failed: "bad" } as const;

function Attempt(
  { view, delivery, attempt, most }: { view: View; delivery: string; attempt: AttemptView; most: number },
) {
  const { words, format } = view;
  const { startedAt, durationMs, outcome, reason, detail, status, answer } = attempt;
  const tone = outcome === "delivered" ? "good" : outcome === "dead" ? "bad" : "warn";
  const id = `answer-${delivery}-${attempt.attempt}`;
  return (
    <li>
      <div class="attempt">
        <Mark tone={tone}>{reason ? sayReason(words, reason).name : words.outcomes[outcome]}</Mark>
        <span>{words.event.attempt(attempt.attempt)}</span>
        <Time view={view} at={startedAt} isInText />
        <span class="muted">{words.event.took(format.duration(durationMs))}</span>
        {status !== null && <span>{words.event.answered(status)}</span>}
      </div>
      {detail && <p class="small muted">{detail.in(view.locale)}</p>}
      {answer && (
        <div class="answer">
          <pre id={id} tabindex={0} aria-label={words.event.answer}>{answer.slice(0, most).toWellFormed()}</pre>
          {answer.length <= most && <Copy view={view} of={id} what={words.event.things.answer} />}
          {answer.length > most && <p class="small">{words.event.cut}</p>}
        </div>
      )}
    </li>
  );
}
