/** A message that tries a target out. */

import { deliveryId, formatId } from "../id.ts";
import { systemEvent } from "../system_event.ts";
import { requestTo, type Source } from "../sources/source.ts";
import type { Store } from "../store/mod.ts";

/** The type of the events that test messages are. */
export const TEST = "relay.test";

/**
 * Stores a test message for a target, which is then delivered as every event is; whoever serves is to be woken.
 * @param target Name of a target that the config has.
 * @param source Signs the message as its sender would, for a receiver that checks what it gets.
 * @returns The ids.
 */
export async function sendTest(
  store: Store,
  target: string,
  source: Source,
  now: number,
): Promise<{ event: string; delivery: string }> {
  const event = systemEvent(TEST, target, { target }, now);
  const headers = { ...event.headers, ...source.sign(requestTo(source, event, now)) };
  await store.send({ ...event, headers });
  return { event: formatId(event.id), delivery: formatId(deliveryId(event.id, 1)) };
}
