/**
 * A target's lane: how many deliveries may start, and when. Knows its target alone, so none waits for another. All times
 * are those of the monotonic clock: whoever sets the other one changes no rate and no pause.
 */

import type { Outcome } from "../outcome.ts";
import type { Hold, TargetHold } from "../store/mod.ts";
import type { Policy } from "../targets/target.ts";
import { Circuit } from "./circuit.ts";
import { Window } from "./window.ts";

export class Lane {
  readonly circuit: Circuit;
  #policy: Policy;
  #window?: Window;
  #inFlight = 0;
  #throttledUntil?: number;
  #isPaused: boolean;

  /** @param hold How the target is held. */
  constructor(policy: Policy, hold: TargetHold = {}) {
    this.#policy = policy;
    this.#window = windowOf(policy);
    this.#throttledUntil = hold.throttledUntil;
    this.#isPaused = hold.pausedAt !== undefined;
    this.circuit = new Circuit(policy.circuit, hold.openUntil);
  }

  /** Until when its attempts hold the target. */
  get hold(): Hold {
    return { openUntil: this.circuit.openUntil, throttledUntil: this.#throttledUntil };
  }

  /** Goes on under another policy; what is in flight, and a pause, stay. */
  use(policy: Policy, now: number): void {
    const { rate } = policy;
    const same = rate?.perMs === this.#policy.rate?.perMs && rate?.limit === this.#policy.rate?.limit;
    if (!same) this.#window = windowOf(policy);
    this.#policy = policy;
    this.circuit.use(policy.circuit, now);
  }

  /** Takes over what an operator said: a pause, its end, or that an open circuit should be tried. */
  heed({ pausedAt, openUntil }: TargetHold): void {
    this.#isPaused = pausedAt !== undefined;
    if (openUntil !== undefined) this.circuit.hurry(openUntil);
  }

  /** Forgets what attempts said of the target: it is another one now. */
  forget(): void {
    this.#throttledUntil = undefined;
    this.circuit.close();
  }

  /** How many deliveries may start now. */
  room(now: number): number {
    if (this.#isPaused || now < (this.#throttledUntil ?? now)) return 0;
    return Math.max(
      0,
      Math.min(
        this.#policy.concurrency - this.#inFlight,
        this.circuit.room(this.#inFlight, now),
        this.#window?.room(now) ?? Infinity,
      ),
    );
  }

  /** When one more may start; `undefined` if that waits for one in flight to end, or an operator. */
  opensAt(now: number): number | undefined {
    if (this.#isPaused) return undefined;
    const opensAt = Math.max(
      now + (this.#window?.waitMs(now) ?? 0),
      this.#throttledUntil ?? now,
      this.circuit.openUntil ?? now,
    );
    const isFull = this.#inFlight >= this.#policy.concurrency || this.circuit.room(this.#inFlight, opensAt) < 1;
    return isFull ? undefined : opensAt;
  }

  start(now: number): void {
    this.#inFlight++;
    this.#window?.enter(now);
  }

  end(): void {
    this.#inFlight--;
  }

  /** Takes note of what an attempt says of the target: a pause that it asked for, a failure, a success. */
  note(outcome: Outcome, now: number): ReturnType<Circuit["note"]> {
    if (outcome.kind === "retry" && outcome.pauseMs !== undefined) {
      this.#throttledUntil = Math.max(this.#throttledUntil ?? now, now + outcome.pauseMs);
    }
    return this.circuit.note(outcome, now);
  }
}

function windowOf({ rate }: Policy): Window | undefined {
  return rate && new Window(rate.perMs, rate.limit);
}
