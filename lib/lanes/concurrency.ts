/**
 * How many attempts may be under way in a lane: more of them while its target answers quickly, so that a flood of events
 * goes on as fast as it came in, and few where they would only wait for each other there.
 */

import type { Outcome } from "../outcome.ts";
import type { Policy } from "../targets/target.ts";

/** A target that takes longer is not quick, in milliseconds. */
const QUICK_MS = 100;

/** So many quick deliveries at the most that a target has borne let one more be tried. */
const BORNE = 10_000;

type Limits = Pick<Policy, "concurrency" | "quickConcurrency">;

export class Concurrency {
  #least!: number;
  #most!: number;
  /** As many as the target seems to bear. */
  #ceiling!: number;
  #quickest!: number;
  /** Quick deliveries with that many under way, since it last bore one more, or did not. */
  #borne = 0;

  constructor(limits: Limits) {
    this.use(limits);
  }

  /** Goes on within other limits. */
  use({ concurrency, quickConcurrency = concurrency }: Limits): void {
    this.#least = this.#most = concurrency;
    this.#quickest = this.#ceiling = quickConcurrency;
  }

  get most(): number {
    return this.#most;
  }

  /**
   * Observes an attempt that has ended: one more may be under way if it was quick and there was no room for another, and
   * no more than the least if it was not. One that failed with more than the least under way may have been one too many.
   * @param inFlight How many were under way, with it.
   */
  observe({ kind }: Pick<Outcome, "kind">, durationMs: number, inFlight: number): void {
    if (kind !== "delivered" || durationMs > QUICK_MS) {
      if (kind !== "delivered" && this.#most > this.#least) this.#ceiling = Math.max(this.#least, inFlight - 1);
      this.#most = this.#least;
      this.#borne = 0;
    } else if (inFlight < this.#most) return;
    else if (this.#most < this.#ceiling) this.#most++;
    else if (this.#ceiling < this.#quickest && ++this.#borne === BORNE) {
      this.#ceiling++;
      this.#borne = 0;
    }
  }
}
