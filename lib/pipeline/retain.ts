/** Retaining: what is done and old enough is deleted, a little at a time. */

import { setTimeout } from "node:timers/promises";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import type { Store } from "../store/mod.ts";

/** How long events are kept, in milliseconds: those whose deliveries were all made, and those with a dead one. */
export interface KeepPolicy {
  deliveredMs: number;
  deadMs: number;
}

/** Most events that are looked at in one transaction. */
const BATCH = 200;

/** Pause between two of these, in milliseconds: accepting and delivering go before. */
const BATCH_PAUSE_MS = 50;

/** Shortest and longest pause between two rounds, in milliseconds. */
const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 3_600_000;

/** Longest pause before the first round, and before one after a failure, in milliseconds. */
const SOON_MS = 60_000;

/**
 * Starts to delete what is older than it need be kept.
 * @param keep Asked before each round, since a reload may change it.
 * @returns What ends it, and resolves once it has ended.
 */
export function startRetaining(store: Store, keep: () => KeepPolicy): () => Promise<void> {
  const stop = new AbortController();
  const pause = (ms: number) => setTimeout(ms, undefined, { signal: stop.signal, ref: false }).catch(() => {});

  async function round({ deliveredMs, deadMs }: KeepPolicy): Promise<void> {
    const now = Date.now();
    let deleted = 0;
    for (let next: number | undefined = 0; next !== undefined && !stop.signal.aborted;) {
      const expired = await store.expire(next, { delivered: now - deliveredMs, dead: now - deadMs }, BATCH);
      deleted += expired.deleted;
      next = expired.next;
      await pause(BATCH_PAUSE_MS);
    }
    while (await store.giveBack() && !stop.signal.aborted) await pause(BATCH_PAUSE_MS);
    if (deleted > 0) log.info("deleted {deleted} events that need not be kept any longer", { deleted });
  }

  /** How long until the next round. */
  function restMs(): number {
    const { deliveredMs, deadMs } = keep();
    return Math.min(Math.max(Math.min(deliveredMs, deadMs) / 10, MIN_PAUSE_MS), MAX_PAUSE_MS);
  }

  async function run(): Promise<void> {
    const soon = () => pause(Math.min(restMs(), SOON_MS));
    await soon();
    while (!stop.signal.aborted) {
      try {
        await round(keep());
        await pause(restMs());
      } catch (error) {
        log.error("cannot delete old events: {problem}", { problem: explain(error) });
        await soon();
      }
    }
  }

  const ended = run();
  return async () => {
    stop.abort();
    await ended;
  };
}
