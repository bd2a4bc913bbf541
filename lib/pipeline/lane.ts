/** A target's lane: how many deliveries may start, and when. Knows its target alone, so none waits for another. */

import type { Policy } from "../targets/target.ts";
import { Window } from "./window.ts";

export class Lane {
  #policy: Policy;
  #window?: Window;
  #inFlight = 0;
  #pausedUntil = 0;

  constructor(policy: Policy) {
    this.#policy = policy;
    this.#window = windowOf(policy);
  }

  /** Goes on under another policy; what is in flight, and a pause, stay. */
  use(policy: Policy): void {
    const { rate } = policy;
    const same = rate?.perMs === this.#policy.rate?.perMs && rate?.limit === this.#policy.rate?.limit;
    if (!same) this.#window = windowOf(policy);
    this.#policy = policy;
  }

  /** How many deliveries may start now. */
  room(now: number): number {
    if (now < this.#pausedUntil) return 0;
    return Math.min(this.#policy.concurrency - this.#inFlight, this.#window?.room(now) ?? Infinity);
  }

  /** When one more may start, in Unix milliseconds; `undefined` if that waits for one in flight to end. */
  opensAt(now: number): number | undefined {
    if (this.#inFlight >= this.#policy.concurrency) return undefined;
    return Math.max(now + (this.#window?.waitMs(now) ?? 0), this.#pausedUntil);
  }

  start(now: number): void {
    this.#inFlight++;
    this.#window?.enter(now);
  }

  end(): void {
    this.#inFlight--;
  }

  /** Starts nothing before this time. */
  pause(until: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, until);
  }
}

function windowOf({ rate }: Policy): Window | undefined {
  return rate && new Window(rate.perMs, rate.limit);
}
