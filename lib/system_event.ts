/** System events, which relay itself makes: a test message, and an alarm that begins or ends. No route concerns them. */

import { randomUUID } from "node:crypto";
import type { AlarmData } from "./alarm.ts";
import type { NewEvent } from "./event.ts";
import { eventId } from "./id.ts";
import type { Reason } from "./reason.ts";
import type { Refused } from "./refusal.ts";

/** The source of system events; no source of a config may have this name. */
export const SYSTEM_SOURCE = "relay";

/** Which requests were refused, the most first. */
export type RefusedRequests = readonly Pick<Refused, "source" | "reason" | "count">[];

/** Dead letters by target and reason, the most first; `since` is when the oldest of their events came in. */
export type DeadLetters = readonly { target: string; reason: Reason; count: number; since: string }[];

/** What each system event carries as `data`. */
export interface SystemData {
  "relay.test": { target: string };
  "relay.alarm.begin": AlarmData & { refused?: RefusedRequests; dead?: DeadLetters };
  "relay.alarm.end": AlarmData;
}

/** Whether relay itself made an event. */
export function isSystem(event: { source: string }): boolean {
  return event.source === SYSTEM_SOURCE;
}

/** What the body of a system event says. */
export interface SystemBody {
  /** When it was made: ISO 8601, UTC. */
  timestamp: string;
  data: SystemData[keyof SystemData];
}

/** Reads the body of a system event. */
export function systemBody({ body }: { body: Uint8Array }): SystemBody {
  return JSON.parse(new TextDecoder().decode(body));
}

/**
 * A new system event whose body is JSON: `{ event, timestamp, data }`.
 * @param lanes Each gets a delivery.
 * @param orderKey Deliveries of one target with the same key are made one after the other.
 */
export function systemEvent<Type extends keyof SystemData>(
  type: Type,
  lanes: readonly string[],
  data: SystemData[Type],
  now: number,
  orderKey?: string,
): NewEvent {
  const payload = { event: type, timestamp: new Date(now).toISOString(), data };
  return {
    id: eventId(`${SYSTEM_SOURCE}\0own`, randomUUID(), now),
    source: SYSTEM_SOURCE,
    type,
    receivedAt: now,
    body: new TextEncoder().encode(JSON.stringify(payload)),
    headers: { "Content-Type": "application/json" },
    secretIndex: 0,
    problems: [],
    deliveries: lanes.map((target) => ({ target, orderKey })),
  };
}
