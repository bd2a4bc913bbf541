/** @jsxImportSource hono/jsx */
/** The targets: how each is, what to do about it, its last 24 hours, and a test message followed to its end. */

import { sayReason } from "../../locale/reasons.ts";
import type { ActivitySummary } from "../../operator/activity.ts";
import { hasEnded } from "../../operator/follow.ts";
import type { Status } from "../../operator/status.ts";
import type { Story } from "../../operator/story.ts";
import type { Target } from "../../targets/target.ts";
import { brief } from "./bounds.ts";
import { SmallChart } from "./chart.tsx";
import { hoursOf, latencyOf } from "./day.ts";
import { DeliveryCard } from "./delivery.tsx";
import type { Page } from "./layout.tsx";
import { Action, deadPath, eventPath, Facts, MaybeTime, Nothing, Prose, State, Time } from "./parts.tsx";
import { targetPlace } from "./target_table.tsx";
import type { View } from "./view.ts";

interface TargetsData {
  statuses: readonly Status[];
  /** The config's targets, by name. */
  targets: ReadonlyMap<string, Target>;
  /** The last 24 hours. */
  day: ActivitySummary;
  /** A test message to follow: its event's id, and its deliveries. */
  test?: { event: string; deliveries: Story["deliveries"] };
}

/** The page of the targets. */
export function targetsPage(view: View, { statuses, targets, day, test }: TargetsData): Page {
  const { words } = view;
  return {
    title: words.targets.title,
    summary: statuses.map(({ name, state }) => `${name}: ${words.states[state]}`).join(", "),
    content: (
      <>
        <h1>{words.targets.title}</h1>
        <div id="test" data-live>{test && <TestMessage view={view} {...test} />}</div>
        <div id="targets" data-live>
          {statuses.map((status) => (
            <TargetCard view={view} status={status} target={targets.get(status.name)} day={day} />
          ))}
        </div>
      </>
    ),
  };
}

/** Every attempt of a test message, as it is made; without a script, after the page is loaded again. */
function TestMessage({ view, event, deliveries }: { view: View } & NonNullable<TargetsData["test"]>) {
  const { targets } = view.words;
  const isOver = deliveries.every(hasEnded);
  return (
    <section>
      <div class="bar">
        <h2 class="first">{targets.testOf(deliveries.map(({ target }) => target).join(", "))}</h2>
        <a href={eventPath(event)}>{targets.testEvent}</a>
      </div>
      {deliveries.map((delivery) => <DeliveryCard view={view} delivery={delivery} bounds={brief} />)}
      {!isOver && (
        <noscript>
          <p>
            <a href={view.address}>{targets.testReload}</a>
          </p>
        </noscript>
      )}
    </section>
  );
}

function TargetCard(
  { view, status, target, day }: { view: View; status: Status; target?: Target; day: ActivitySummary },
) {
  const { words, clean } = view;
  const { name, state } = status;
  const todo = words.targets.stateTodo[state];
  const place = targetPlace(name);
  return (
    <article class="card" id={place} aria-labelledby={`${place}-name`}>
      <div class="bar">
        <h2 class="first" id={`${place}-name`}>
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
      <Numbers view={view} status={status} day={day} />
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

/** Since when or until when the target is held. */
function Until({ view, status }: { view: View; status: Status }) {
  const { words, now } = view;
  const { state, pausedAt, circuitOpenUntil, throttledUntil } = status;
  if (state === "paused" && pausedAt) {
    return (
      <p class="small muted">
        {words.attention.since} <Time view={view} at={pausedAt} isInText />
      </p>
    );
  }
  const until = state === "open" ? circuitOpenUntil : state === "throttled" ? throttledUntil : null;
  if (until === null) return null;
  if (Date.parse(until) <= now) return <p class="small muted">{words.targets.probe}</p>;
  return (
    <p class="small muted">
      {words.attention.until} <Time view={view} at={until} isInText />
    </p>
  );
}

function Numbers({ view, status, day }: { view: View; status: Status; day: ActivitySummary }) {
  const { words, format } = view;
  const { name, dead } = status;
  const summary = day.targets.get(name);
  const nothing = <Nothing word={words.none} />;
  return (
    <Facts
      facts={[
        [words.overview.last24, <SmallChart view={view} hours={hoursOf(day, name)} target={name} />],
        [words.targets.rate, summary?.successRate === undefined ? nothing : format.percent(summary.successRate)],
        [words.targets.latency, latencyOf(view, summary) ?? nothing],
        [words.nav.dead, dead > 0 ? <a href={deadPath("/dead", { target: name })}>{format.number(dead)}</a> : "0"],
        [words.targets.backlog, waitingOf(view, status)],
        [words.targets.oldest, status.oldestPendingAt ? <Time view={view} at={status.oldestPendingAt} /> : nothing],
        [words.targets.lastSuccess, <MaybeTime view={view} at={status.lastDeliveredAt} />],
        [
          words.targets.lastFailure,
          <>
            <MaybeTime view={view} at={status.lastFailedAt} />
            {status.lastReason && <div class="small">{sayReason(words, status.lastReason).name}</div>}
          </>,
        ],
      ]}
    />
  );
}

function waitingOf({ words, format }: View, { pending, inFlight }: Status): string {
  return inFlight > 0 ? `${format.number(pending)} + ${words.targets.sending(inFlight)}` : format.number(pending);
}
