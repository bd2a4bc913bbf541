/** Puts deliveries off that their target does not take yet. */

import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import type { LaneStore } from "../store/mod.ts";
import type { Lane, Underway } from "./lane.ts";
import { STORE_RETRY_MS } from "./record.ts";

/** A delivery that its target does not take before this time, in Unix milliseconds. */
export interface PutOff {
  underway: Underway;
  dueAt: number;
}

/** What a postponer needs. */
interface Tools {
  store: LaneStore;
  clock: Clock;
  /** Ends the wait for a store that does not write. */
  stop: AbortSignal;
  /** Called when a lane has to be read again. */
  onChange(): void;
}

export class Postponer {
  readonly #tools: Tools;
  readonly #running = new Set<Promise<void>>();

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  /** Puts deliveries of a lane off, which are then read again. What cannot be written is decided anew. */
  async postpone(lane: Lane, putOff: readonly PutOff[]): Promise<void> {
    const done = this.#postpone(lane, putOff).finally(() => this.#running.delete(done));
    this.#running.add(done);
    await done;
  }

  /** Resolves once what is being put off now has been, or cannot be. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #postpone(lane: Lane, putOff: readonly PutOff[]): Promise<void> {
    const { store, onChange } = this.#tools;
    const postponed = putOff.map(({ underway: { due: { ref, revision } }, dueAt }) => ({ ref, revision, dueAt }));
    try {
      if (!await store.postpone(lane.epoch, postponed)) await this.#pause(); // until this relay learns who its owner is
    } catch (error) {
      log.error("cannot put deliveries off: {problem}", { problem: explain(error) });
      await this.#pause();
    }
    for (const { underway } of putOff) lane.release(underway);
    onChange();
  }

  async #pause(): Promise<void> {
    await this.#tools.clock.sleep(STORE_RETRY_MS, this.#tools.stop);
  }
}
