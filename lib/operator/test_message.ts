/** A message that tries a target out. */

import { formatId } from "../id.ts";
import { ownEvent } from "../own_event.ts";
import type { Store } from "../store/mod.ts";

/**
 * Stores a test message for a target, which is then delivered as every event is; whoever serves is to be woken.
 * @param target Name of a target that the config has.
 * @returns The event's id.
 */
export async function sendTestMessage(store: Store, target: string, now: number): Promise<string> {
  const event = ownEvent("relay.test", target, { target }, now);
  await store.accept([event]);
  return formatId(event.id);
}
