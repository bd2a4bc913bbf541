/**
 * Makes the parked heads of order keys due, a safeguard for deliveries that ended without the owner knowing; and begins
 * steps of chains in lanes that nobody reads, because they are held or because no config names them.
 */

import { explain } from "../errors.ts";
import { log } from "../log.ts";
import type { LaneStore } from "../store/mod.ts";
import type { Lane } from "./lane.ts";

/** Checks apart from the owner's serial work, since a check takes longer the more keys wait; one check at a time. */
export class OrderCheck {
  readonly #store: LaneStore;
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #wake: (lanes: Iterable<string>) => void;
  #isAsked = false;
  #isBusy = false;
  #isStopping = false;

  /** @param wake Called with the lanes in which more is due. */
  constructor(store: LaneStore, lanes: ReadonlyMap<string, Lane>, wake: (lanes: Iterable<string>) => void) {
    this.#store = store;
    this.#lanes = lanes;
    this.#wake = wake;
  }

  /** Has all lanes and all chains checked soon. */
  ask(): void {
    this.#isAsked = true;
    if (!this.#isBusy) this.#look();
  }

  stop(): void {
    this.#isStopping = true;
  }

  async #look(): Promise<void> {
    this.#isBusy = true;
    try {
      while (this.#isAsked && !this.#isStopping) {
        this.#isAsked = false;
        await this.#beginSteps();
        for (const [name, { epoch }] of this.#lanes) {
          if (!this.#isStopping && await this.#store.unpark(epoch) > 0) this.#wake([name]);
        }
      }
    } catch (error) {
      if (!this.#isStopping) log.error("cannot check order keys and chains: {problem}", { problem: explain(error) });
    } finally {
      this.#isBusy = false;
    }
  }

  /** The store begins some at a time. */
  async #beginSteps(): Promise<void> {
    while (!this.#isStopping) {
      const lanes = await this.#store.beginSteps();
      if (lanes.length === 0) return;
      this.#wake(lanes);
    }
  }
}
