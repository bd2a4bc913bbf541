/** Test messages: events of relay's own that go to one target, and are kept and told of as every event is. */

import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { eventId, formatId } from "../id.ts";
import type { Store } from "../store/mod.ts";

/** Name of the source of events that relay makes itself. */
export const OWN_SOURCE = "relay";

/**
 * Stores a test message for a target; the deliverer then takes it from there. Gives the event's id.
 * It has the fields of a note's event, so that a message function of the config finds what it looks for.
 */
export async function sendTestMessage(store: Store, target: string, now: number): Promise<string> {
  const data = { note_id: "TEST", status: "test", external_id: "TEST", test: true };
  const body = Buffer.from(JSON.stringify({ event: "relay.test", timestamp: new Date(now).toISOString(), data }));
  const id = eventId(OWN_SOURCE, randomUUID(), now);
  await store.accept([{
    id,
    source: OWN_SOURCE,
    type: "relay.test",
    receivedAt: now,
    body,
    headers: { "Content-Type": "application/json" },
    secretIndex: 0,
    problems: [],
    deliveries: [{ target }],
  }]);
  return formatId(id);
}
