/** @jsxImportSource hono/jsx */
/** Dead letters: by target and reason, one by one, and how far a retry of many is. */

import { sayReason } from "../../locale/reasons.ts";
import type { RetryProgress } from "../../operator/retry_run.ts";
import { isReason } from "../../reason.ts";
import { isNamed } from "../../recipient.ts";
import type { DeadFilter } from "../../store/operator.ts";
import type { DeadGroup, DeliveryView, EventView } from "../../store/views.ts";
import { EventRow, EventRows } from "./event_rows.tsx";
import type { Page } from "./layout.tsx";
import { Action, Advice, deadPath, Time } from "./parts.tsx";
import type { View } from "./view.ts";

/** A page lists the dead letters of so many events. */
export const DEAD_PAGE_SIZE = 40;

/** For so long the end of a retry is told, in milliseconds. */
const TOLD_MS = 10 * 60_000;

interface DeadData {
  filter: DeadFilter;
  groups: readonly DeadGroup[];
  /** Events that have dead letters, the newest first. */
  events: readonly EventView[];
  /** Where the list goes on. */
  next?: number;
  run?: RetryProgress;
}

/** The dead letters of an event that a filter asks for. */
export function deadIn({ deliveries }: EventView, filter: DeadFilter) {
  return deliveries.filter(({ state, target, reason }) =>
    state === "dead" && isNamed(target, filter.target ?? target) && (filter.reason ?? reason) === reason
  );
}

/** The page of the dead letters. */
export function deadPage(view: View, { filter, groups, events, next, run }: DeadData): Page {
  const { dead } = view.words;
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const isRunning = run?.state === "running";
  return {
    title: dead.title,
    summary: run && isRunning ? dead.run.running(run.retried, run.total) : dead.count(count),
    hasEvents: true,
    content: (
      <div id="dead" data-live data-running={isRunning ? "" : undefined}>
        <div class="bar">
          <h1>{dead.title}</h1>
          {count > 0 && !isRunning && <a class="button" href="/dead/retry">{dead.retryAll(count)}</a>}
        </div>
        <Run view={view} run={run} />
        {count === 0
          ? !isRunning && (
            <div class="card">
              <h2 class="first">{dead.none}</h2>
              <p class="muted">{dead.noneLead}</p>
            </div>
          )
          : (
            <>
              <p class="lead">{dead.lead}</p>
              <h2>{dead.groups}</h2>
              <ul class="list">
                {groups.map((group) => <Group view={view} group={group} isBusy={isRunning} />)}
              </ul>
              <Letters view={view} filter={filter} events={events} next={next} />
            </>
          )}
      </div>
    ),
  };
}

/** How far the retry is that runs, or how the last one ended. */
function Run({ view, run }: { view: View; run?: RetryProgress }) {
  if (!run || (run.endedAt !== undefined && view.now - run.endedAt > TOLD_MS)) return null;
  const { words } = view;
  const { state, retried, total, filter, problem } = run;
  const told = words.dead.run;
  const what = [filter.target, filter.reason && sayReason(words, filter.reason).name].filter(Boolean).join(", ");
  return (
    <section class={state === "failed" ? "notice bad" : "notice"} aria-labelledby="run">
      <h2 id="run" class="first">{what === "" ? told.all : told.of(what)}</h2>
      {state === "done" ? <p>{told.done(retried)}</p> : <p>{told[state](retried, total)}</p>}
      {problem && <p>{view.clean(view.say(problem))}</p>}
      {state === "running" && (
        <>
          <progress aria-label={told.progress} max={Math.max(total, 1)} value={retried}></progress>
          <div class="buttons">
            <Action to="/dead/retry/stop" label={told.stop} isQuiet />
            <a href="/dead" data-unscripted>{told.reload}</a>
          </div>
        </>
      )}
    </section>
  );
}

function Group({ view, group, isBusy }: { view: View; group: DeadGroup; isBusy: boolean }) {
  const { dead } = view.words;
  const { target, reason, count, oldestAt, newestAt } = group;
  const { name } = sayReason(view.words, reason);
  // One of a newer relay's, or none, cannot be asked for: then all of the target's are shown, and none is retried.
  const filter = isReason(reason) ? { target, reason } : { target };
  return (
    <li class="item bad">
      <div>
        <h3>
          {target}: {dead.count(count)}
        </h3>
        <Advice view={view} reason={reason} />
        <p class="small muted">
          {dead.oldest} <Time view={view} at={oldestAt} isInText /> · {dead.newest}{" "}
          <Time view={view} at={newestAt} isInText />
        </p>
      </div>
      <div class="buttons">
        <a
          class="button quiet"
          href={`${deadPath("/dead", filter)}#letters`}
          aria-label={`${dead.show}: ${target}, ${name}`}
        >
          {dead.show}
        </a>
        {!isBusy && isReason(reason) && (
          <a class="button" href={deadPath("/dead/retry", filter)} aria-label={dead.retryGroupOf(target, name)}>
            {dead.retryGroup}
          </a>
        )}
      </div>
    </li>
  );
}

function Letters({ view, filter, events, next }: Omit<DeadData, "groups" | "run"> & { view: View }) {
  const { words } = view;
  const title = [words.dead.letters, filter.target, filter.reason && sayReason(words, filter.reason).name];
  return (
    <>
      <div class="bar">
        <h2 id="letters">{title.filter(Boolean).join(" · ")}</h2>
        {(filter.target !== undefined || filter.reason !== undefined) && <a href="/dead">{words.dead.showAll}</a>}
      </div>
      <EventRows view={view} last={words.dead.failure}>
        {events.map((event) => (
          <EventRow view={view} event={event}>
            {[...Map.groupBy(deadIn(event, filter), ({ target, reason }) => `${target} ${reason}`).values()].map((
              same,
            ) => <Letter view={view} delivery={same[0]!} count={same.length} />)}
          </EventRow>
        ))}
      </EventRows>
      {next !== undefined && <Older view={view} filter={filter} next={next} />}
    </>
  );
}

/** @param count Dead letters of the event for this target and reason. */
function Letter({ view, delivery, count }: { view: View; delivery: DeliveryView; count: number }) {
  const { words, format } = view;
  const { target, reason } = delivery;
  return (
    <span class="t bad">
      {target}
      {count > 1 && ` ×${format.number(count)}`}
      {reason && `: ${sayReason(words, reason).name}`}
    </span>
  );
}

function Older({ view: { words }, filter, next }: { view: View; filter: DeadFilter; next: number }) {
  const path = deadPath("/dead", filter);
  return (
    <nav class="buttons pages" aria-label={words.events.pages}>
      <a class="button quiet" rel="next" href={`${path}${path.includes("?") ? "&" : "?"}before=${next}`}>
        {words.events.older}
      </a>
    </nav>
  );
}
