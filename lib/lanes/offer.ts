/** Offers what was just stored to its lanes, which would otherwise have to read it. */

import type { NewEvent } from "../event.ts";
import { freshDue, freshEvent } from "../store/fresh.ts";
import type { Lane } from "./lane.ts";

/**
 * Offers an event's deliveries.
 * @param seq The event's sequence in the store.
 * @param lanes Those owned here, by name.
 */
export function offerAll(event: NewEvent, seq: number, lanes: ReadonlyMap<string, Lane>): void {
  const stored = freshEvent(event);
  event.deliveries.forEach(({ target, orderKey, awaits, chain }, index) => {
    const lane = lanes.get(target);
    if (orderKey === undefined && !awaits && !chain) return lane?.offer(freshDue(stored, seq, target, index));
    lane?.wake(); // only the store knows what goes before it, or when its step begins
    if (awaits) lanes.get(awaits.lane)?.wake();
  });
}
