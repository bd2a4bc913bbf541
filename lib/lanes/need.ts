/** What a delivery needs first: something fetched for its event, in a lane of its own. Pure functions. */

import { type Awaited, bareEvent, hasFetched, type RelayEvent } from "../event.ts";
import type { Dead, Retry } from "../outcome.ts";
import { awaitedBy, type Need, PATIENCE_MS } from "../pipeline/route.ts";
import type { Due } from "../store/mod.ts";
import type { RetryPolicy } from "../targets/target.ts";

/** How long a failure to fetch is relied on, in milliseconds; after that, such as for a replay, it is fetched again. */
const FRESH_MS = 600_000;

/** What to do with a delivery that is due: start it with this event, await another delivery first, or end it. */
export type Step =
  | { kind: "begin"; event: RelayEvent }
  | { kind: "await"; awaits: Awaited }
  | { kind: "end"; outcome: Retry | Dead };

/**
 * What to do with a delivery.
 * @param need What it needs by the current config, which may have changed since it was accepted.
 * @param now Unix milliseconds.
 */
export function stepOf(due: Due, need: Need | undefined, retry: RetryPolicy, now: number): Step {
  const without: Step = { kind: "begin", event: bareEvent(due.event) };
  if (!need) return without;
  if (hasFetched(due.event)) return { kind: "begin", event: due.event };
  const failure = due.fetched?.outcome;
  const hasAwaited = due.awaited === need.lane;
  if (!hasAwaited) {
    const { at } = due.fetched ?? { at: -Infinity };
    // A delivery that failed for lack of it asks again, on its own schedule.
    const isKnown = failure !== undefined && failure.kind !== "delivered" && failure.reason !== due.reason;
    return need.isOptional && isKnown && now >= at && now < at + FRESH_MS
      ? without
      : { kind: "await", awaits: awaitedFor(due, need, now) };
  }
  if (!failure || failure.kind === "delivered") {
    return need.isOptional ? without : { kind: "await", awaits: awaitedFor(due, need, now) };
  }
  if (need.isOptional && !canWait(due, failure, retry, now)) return without;
  return { kind: "end", outcome: failure };
}

/** What it awaits. An optional need is awaited only for the rest of its patience, counted from the first failure. */
function awaitedFor(due: Due, need: Need, now: number): Awaited {
  const awaits = awaitedBy(need);
  if (awaits.patienceMs === undefined) return awaits;
  return { ...awaits, patienceMs: Math.max(0, awaits.patienceMs - (now - failingSinceOf(due, now))) };
}

/** If the clock has been set back since, the first failure may lie in the future. */
function failingSinceOf({ failingSince }: Due, now: number): number {
  return Math.min(failingSince ?? now, now);
}

/** Whether the next attempt would come soon enough for a delivery whose need is optional. */
function canWait(due: Due, failure: Retry | Dead, retry: RetryPolicy, now: number): boolean {
  const pauseMs = failure.kind === "retry" ? retry.scheduleMs[due.failures] : undefined;
  return pauseMs !== undefined && now + pauseMs <= failingSinceOf(due, now) + PATIENCE_MS;
}
