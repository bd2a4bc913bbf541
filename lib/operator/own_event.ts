/** Events of the relay's own: stored, delivered and retried as every event is, each with one delivery to one target. */

import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { deliveryId, eventId, formatId } from "../id.ts";
import type { NewEvent, Store } from "../store/mod.ts";

/** Name of the source that they come from; no route sees them. */
export const OWN_SOURCE = "relay";

/** An event that the relay makes itself. @param now Unix milliseconds. */
export function ownEvent(type: string, data: Record<string, unknown>, target: string, now: number): NewEvent {
  const payload = { event: type, timestamp: new Date(now).toISOString(), data };
  return {
    id: eventId(OWN_SOURCE, randomUUID(), now),
    source: OWN_SOURCE,
    type,
    receivedAt: now,
    body: Buffer.from(JSON.stringify(payload)),
    headers: { "Content-Type": "application/json" },
    secretIndex: 0,
    problems: [],
    deliveries: [{ target }],
  };
}

/** Stores a message that says that it is a test, to be delivered to this target at once. Gives the ids. */
export async function sendTest(
  store: Store,
  target: string,
  now: number,
): Promise<{ event: string; delivery: string }> {
  const event = ownEvent("relay.test", { target, message: "This is a test message of relay." }, target, now);
  await store.accept([event]);
  return { event: formatId(event.id), delivery: formatId(deliveryId(event.id, 1)) };
}
