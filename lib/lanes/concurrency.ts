/**
 * How many attempts may be under way in a lane: more while its target answers quickly, so that a flood of events leaves
 * as fast as it came in, and few where they would only wait for each other at the target.
 */

import type { Outcome } from "../outcome.ts";
import type { Policy } from "../targets/target.ts";

/** Longest attempt that counts as quick, in milliseconds. */
const QUICK_MS = 100;

/** After this many quick deliveries at the ceiling, the ceiling rises by one. */
const BORNE = 10_000;

type Limits = Pick<Policy, "concurrency" | "quickConcurrency">;

export class Concurrency {
  #least!: number;
  #most!: number;
  /** As many as the target seems to handle. */
  #ceiling!: number;
  #quickest!: number;
  /** Quick deliveries at the ceiling since it last rose, or since the target was last slow or failed. */
  #borne = 0;

  constructor(limits: Limits) {
    this.use(limits);
  }

  /** Switches to other limits. */
  use({ concurrency, quickConcurrency = concurrency }: Limits): void {
    this.#least = this.#most = concurrency;
    this.#quickest = this.#ceiling = quickConcurrency;
  }

  get most(): number {
    return this.#most;
  }

  /**
   * Observes an attempt that has ended: if it was quick and there was no room for another, one more may be under way;
   * if it was not quick, no more than the least. One that failed while more than the least were allowed may have been
   * one too many.
   * @param inFlight How many were under way, including this one.
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
