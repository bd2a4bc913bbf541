/**
 * A target's circuit: it opens after failures in a row, lets one probe through after a pause, and closes on success. All
 * times are those of the monotonic clock.
 */

import { log } from "../log.ts";
import type { Outcome } from "../outcome.ts";
import type { CircuitPolicy } from "../targets/target.ts";

export class Circuit {
  #policy?: CircuitPolicy;
  #failures = 0;
  #openUntil?: number;

  /**
   * @param policy Without one the circuit never opens.
   * @param openUntil When an open circuit lets a probe through.
   */
  constructor(policy?: CircuitPolicy, openUntil?: number) {
    this.#policy = policy;
    this.#openUntil = policy && openUntil;
  }

  /** Goes on under another policy. An open circuit lets a probe through from `now` on: something was changed, perhaps mended. */
  use(policy: CircuitPolicy | undefined, now: number): void {
    this.#policy = policy;
    if (this.#openUntil !== undefined) this.#openUntil = policy && now;
  }

  /** Lets the probe of an open circuit through no later than this. */
  tryFrom(openUntil: number): void {
    if (this.#openUntil !== undefined) this.#openUntil = Math.min(this.#openUntil, openUntil);
  }

  /** Begins anew. */
  close(): void {
    this.#failures = 0;
    this.#openUntil = undefined;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** When an open circuit lets a probe through; `undefined` if it is closed. */
  get openUntil(): number | undefined {
    return this.#openUntil;
  }

  /** How many attempts may start, given how many are in flight. */
  room(inFlight: number, now: number): number {
    if (this.#openUntil === undefined) return Infinity;
    return now < this.#openUntil ? 0 : 1 - inFlight;
  }

  /**
   * Observes an attempt, and says what that changed. One that is dead says nothing of a target: the message was at
   * fault. Nor does one after which the target asked for a pause: it is held for that long anyway.
   */
  observe(outcome: Outcome, now: number): "opened" | "closed" | undefined {
    if (!this.#policy || outcome.kind === "dead") return undefined;
    const wasOpen = this.#openUntil !== undefined;
    if (outcome.kind === "delivered") {
      this.close();
      return wasOpen ? "closed" : undefined;
    }
    if (outcome.pauseMs !== undefined) return undefined;
    this.#failures++;
    const opens = wasOpen ? now >= this.#openUntil! : this.#failures >= this.#policy.failures;
    if (!opens) return undefined;
    this.#openUntil = now + this.#policy.pauseMs;
    return "opened";
  }
}

/**
 * Tells the operator that a target is held, and until when, or that it is no longer.
 * @param openUntil Unix milliseconds; for `opened`.
 */
export function logCircuit(change: "opened" | "closed", target: string, failures: number, openUntil?: number): void {
  if (change === "closed") {
    log.info("resuming {target}: it takes deliveries again", { target, circuit: "closed" });
    return;
  }
  const probeAt = new Date(openUntil!).toISOString();
  log.error("holding {target} after {failures} failures in a row; next attempt at {probeAt}", {
    target,
    circuit: "open",
    failures,
    probeAt,
  });
}
