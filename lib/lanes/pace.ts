/**
 * A lane's pace: how many attempts may start, and when. Each lane has its own, so no target waits for another. All
 * times are monotonic: setting the wall clock changes no rate and no pause.
 */

import type { Deferred, Outcome } from "../outcome.ts";
import type { Hold, LaneHold } from "../store/mod.ts";
import type { Policy } from "../targets/target.ts";
import { type Rate, Window } from "../window.ts";
import { Circuit } from "./circuit.ts";
import { Concurrency } from "./concurrency.ts";

/** What a lane's new owner finds: how the lane is held, and when recent attempts started, in order. */
export interface PaceStart {
  hold?: LaneHold;
  starts?: readonly number[];
  /** The pace of the target whose recipient has this lane, which all of its lanes share. */
  whole?: Pace;
}

export class Pace {
  readonly circuit: Circuit;
  #windows: Window[];
  readonly #concurrency: Concurrency;
  #inFlight = 0;
  #throttledUntil?: number;
  #isPaused: boolean;
  readonly #whole?: Pace;

  constructor(policy: Policy, { hold = {}, starts = [], whole }: PaceStart = {}) {
    this.#windows = policy.rates.map((rate) => windowOf(rate, starts));
    this.#concurrency = new Concurrency(policy);
    this.#throttledUntil = hold.throttledUntil;
    this.#isPaused = hold.pausedAt !== undefined;
    this.circuit = new Circuit(policy.circuit, hold.openUntil);
    this.#whole = whole;
    if (whole) whole.#enterEarlier(starts);
  }

  /** Counts what started before, such as in one more lane of a whole. */
  #enterEarlier(starts: readonly number[]): void {
    if (starts.length === 0) return;
    this.#windows = this.#windows.map(({ perMs, limit, times }) =>
      windowOf({ perMs, limit }, [...times, ...starts].sort((one, other) => one - other))
    );
  }

  /** Until when the outcomes of its attempts hold the lane. */
  get hold(): Hold {
    return {
      openUntil: this.circuit.openUntil,
      throttledUntil: latest(this.#throttledUntil, this.#whole?.hold.throttledUntil),
    };
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** How long the start of an attempt counts, in milliseconds; `undefined` if it does not. */
  get startsKeptMs(): number | undefined {
    const own = this.#windows.length > 0 ? Math.max(...this.#windows.map(({ perMs }) => perMs)) : undefined;
    return latest(own, this.#whole?.startsKeptMs);
  }

  /** Switches to another policy; attempts in flight, a pause and recent starts are kept. */
  use(policy: Policy, now: number): void {
    const starts =
      this.#windows.map((window) => window.entries(now)).sort((one, other) => other.length - one.length)[0];
    this.#windows = policy.rates.map((rate) =>
      this.#windows.find(({ perMs, limit }) => perMs === rate.perMs && limit === rate.limit) ?? windowOf(rate, starts)
    );
    this.#concurrency.use(policy);
    this.circuit.use(policy.circuit, now);
  }

  /** Applies what an operator asked for: to pause, to resume, or to try an open circuit. */
  obey({ pausedAt, openUntil }: LaneHold): void {
    this.#isPaused = pausedAt !== undefined;
    if (openUntil !== undefined) this.circuit.tryFrom(openUntil);
  }

  /** Forgets what attempts said about the target, which has been replaced by another. */
  forget(): void {
    this.#throttledUntil = undefined;
    this.circuit.close();
    this.#whole?.forget();
  }

  /** How many attempts may start now. */
  room(now: number): number {
    if (this.#isPaused || now < (this.#throttledUntil ?? now)) return 0;
    const rooms = [
      this.#concurrency.most - this.#inFlight,
      this.circuit.room(this.#inFlight, now),
      ...this.#windows.map((window) => window.room(now)),
      this.#whole?.room(now) ?? Infinity,
    ];
    return Math.max(0, Math.min(...rooms));
  }

  /** When one more may start; `undefined` if it has to wait for one in flight to end, or for an operator. */
  opensAt(now: number): number | undefined {
    if (this.#isPaused) return undefined;
    const opensAt = Math.max(
      ...this.#windows.map((window) => now + window.waitMs(now)),
      this.#throttledUntil ?? now,
      this.circuit.openUntil ?? now,
      now,
    );
    const isFull = this.#inFlight >= this.#concurrency.most || this.circuit.room(this.#inFlight, opensAt) < 1;
    const wholeOpensAt = this.#whole ? this.#whole.opensAt(now) : opensAt;
    return isFull || wholeOpensAt === undefined ? undefined : Math.max(opensAt, wholeOpensAt);
  }

  begin(now: number): void {
    this.#inFlight++;
    for (const window of this.#windows) window.enter(now);
    this.#whole?.begin(now);
  }

  end(): void {
    this.#inFlight--;
    this.#whole?.end();
  }

  /** Observes what an attempt, still counted as in flight, says about the target: a pause, a failure, its speed. */
  observe(outcome: Outcome | Deferred, now: number, durationMs = 0): ReturnType<Circuit["observe"]> {
    if (outcome.pauseMs !== undefined) {
      const held = outcome.holds === "recipient" ? this : this.#whole ?? this;
      held.#throttledUntil = Math.max(held.#throttledUntil ?? now, now + outcome.pauseMs);
    }
    if (outcome.kind === "deferred") return undefined;
    this.#concurrency.observe(outcome, durationMs, this.#inFlight);
    return this.circuit.observe(outcome, now);
  }
}

function latest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? one ?? other : Math.max(one, other);
}

function windowOf({ perMs, limit }: Rate, starts: readonly number[] = []): Window {
  const window = new Window(perMs, limit);
  for (const at of starts) window.enter(at);
  return window;
}
