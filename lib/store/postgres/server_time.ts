/** A server's clock, which each answer helps to estimate. */

import type { Clock } from "../../clock.ts";

/** Two clocks drift apart by at most this fraction of the time that passes. */
const DRIFT = 1e-3;

/** The server's time is truncated to whole milliseconds. */
const CUT_MS = 1;

/** A clock whose `now()` is the server's time as far as it is known, and this machine's until then. */
export class ServerTime implements Clock {
  readonly #clock: Clock;
  /** Bounds of how far the server's time is ahead of the monotonic clock, and when they were learnt. */
  #least = -Infinity;
  #most = Infinity;
  #learntAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Learns from an answer that has just arrived. What all answers agree on holds; if they contradict each other, the
   * server's clock was set, and the last answer is right.
   * @param time The server's time at some moment between question and answer, in Unix milliseconds.
   * @param sentAt When the question was sent, by the monotonic clock.
   */
  learn(time: number, sentAt: number): void {
    const now = this.#clock.monotonic();
    const drift = (now - this.#learntAt) * DRIFT;
    const [least, most] = [time - now, time + CUT_MS - sentAt];
    this.#least = Math.max(this.#least - drift, least);
    this.#most = Math.min(this.#most + drift, most);
    if (this.#least > this.#most) [this.#least, this.#most] = [least, most];
    this.#learntAt = now;
  }

  now = (): number => {
    if (this.#most === Infinity) return this.#clock.now();
    return Math.floor((this.#least + this.#most) / 2 + this.#clock.monotonic());
  };

  monotonic = (): number => this.#clock.monotonic();
  sleep = (ms: number, signal?: AbortSignal): Promise<void> => this.#clock.sleep(ms, signal);
  after = (ms: number, callBack: () => void): () => void => this.#clock.after(ms, callBack);
  random = (): number => this.#clock.random();
}
