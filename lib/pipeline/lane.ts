/** A target's lane: how many deliveries may start, and when. Knows its target alone, so none waits for another. */

import type { Outcome } from "../outcome.ts";
import type { Hold } from "../store/mod.ts";
import type { Policy } from "../targets/target.ts";
import { Circuit } from "./circuit.ts";
import { Window } from "./window.ts";

export class Lane {
  readonly circuit: Circuit;
  #policy: Policy;
  #window?: Window;
  #inFlight = 0;
  #pausedUntil = 0;

  /** @param hold Until when the target is held. */
  constructor(policy: Policy, hold: Hold = {}) {
    this.#policy = policy;
    this.#window = windowOf(policy);
    this.#pausedUntil = hold.pausedUntil ?? 0;
    this.circuit = new Circuit(policy.circuit, hold.openUntil);
  }

  /** Until when the target is held. */
  get hold(): Hold {
    return { openUntil: this.circuit.openUntil, pausedUntil: this.#pausedUntil || undefined };
  }

  /** Goes on under another policy; what is in flight, and a pause, stay. */
  use(policy: Policy, now: number): void {
    const { rate } = policy;
    const same = rate?.perMs === this.#policy.rate?.perMs && rate?.limit === this.#policy.rate?.limit;
    if (!same) this.#window = windowOf(policy);
    this.#policy = policy;
    this.circuit.use(policy.circuit, now);
  }

  /** Forgets what attempts said of the target: it is another one now. */
  forget(): void {
    this.#pausedUntil = 0;
    this.circuit.close();
  }

  /** How many deliveries may start now. */
  room(now: number): number {
    if (now < this.#pausedUntil) return 0;
    return Math.max(
      0,
      Math.min(
        this.#policy.concurrency - this.#inFlight,
        this.circuit.room(this.#inFlight, now),
        this.#window?.room(now) ?? Infinity,
      ),
    );
  }

  /** When one more may start, in Unix milliseconds; `undefined` if that waits for one in flight to end. */
  opensAt(now: number): number | undefined {
    const opensAt = Math.max(
      now + (this.#window?.waitMs(now) ?? 0),
      this.#pausedUntil,
      this.circuit.openUntil ?? 0,
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
      this.#pausedUntil = Math.max(this.#pausedUntil, now + outcome.pauseMs);
    }
    return this.circuit.note(outcome, now);
  }
}

function windowOf({ rate }: Policy): Window | undefined {
  return rate && new Window(rate.perMs, rate.limit);
}
