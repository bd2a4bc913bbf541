/**
 * How many attempts may be under way in a lane: more of them while its target answers quickly, so that a flood of events
 * goes on as fast as it came in, and few where they would only wait for each other there.
 */

import type { Outcome } from "../outcome.ts";
import type { Policy } from "../targets/target.ts";

/** A target that takes longer is not quick, in milliseconds. */
const QUICK_MS = 100;

type Limits = Pick<Policy, "concurrency" | "quickConcurrency">;

export class Concurrency {
  #limits: Limits;
  #most: number;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#most = limits.concurrency;
  }

  /** Goes on within other limits. */
  use(limits: Limits): void {
    this.#limits = limits;
    this.#most = limits.concurrency;
  }

  get most(): number {
    return this.#most;
  }

  /**
   * Observes an attempt that has ended: one more may be under way if it was quick and there was no room for another, and
   * no more than the least if it was not.
   * @param inFlight How many were under way, with it.
   */
  observe({ kind }: Pick<Outcome, "kind">, durationMs: number, inFlight: number): void {
    const { concurrency, quickConcurrency = concurrency } = this.#limits;
    if (kind !== "delivered" || durationMs > QUICK_MS) this.#most = concurrency;
    else if (inFlight >= this.#most) this.#most = Math.min(this.#most + 1, quickConcurrency);
  }
}
