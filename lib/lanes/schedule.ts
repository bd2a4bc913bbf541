/** Wakes somebody at the earliest of the times that were asked for. Times are those of the monotonic clock. */

import type { Clock } from "../clock.ts";

/** Longest sleep, in milliseconds: if nobody else does, the next look finds that the clock was set. */
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

  /** Wakes at this time, unless it was to do so sooner. */
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

  /** Wakes no more at what was asked for. */
  cancel(): void {
    this.#sleep.abort();
    this.#at = Infinity;
  }
}
