/** Clocks for tests. */

import type { Clock } from "../../lib/clock.ts";

/** A clock that stands still until it is turned by hand. */
export class HandClock implements Clock {
  #now: number;
  #monotonic = 0;

  constructor(now: number) {
    this.#now = now;
  }

  now = () => this.#now;
  monotonic = () => this.#monotonic;

  /** Sets the clock; no time passes. */
  set(now: number): void {
    this.#now = now;
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.#now += ms;
    this.#monotonic += ms;
  }
}

/** This machine's clock, as it would be if it had been set by so many milliseconds, which may change at any time. */
export class SetClock implements Clock {
  byMs = 0;
  now = () => Date.now() + this.byMs;
  monotonic = () => performance.now();
}
