/** @jsxImportSource hono/jsx */
/** The targets: how each is, and what holds it or lets it go. */

import type { ActivitySummary, TargetSummary } from "../../operator/activity.ts";
import type { Status } from "../../operator/status.ts";
import type { DeliveryView } from "../../store/views.ts";
import type { Target } from "../../targets/target.ts";
import { latencyOf } from "./day.ts";
import type { Page } from "./layout.tsx";
import { Action, Advice, eventPath, Facts, MaybeTime, Nothing, Prose, State, Time } from "./parts.tsx";
import type { View } from "./view.ts";

interface TargetsData {
  statuses: readonly Status[];
  /** The config's targets, by name. */
  targets: ReadonlyMap<string, Target>;
  /** The last 24 hours. */
  day: ActivitySummary;
  /** The delivery of a test message that was sent just now, and its event's id. */
  test?: DeliveryView;
  event?: string;
}

/** The page of the targets. */
export function targetsPage(view: View, { statuses, targets, day, test, event }: TargetsData): Page {
  const { words } = view;
  return {
    title: words.targets.title,
    summary: statuses.map(({ name, state }) => `${name}: ${words.states[state]}`).join(", "),
    content: (
      <>
        <h1>{words.targets.title}</h1>
        <div id="test" data-live>{test && event && <TestResult view={view} delivery={test} event={event} />}</div>
        <div id="targets" data-live>
          {statuses.map((status) => (
            <TargetCard
              view={view}
              status={status}
              target={targets.get(status.name)}
              summary={day.targets.get(status.name)}
            />
          ))}
        </div>
      </>
    ),
  };
}

function TestResult({ view, delivery, event }: { view: View; delivery: DeliveryView; event: string }) {
  return (
    <div class="card">
      <h2 class="first">{view.words.targets.testResult(delivery.target)}</h2>
      <p>
        <State view={view} state={delivery.state} /> · <a href={eventPath(event)}>{view.words.targets.story}</a>
      </p>
      {delivery.state !== "delivered" && delivery.reason && <Advice view={view} reason={delivery.reason} />}
    </div>
  );
}

function TargetCard(
  { view, status, target, summary }: { view: View; status: Status; target?: Target; summary?: TargetSummary },
) {
  const { words, clean } = view;
  const { name, state } = status;
  const todo = words.targets.stateTodo[state];
  const heading = `target-${name}`;
  return (
    <article class="card" aria-labelledby={heading}>
      <div class="bar">
        <h2 class="first" id={heading}>
          {name} <State view={view} state={state} />
        </h2>
        <Buttons view={view} status={status} />
      </div>
      {target && (
        <p class="small muted">
          {target.kind} → <span class="id">{clean(target.address)}</span>
        </p>
      )}
      {todo && (
        <p>
          <Prose text={todo} />
        </p>
      )}
      <Until view={view} status={status} />
      <Numbers view={view} status={status} summary={summary} />
    </article>
  );
}

/** A target that is not in the config is held anyway. */
function Buttons({ view: { words }, status: { name, state } }: { view: View; status: Status }) {
  if (state === "orphaned") return null;
  const verb = state === "paused" ? "resume" : "pause";
  const path = `/targets/${encodeURIComponent(name)}`;
  return (
    <div class="buttons">
      <Action
        to={`${path}/${verb}`}
        label={words.targets[verb]}
        name={words.targets.of(words.targets[verb], name)}
        isQuiet={state !== "paused"}
      />
      <Action
        to={`${path}/test`}
        label={words.targets.test}
        name={words.targets.of(words.targets.test, name)}
        isQuiet
      />
    </div>
  );
}

function Until({ view, status }: { view: View; status: Status }) {
  const { words, now } = view;
  const { state, circuitOpenUntil, throttledUntil, pausedAt } = status;
  if (state === "paused" && pausedAt) {
    return (
      <p>
        {words.attention.since} <Time view={view} at={pausedAt} isInText />
      </p>
    );
  }
  const until = state === "open" ? circuitOpenUntil : state === "throttled" ? throttledUntil : null;
  if (until === null) return null;
  if (Date.parse(until) <= now) return <p>{words.targets.probe}</p>;
  return (
    <p>
      {words.targets.until} <Time view={view} at={until} isInText />
    </p>
  );
}

function Numbers({ view, status, summary }: { view: View; status: Status; summary?: TargetSummary }) {
  const { words, format } = view;
  const nothing = <Nothing word={words.none} />;
  return (
    <Facts
      facts={[
        [words.targets.backlog, format.number(status.pending)],
        [words.targets.sending, format.number(status.inFlight)],
        [words.nav.dead, format.number(status.dead)],
        [words.targets.oldest, status.oldestPendingAt ? <Time view={view} at={status.oldestPendingAt} /> : nothing],
        [words.targets.rate, summary?.successRate === undefined ? nothing : format.percent(summary.successRate)],
        [words.targets.latency, latencyOf(view, summary) ?? nothing],
        [words.targets.lastSuccess, <MaybeTime view={view} at={status.lastDeliveredAt} />],
        [
          words.targets.lastFailure,
          <>
            <MaybeTime view={view} at={status.lastFailedAt} />
            {status.lastReason && <div class="small">{words.reasons[status.lastReason].name}</div>}
          </>,
        ],
      ]}
    />
  );
}
