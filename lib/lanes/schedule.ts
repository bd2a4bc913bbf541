/** Calls back at the earliest of the requested times. Times are monotonic. */

import type { Clock } from "../clock.ts";

/** Longest sleep, in milliseconds: after it, a clock that was set is noticed even if nothing else wakes the owner. */
const MAX_SLEEP_MS = 60_000;

export class Schedule {
  readonly #clock: Clock;
  readonly #wake: () => void;
  #at = Infinity;
  #sleep = new AbortController();

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** Wakes at this time, unless it is going to wake sooner. */
  at(time: number): void {
    if (time >= this.#at) return;
    this.cancel();
    const sleep = this.#sleep = new AbortController();
    this.#at = time;
    const waitMs = Math.min(Math.max(time - this.#clock.monotonic(), 0), MAX_SLEEP_MS);
    this.#clock.sleep(waitMs, sleep.signal).then(() => {
      if (sleep.signal.aborted) return;
      this.#at = Infinity;
      this.#wake();
    });
  }

  /** Cancels the requested wake. */
  cancel(): void {
    this.#sleep.abort();
    this.#at = Infinity;
  }
}
