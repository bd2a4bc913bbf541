/** The API's limit: so many requests a minute, and so many an hour. Says when the next one may be made. */

/** @see ConnectVets' API: 100 requests a minute and 1,000 an hour. */
const LIMITS = [{ count: 100, perMs: 60_000 }, { count: 1_000, perMs: 3_600_000 }] as const;

/** Longest time that requests count, in milliseconds. */
export const LIMIT_MS = 3_600_000;

/** Added to each span, in milliseconds: requests do not arrive as far apart as they are made. */
const MARGIN_MS = 1_000;

/** Least time from one request to the next, in milliseconds: a burst does not arrive in one blow. */
const GAP_MS = 50;

export class Limit {
  /** When requests were made or may be made, the last ones that count, in their order. */
  #times: number[];
  #heldUntil: number;
  #now = 0;

  /**
   * @param made When requests were made of late, in their order. All times are Unix milliseconds.
   * @param heldUntil The API had asked for no request before then.
   */
  constructor(made: readonly number[] = [], heldUntil = 0) {
    this.#times = [...made];
    this.#heldUntil = heldUntil;
  }

  /** Gives a time, now or later, at which one request may be made. Nobody else is given it. */
  take(now: number): number {
    this.#notice(now);
    const free = LIMITS.map(({ count, perMs }) => (this.#times.at(-count) ?? -Infinity) + perMs + MARGIN_MS);
    const at = Math.max(now, this.#heldUntil, (this.#times.at(-1) ?? -Infinity) + GAP_MS, ...free);
    this.#times.push(at);
    if (this.#times.length > LIMITS[1].count) this.#times.shift();
    return at;
  }

  /** No request before this time: the API said so. What was given out for later does not hold any more. */
  hold(until: number, now: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, until);
    this.#forgetAfter(now);
  }

  /** Where the clock was set back, what lies after it would hold requests for as long. */
  #notice(now: number): void {
    if (now < this.#now) {
      this.#forgetAfter(now);
      this.#heldUntil = Math.min(this.#heldUntil, now + LIMIT_MS);
    }
    this.#now = now;
  }

  #forgetAfter(now: number): void {
    this.#times = this.#times.filter((time) => time <= now);
  }
}
