/** Upgrading: removes from a shared store what only older relays needed, once none of them is there. */

import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import type { MemberStore } from "../store/members.ts";
import { startDuty } from "./duty.ts";

/** Pause before each check, in milliseconds: a relay rolled back to an older version still finds what it needs. */
const PAUSE_MS = 600_000;

/** @returns A function that stops it and resolves once it has ended. */
export function startUpgrading(store: Pick<MemberStore, "removeOld">, clock: Clock): () => Promise<void> {
  return startDuty(async (signal) => {
    for (;;) {
      await clock.sleep(PAUSE_MS, signal);
      if (signal.aborted) return;
      try {
        if (await store.removeOld()) {
          log.info("dropped what older versions needed from the store: they can no longer use it");
        }
      } catch (error) {
        log.error("cannot drop what older versions needed from the store: {problem}", { problem: explain(error) });
      }
    }
  });
}
