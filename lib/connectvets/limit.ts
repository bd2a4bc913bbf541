/** The API's limit: so many requests a minute, and so many an hour. Says when the next one may be made. */

/** Added to each span, in milliseconds: requests do not arrive as far apart as they are made. */
const MARGIN_MS = 1_000;

/** @see ConnectVets' API: 100 requests a minute and 1,000 an hour. */
const LIMITS = [
  { count: 100, perMs: 60_000 + MARGIN_MS },
  { count: 1_000, perMs: 3_600_000 + MARGIN_MS },
] as const;

/** For how long requests count, in milliseconds. */
export const LIMIT_MS = LIMITS[1].perMs;

/** Least time from one turn to the next, in milliseconds: a burst does not arrive in one blow. */
const GAP_MS = 50;

/** All times are Unix milliseconds. */
export class Limit {
  /** When requests were made, in their order. */
  #made: number[];
  /** Turns that were given out, in their order. */
  #turns: number[];
  #heldUntil: number;
  #now = 0;

  /**
   * @param made When requests were made of late, in their order.
   * @param heldUntil The API had asked for no request before then.
   */
  constructor(made: readonly number[] = [], heldUntil = 0) {
    this.#made = [...made];
    this.#turns = [...made];
    this.#heldUntil = heldUntil;
  }

  /**
   * Gives a turn: a time, now or later, at which a request may probably be made. Turns are as far apart as the limit
   * asks, so that of many who wait each comes back about once.
   */
  take(now: number): number {
    this.#notice(now);
    const at = Math.max(now, this.#heldUntil, this.lastTurn + GAP_MS, freeAfter(this.#turns));
    remember(this.#turns, at);
    return at;
  }

  /** The last of the turns that were given out, or 0. */
  get lastTurn(): number {
    return this.#turns.at(-1) ?? 0;
  }

  /** Counts a request and gives `now` if it may be made now; otherwise gives when one may. */
  enter(now: number): number {
    this.#notice(now);
    const at = Math.max(now, this.#heldUntil, freeAfter(this.#made));
    if (at === now) remember(this.#made, now);
    return at;
  }

  /** No request before this time: the API said so. Turns that were given out do not count any more. */
  hold(until: number, now: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, until);
    this.#turns = this.#turns.filter((time) => time <= now);
  }

  /** Where the clock was set back, what lies after it would hold requests for as long. */
  #notice(now: number): void {
    if (now < this.#now) {
      this.#made = this.#made.filter((time) => time <= now);
      this.#turns = this.#turns.filter((time) => time <= now);
      this.#heldUntil = Math.min(this.#heldUntil, now + LIMIT_MS);
    }
    this.#now = now;
  }
}

/** When the limit leaves room for one more. */
function freeAfter(times: readonly number[]): number {
  return Math.max(...LIMITS.map(({ count, perMs }) => (times.at(-count) ?? -Infinity) + perMs));
}

function remember(times: number[], at: number): void {
  times.push(at);
  if (times.length > LIMITS[1].count) times.shift();
}
