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

/** All times are those of the monotonic clock. */
export class Limit {
  /** When requests were made, in their order. */
  #made: number[];
  /** Turns that were given out, in their order. */
  #turns: number[];
  #heldUntil: number;

  /**
   * @param made When requests were made of late, in their order.
   * @param heldUntil The API had asked for no request before then.
   */
  constructor(made: readonly number[] = [], heldUntil = -Infinity) {
    this.#made = [...made];
    this.#turns = [...made];
    this.#heldUntil = heldUntil;
  }

  /**
   * Gives a turn: a time, now or later, at which a request may probably be made. Turns are as far apart as the limit
   * asks, so that of many who wait each comes back about once.
   */
  take(now: number): number {
    const at = Math.max(now, this.#heldUntil, this.lastTurn + GAP_MS, freeAfter(this.#turns));
    remember(this.#turns, at);
    return at;
  }

  /** The last of the turns that were given out, or long ago. */
  get lastTurn(): number {
    return this.#turns.at(-1) ?? -Infinity;
  }

  /** Counts a request and gives `now` if it may be made now; otherwise gives when one may. */
  enter(now: number): number {
    const at = Math.max(now, this.#heldUntil, freeAfter(this.#made));
    if (at === now) remember(this.#made, now);
    return at;
  }

  /**
   * No request before this time: the API said so. Turns that were given out do not count any more.
   * @returns The time before which there is none, which may be a later one that the API said before.
   */
  hold(until: number, now: number): number {
    this.#turns = this.#turns.filter((time) => time <= now);
    return this.#heldUntil = Math.max(this.#heldUntil, until);
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
