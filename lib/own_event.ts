/** Events of relay's own: a test message, and an alarm that begins or ends. No route concerns them. */

import { randomUUID } from "node:crypto";
import { eventId } from "./id.ts";
import type { Refused } from "./refusal.ts";

/** The source of relay's own events; no source of a config may have this name. */
export const OWN_SOURCE = "relay";

/** What an alarm is about. Times are ISO 8601, UTC. */
export type AlarmData =
  /** There are `limit` dead letters or more; noticed at `since`. */
  | { alarm: "dead"; limit: number; since: string }
  /** No event of this pattern was received for `forMs` milliseconds; the last one was at `since`, or watching began. */
  | { alarm: "silent"; pattern: string; forMs: number; since: string }
  /** `limit` requests or more were refused within `withinMs` milliseconds; noticed at `since`. */
  | { alarm: "refused"; limit: number; withinMs: number; since: string };

/** Which requests were refused, the most first. */
export type RefusedRequests = readonly Pick<Refused, "source" | "reason" | "count">[];

/** What each of relay's own events carries as `data`. */
export interface OwnData {
  "relay.test": { target: string };
  "relay.alarm.begin": AlarmData & { refused?: RefusedRequests };
  "relay.alarm.end": AlarmData;
}

/** Whether an event is relay's own. */
export function isOwn(event: { source: string }): boolean {
  return event.source === OWN_SOURCE;
}

/**
 * A new event of relay's own with one delivery, in the form of all events: `{ event, timestamp, data }`.
 * @param orderKey Deliveries of one target with the same key are made one after the other.
 */
export function ownEvent<Type extends keyof OwnData>(
  type: Type,
  target: string,
  data: OwnData[Type],
  now: number,
  orderKey?: string,
) {
  const payload = { event: type, timestamp: new Date(now).toISOString(), data };
  return {
    id: eventId(`${OWN_SOURCE}\0own`, randomUUID(), now),
    source: OWN_SOURCE,
    type,
    receivedAt: now,
    body: new TextEncoder().encode(JSON.stringify(payload)),
    headers: { "Content-Type": "application/json" },
    secretIndex: 0,
    problems: [],
    deliveries: [{ target, orderKey }],
  };
}
