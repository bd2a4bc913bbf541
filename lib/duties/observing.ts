/** Observing: accepted events are taken into account a little later, so that accepting need not do it. */

import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import type { UpkeepStore } from "../store/upkeep.ts";
import { startDuty } from "./duty.ts";

/** Polling interval, in milliseconds. */
const PAUSE_MS = 1_000;

/** @returns A function that stops it and resolves once it has ended. */
export function startObserving(store: Pick<UpkeepStore, "observe">, clock: Clock): () => Promise<void> {
  return startDuty(async (signal) => {
    while (!signal.aborted) {
      try {
        while (await store.observe()) await clock.sleep(0); // lets other work run in between
      } catch (error) {
        log.error("cannot observe accepted events: {problem}", { problem: explain(error) });
      }
      await clock.sleep(PAUSE_MS, signal);
    }
  });
}
