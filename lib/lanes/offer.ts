/** Offers what was just stored to the lanes that it goes to, which else would have to read it. */

import type { NewEvent } from "../event.ts";
import { freshDue, freshEvent } from "../store/fresh.ts";
import type { Lane } from "./lane.ts";

/**
 * Offers an event's deliveries.
 * @param seq The event's sequence in the store.
 * @param lanes Those that are owned here, by their names.
 */
export function offerAll(event: NewEvent, seq: number, lanes: ReadonlyMap<string, Lane>): void {
  const stored = freshEvent(event);
  event.deliveries.forEach(({ target, orderKey, awaits }, index) => {
    const lane = lanes.get(target);
    if (orderKey === undefined && !awaits) return lane?.offer(freshDue(stored, seq, target, index));
    lane?.wake(); // what goes before it, only the store knows
    if (awaits) lanes.get(awaits.lane)?.wake();
  });
}
