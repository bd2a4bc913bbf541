/** Reads what is due in lanes, and begins the steps of chains whose time has come. */

import type { LaneStore } from "../store/mod.ts";
import { asksOf, type Openness } from "./open.ts";

/**
 * Reads what is due in the lanes that are open, and gives it to them. A step of a chain begins in its time, however many
 * deliveries stand before its own, and is in the next read.
 * @returns Lanes to read once more, since steps have begun.
 */
export async function readDue(store: LaneStore, openness: Openness): Promise<string[]> {
  const asks = asksOf(openness);
  if (asks.length === 0) return [];
  const found = await store.due(asks);
  const waiting = found.flatMap(({ due }) => due.filter(({ isWaiting }) => isWaiting));
  const begun = waiting.length > 0 ? await store.beginSteps(waiting.map(({ ref }) => ref)) : [];
  for (const one of found) {
    const due = waiting.length > 0 ? one.due.filter(({ isWaiting }) => !isWaiting) : one.due;
    openness.lanes.get(one.lane)?.take({ ...one, due });
  }
  return [...new Set([...begun, ...waiting.map(({ lane }) => lane)])];
}
