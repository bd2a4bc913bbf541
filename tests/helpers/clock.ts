/** Clocks for tests. */

import type { Clock } from "../../lib/clock.ts";

/** Turns of the event loop in which whatever can go on without time passing has gone on. */
const TURNS = 8;

interface Sleeper {
  at: number;
  wake(): void;
}

/** A clock that stands still until it is turned by hand, with chance from a seed. */
export class HandClock implements Clock {
  #now: number;
  #monotonic = 0;
  #seed: number;
  #sleepers: Sleeper[] = [];

  constructor(now: number, seed = 1) {
    this.#now = now;
    this.#seed = seed;
  }

  /** Whole milliseconds, as a machine's clock gives them. */
  now = () => Math.floor(this.#now);
  monotonic = () => this.#monotonic;

  /** @see mulberry32 */
  random = () => {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };

  sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    if (ms <= 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        at: this.#monotonic + ms,
        wake: () => {
          this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
          signal?.removeEventListener("abort", sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", sleeper.wake);
    });
  };

  after = (ms: number, callBack: () => void): () => void => {
    const cancelled = new AbortController();
    this.sleep(ms, cancelled.signal).then(() => {
      if (!cancelled.signal.aborted) callBack();
    });
    return () => cancelled.abort();
  };

  /** Sets the clock; no time passes. */
  set(now: number): void {
    this.#now = now;
  }

  /** Lets time pass at once; whoever sleeps is woken by the next {@link HandClock.run}. */
  pass(ms: number): void {
    this.#now += ms;
    this.#monotonic += ms;
  }

  /** Lets time pass from one sleeper's end to the next, and whatever follows go on in between. */
  async run(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    for (;;) {
      await settle();
      const next = this.#sleepers.reduce<Sleeper | undefined>(
        (one, other) => one && one.at <= other.at ? one : other,
        undefined,
      );
      if (!next || next.at > end) break;
      this.pass(Math.max(0, next.at - this.#monotonic));
      next.wake();
    }
    this.pass(end - this.#monotonic);
    await settle();
  }
}

/** Lets whatever can go on without time passing go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
