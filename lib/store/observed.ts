/** What the SQL stores observe about accepted events. Pure functions. */

import { isSystem } from "../system_event.ts";

/**
 * With a correct clock, how much earlier an event may have been received than the one before it, in milliseconds: it is
 * accepted when its body is complete. One that is earlier still was received after the clock was set back.
 */
export const LATE_MS = 60_000;

/** Most events that are observed in one call. */
export const OBSERVED = 1_000;

/** How much of a type's name is kept, in UTF-16 units: an index entry in PostgreSQL holds about 2700 bytes. */
const MAX_TYPE = 500;

/** An event's sequence, and when it was received. */
export interface Received {
  seq: number;
  received_at: number;
}

export interface ObservedRow extends Received {
  source: string;
  type: string;
}

/** The last event of each type, by names that every store accepts: the latest, unless the clock was set back since. */
export function latestByType(events: readonly ObservedRow[]): Map<string, Received> {
  const latest = new Map<string, Received>();
  for (const event of events.filter((event) => !isSystem(event))) {
    const { received_at: at } = event;
    const type = event.type.slice(0, MAX_TYPE).toWellFormed().replaceAll("\0", "\ufffd");
    const before = latest.get(type)?.received_at ?? -Infinity;
    const isLate = at < before && at >= before - LATE_MS;
    if (!isLate) latest.set(type, event);
  }
  return latest;
}

/** Events before which the clock was set back. */
export function stepsIn<Event extends Received>(events: readonly Event[]): Event[] {
  return events.filter(({ received_at: at }, index) => index > 0 && at < events[index - 1]!.received_at - LATE_MS);
}
