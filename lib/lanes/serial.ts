/** Runs one task after another. */

import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import { STORE_RETRY_MS } from "./record.ts";

export class Serial {
  readonly #clock: Clock;
  readonly #stop: AbortSignal;
  readonly #onAgain: () => void;
  readonly #asked = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();

  /** @param stop Once it is aborted, nothing is repeated. @param onAgain Called when a task is repeated. */
  constructor(clock: Clock, stop: AbortSignal, onAgain: () => void) {
    this.#clock = clock;
    this.#stop = stop;
    this.#onAgain = onAgain;
  }

  /** Runs this after the tasks before it. Rejects if the work does, which does not hold up later tasks. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return await done;
  }

  /** Runs this after the tasks before it, and again until the store allows it. @param doing Words for the log. */
  insist(doing: string, work: () => Promise<void>): void {
    if (this.#stop.aborted) return;
    this.run(work).catch(async (error) => {
      log.error(`cannot ${doing}: {problem}`, { problem: explain(error) });
      await this.#clock.sleep(STORE_RETRY_MS, this.#stop);
      this.insist(doing, work);
      this.#onAgain();
    });
  }

  /** Does as {@link Serial.insist} does, unless a task with the same words has yet to begin. */
  insistOnce(doing: string, work: () => Promise<void>): void {
    if (this.#asked.has(doing)) return;
    this.#asked.add(doing);
    this.insist(doing, async () => {
      this.#asked.delete(doing);
      await work();
    });
  }

  /** Resolves once the tasks started so far have ended. */
  async ended(): Promise<void> {
    await this.#last;
  }
}
