/** What a delivery needs first: something that is fetched for its event, in a lane of its own. Pure functions. */

import { type Awaited, bareEvent, hasFetched, type RelayEvent } from "../event.ts";
import type { Dead, Retry } from "../outcome.ts";
import { awaitedBy, type Need, PATIENCE_MS } from "../pipeline/route.ts";
import type { Due } from "../store/mod.ts";
import type { RetryPolicy } from "../targets/target.ts";

/** For how long a failure to fetch is relied on, in milliseconds; later, such as for a replay, it is fetched anew. */
const FRESH_MS = 600_000;

/** What is done about a delivery that is due: it begins with this event, awaits another one first, or has ended. */
export type Step =
  | { kind: "begin"; event: RelayEvent }
  | { kind: "await"; awaits: Awaited }
  | { kind: "end"; outcome: Retry | Dead };

/**
 * What is done about a delivery.
 * @param need What it needs by the config of now, which may have changed since it was accepted.
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
    // A delivery that failed for want of it asks again, as its schedule says.
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

/** What it awaits; what can go without waits no longer than is left of its patience since it first failed. */
function awaitedFor(due: Due, need: Need, now: number): Awaited {
  const awaits = awaitedBy(need);
  if (awaits.patienceMs === undefined) return awaits;
  return { ...awaits, patienceMs: Math.max(0, awaits.patienceMs - (now - failingSinceOf(due, now))) };
}

/** A clock that was set back since may say that it has yet to fail. */
function failingSinceOf({ failingSince }: Due, now: number): number {
  return Math.min(failingSince ?? now, now);
}

/** Whether another attempt would be made soon enough for a delivery that can go without. */
function canWait(due: Due, failure: Retry | Dead, retry: RetryPolicy, now: number): boolean {
  const pauseMs = failure.kind === "retry" ? retry.scheduleMs[due.failures] : undefined;
  return pauseMs !== undefined && now + pauseMs <= failingSinceOf(due, now) + PATIENCE_MS;
}
