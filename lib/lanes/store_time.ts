/** Converts between the store's time, which decides what is due, and the monotonic time that lanes use. */

import { type Clock, translate } from "../clock.ts";
import type { Hold } from "../store/mod.ts";

export class StoreTime {
  readonly #clock: Clock;

  /** @param clock The store's. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Unix milliseconds. */
  now(): number {
    return this.#clock.now();
  }

  toMonotonic(time: number): number {
    return translate(time, this.now(), this.#clock.monotonic());
  }

  fromMonotonic(time: number): number {
    return Math.round(translate(time, this.#clock.monotonic(), this.now()));
  }

  /** Converts a hold from the store's times to monotonic times. */
  holdToMonotonic<Some extends Hold>(hold: Some): Some {
    return inTimes(hold, (time) => this.toMonotonic(time));
  }

  /** Converts a hold from monotonic times to the store's times. */
  holdFromMonotonic(hold: Hold): Hold {
    return inTimes(hold, (time) => this.fromMonotonic(time));
  }
}

function inTimes<Some extends Hold>(hold: Some, other: (time: number) => number): Some {
  const { openUntil, throttledUntil } = hold;
  return {
    ...hold,
    openUntil: openUntil === undefined ? undefined : other(openUntil),
    throttledUntil: throttledUntil === undefined ? undefined : other(throttledUntil),
  };
}
