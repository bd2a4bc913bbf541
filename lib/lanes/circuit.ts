/**
 * A target's circuit: it opens after failures in a row, lets one probe through after a pause, and closes on success.
 * All times are monotonic.
 */

import { log } from "../log.ts";
import type { Outcome } from "../outcome.ts";
import type { CircuitPolicy } from "../targets/target.ts";

export class Circuit {
  #policy?: CircuitPolicy;
  #failures = 0;
  #openUntil?: number;

  /**
   * @param policy Without one, the circuit never opens.
   * @param openUntil When an open circuit lets a probe through.
   */
  constructor(policy?: CircuitPolicy, openUntil?: number) {
    this.#policy = policy;
    this.#openUntil = policy && openUntil;
  }

  /** Switches to another policy. An open circuit lets a probe through from `now` on: the change may be a fix. */
  use(policy: CircuitPolicy | undefined, now: number): void {
    this.#policy = policy;
    if (this.#openUntil !== undefined) this.#openUntil = policy && now;
  }

  /** Has an open circuit let its probe through no later than this. */
  tryFrom(openUntil: number): void {
    if (this.#openUntil !== undefined) this.#openUntil = Math.min(this.#openUntil, openUntil);
  }

  /** Closes the circuit and resets the count of failures. */
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
   * Observes an attempt, and returns what it changed. A dead one says nothing about the target: the message was at
   * fault. Neither does one after which the target asked for a pause: it is held for that long anyway.
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
 * Logs that a target is held, and until when, or that it no longer is.
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
