/** Counting: how many deliveries wait, so that accepting need not ask the store. */

import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import type { Backlog } from "../pipeline/accept.ts";
import type { UpkeepStore } from "../store/upkeep.ts";
import { startDuty } from "./duty.ts";

/** Shortest pause between two counts, in milliseconds. */
const PAUSE_MS = 1_000;

/** The next count waits this many times as long as the last one took: a long backlog takes long to count. */
const COUNT_PAUSE = 10;

/** What to count: the deliveries to these targets; `undefined` while nobody needs the count. */
type Counted = () => Iterable<string> | undefined;

export class Counting implements Backlog {
  readonly #store: UpkeepStore;
  readonly #clock: Clock;
  readonly #counted: Counted;
  #count = 0;
  /** What was accepted since the current count began. */
  #added = 0;

  constructor(store: UpkeepStore, counted: Counted, clock: Clock) {
    this.#store = store;
    this.#counted = counted;
    this.#clock = clock;
  }

  count(): number {
    return this.#count;
  }

  add(deliveries: number): void {
    this.#count = Math.max(0, this.#count + deliveries);
    this.#added += Math.max(0, deliveries);
  }

  /** @throws {StoreError} if the store cannot read now. */
  async look(): Promise<void> {
    const targets = this.#counted();
    this.#added = 0;
    // What is accepted meanwhile may be counted twice, but is never missed.
    this.#count = targets ? await this.#store.backlog(targets) + this.#added : 0;
  }

  /** @returns A function that stops it and resolves once it has ended. */
  start(): () => Promise<void> {
    return startDuty(async (signal) => {
      while (!signal.aborted) {
        const startedAt = this.#clock.monotonic();
        await this.look().catch((error) =>
          log.error("cannot count waiting deliveries: {problem}", { problem: explain(error) })
        );
        const tookMs = this.#clock.monotonic() - startedAt;
        await this.#clock.sleep(Math.max(PAUSE_MS, COUNT_PAUSE * tookMs), signal);
      }
    });
  }
}
