/** Does one thing after the other. */

import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import { STORE_RETRY_MS } from "./record.ts";

export class Serial {
  readonly #clock: Clock;
  readonly #stop: AbortSignal;
  readonly #onAgain: () => void;
  #last: Promise<unknown> = Promise.resolve();

  /** @param stop Once it is aborted, nothing is insisted on. @param onAgain Called when something is done again. */
  constructor(clock: Clock, stop: AbortSignal, onAgain: () => void) {
    this.#clock = clock;
    this.#stop = stop;
    this.#onAgain = onAgain;
  }

  /** Does this after what was begun before. Rejects as the work does, which holds up nothing that comes after. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return await done;
  }

  /** Does this after what was begun before, and again until the store lets it. @param doing Words for the log. */
  insist(doing: string, work: () => Promise<void>): void {
    if (this.#stop.aborted) return;
    this.run(work).catch(async (error) => {
      log.error(`cannot ${doing}: {problem}`, { problem: explain(error) });
      await this.#clock.sleep(STORE_RETRY_MS, this.#stop);
      this.insist(doing, work);
      this.#onAgain();
    });
  }

  /** Resolves once what was begun has ended. */
  async ended(): Promise<void> {
    await this.#last;
  }
}
