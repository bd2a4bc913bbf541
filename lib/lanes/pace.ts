/**
 * A lane's pace: how many attempts may begin, and when. It knows its target alone, so none waits for another. All times are
 * those of the monotonic clock: whoever sets the other one changes no rate and no pause.
 */

import type { Deferred, Outcome } from "../outcome.ts";
import type { Hold, LaneHold } from "../store/mod.ts";
import type { Policy } from "../targets/target.ts";
import { type Rate, Window } from "../window.ts";
import { Circuit } from "./circuit.ts";
import { Concurrency } from "./concurrency.ts";

/** What the owner of a lane finds: how it is held, and when recent attempts began, in order. */
export interface PaceStart {
  hold?: LaneHold;
  starts?: readonly number[];
}

export class Pace {
  readonly circuit: Circuit;
  #windows: Window[];
  readonly #concurrency: Concurrency;
  #inFlight = 0;
  #throttledUntil?: number;
  #isPaused: boolean;

  constructor(policy: Policy, { hold = {}, starts = [] }: PaceStart = {}) {
    this.#windows = policy.rates.map((rate) => windowOf(rate, starts));
    this.#concurrency = new Concurrency(policy);
    this.#throttledUntil = hold.throttledUntil;
    this.#isPaused = hold.pausedAt !== undefined;
    this.circuit = new Circuit(policy.circuit, hold.openUntil);
  }

  /** Until when its attempts hold the lane. */
  get hold(): Hold {
    return { openUntil: this.circuit.openUntil, throttledUntil: this.#throttledUntil };
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** For how many milliseconds the starts of attempts count; `undefined` if they do not. */
  get startsKeptMs(): number | undefined {
    return this.#windows.length > 0 ? Math.max(...this.#windows.map(({ perMs }) => perMs)) : undefined;
  }

  /** Goes on under another policy; what is in flight, a pause and recent starts stay. */
  use(policy: Policy, now: number): void {
    const starts =
      this.#windows.map((window) => window.entries(now)).sort((one, other) => other.length - one.length)[0];
    this.#windows = policy.rates.map((rate) =>
      this.#windows.find(({ perMs, limit }) => perMs === rate.perMs && limit === rate.limit) ?? windowOf(rate, starts)
    );
    this.#concurrency.use(policy);
    this.circuit.use(policy.circuit, now);
  }

  /** Takes over what an operator said: a pause, its end, or that an open circuit is to be tried. */
  obey({ pausedAt, openUntil }: LaneHold): void {
    this.#isPaused = pausedAt !== undefined;
    if (openUntil !== undefined) this.circuit.tryFrom(openUntil);
  }

  /** Forgets what attempts said of the target: it is another one now. */
  forget(): void {
    this.#throttledUntil = undefined;
    this.circuit.close();
  }

  /** How many attempts may begin now. */
  room(now: number): number {
    if (this.#isPaused || now < (this.#throttledUntil ?? now)) return 0;
    const rooms = [
      this.#concurrency.most - this.#inFlight,
      this.circuit.room(this.#inFlight, now),
      ...this.#windows.map((window) => window.room(now)),
    ];
    return Math.max(0, Math.min(...rooms));
  }

  /** When one more may begin; `undefined` if that waits for one in flight to end, or for an operator. */
  opensAt(now: number): number | undefined {
    if (this.#isPaused) return undefined;
    const opensAt = Math.max(
      ...this.#windows.map((window) => now + window.waitMs(now)),
      this.#throttledUntil ?? now,
      this.circuit.openUntil ?? now,
      now,
    );
    const isFull = this.#inFlight >= this.#concurrency.most || this.circuit.room(this.#inFlight, opensAt) < 1;
    return isFull ? undefined : opensAt;
  }

  begin(now: number): void {
    this.#inFlight++;
    for (const window of this.#windows) window.enter(now);
  }

  end(): void {
    this.#inFlight--;
  }

  /** Observes what an attempt, which is under way until now, says of the target: a pause, a failure, how quick it is. */
  observe(outcome: Outcome | Deferred, now: number, durationMs = 0): ReturnType<Circuit["observe"]> {
    if (outcome.kind !== "dead" && outcome.pauseMs !== undefined) {
      this.#throttledUntil = Math.max(this.#throttledUntil ?? now, now + outcome.pauseMs);
    }
    if (outcome.kind === "deferred") return undefined;
    this.#concurrency.observe(outcome, durationMs, this.#inFlight);
    return this.circuit.observe(outcome, now);
  }
}

function windowOf({ perMs, limit }: Rate, starts: readonly number[] = []): Window {
  const window = new Window(perMs, limit);
  for (const at of starts) window.enter(at);
  return window;
}
