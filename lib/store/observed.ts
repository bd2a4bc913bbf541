/** What a store on SQL takes into account of the events that came in. Pure functions. */

import { isSystem } from "../system_event.ts";

/**
 * How much earlier than one before it an event may have been received, in milliseconds, with a clock that goes right: it is
 * accepted when its body is whole. One that is earlier still was received by a clock that was set back since.
 */
export const LATE_MS = 60_000;

/** Most events that are observed at a time. */
export const OBSERVED = 1_000;

/** How much of a type's name is kept, in UTF-16 units: an entry of an index in PostgreSQL holds some 2700 bytes. */
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

/** The last event of each type, by names that every store takes: the latest, but for a clock that was set back since. */
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
