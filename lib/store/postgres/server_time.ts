/** The clock of a server, of which each answer tells a little. */

import type { Clock } from "../../clock.ts";

/** Two clocks drift apart by no more than this part of the time that passes. */
const DRIFT = 1e-3;

/** A server's time is given in whole milliseconds, cut off. */
const CUT_MS = 1;

/** A clock whose `now()` is the server's, as far as it is known; this machine's until then. */
export class ServerTime implements Clock {
  readonly #clock: Clock;
  /** Between which two numbers the server's time is ahead of the monotonic clock, and when that was learnt. */
  #least = -Infinity;
  #most = Infinity;
  #learntAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Learns from an answer that came just now. Of several, what all of them say holds; if they contradict each other, the
   * server's clock was set, and the last one is right.
   * @param time What the server's clock said between question and answer, in Unix milliseconds.
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
