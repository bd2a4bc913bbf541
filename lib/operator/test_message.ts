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
 * @param lanes Its lanes, or some of them: each gets a delivery.
 * @param source Signs the message as its sender would, for a receiver that checks what it gets.
 * @returns The ids of the event and its deliveries; `delivery` is the first of these.
 */
export async function sendTest(
  store: Store,
  { target, lanes }: { target: string; lanes: readonly string[] },
  source: Source,
  now: number,
): Promise<{ event: string; delivery: string; deliveries: string[] }> {
  const event = systemEvent(TEST, lanes, { target }, now);
  const headers = { ...event.headers, ...source.sign(requestTo(source, event, now)) };
  await store.send({ ...event, headers });
  const deliveries = lanes.map((_, at) => formatId(deliveryId(event.id, at + 1)));
  return { event: formatId(event.id), delivery: deliveries[0]!, deliveries };
}
