/** Counts what happens in a sliding window of time: so many, in so long. All times are those of the monotonic clock. */

export class Window {
  /** Times of the last `limit` entries, the oldest first. */
  #times: number[] = [];

  constructor(readonly perMs: number, readonly limit: number) {}

  /** How many more may enter now. */
  room(now: number): number {
    this.#times = this.#times.filter((time) => time > now - this.perMs);
    return this.limit - this.#times.length;
  }

  /** Milliseconds until one more may enter; 0 if it may now. */
  waitMs(now: number): number {
    return this.room(now) > 0 ? 0 : this.#times[0]! + this.perMs - now;
  }

  /** Counts one that enters now. */
  enter(now: number): void {
    this.#times.push(now);
  }
}

/** Most keys that are remembered; beyond it those with nothing in them are forgotten, then the oldest one. */
const MAX_KEYS = 10_000;

/** Windows by key, such as a client's address. */
export class Windows {
  readonly #windows = new Map<string, Window>();

  /** Counts one for this key if it may enter now; otherwise gives the milliseconds until one may. */
  enter(key: string, rate: { perMs: number; limit: number }, now: number): number {
    let window = this.#windows.get(key);
    if (!window || window.perMs !== rate.perMs || window.limit !== rate.limit) {
      this.#makeRoom(now);
      window = new Window(rate.perMs, rate.limit);
      this.#windows.set(key, window);
    }
    const waitMs = window.waitMs(now);
    if (waitMs === 0) window.enter(now);
    return waitMs;
  }

  /** Milliseconds until one more may enter for this key; 0 if it may now. */
  waitMs(key: string, now: number): number {
    return this.#windows.get(key)?.waitMs(now) ?? 0;
  }

  #makeRoom(now: number): void {
    if (this.#windows.size < MAX_KEYS) return;
    for (const [key, window] of this.#windows) {
      if (window.room(now) === window.limit) this.#windows.delete(key);
    }
    const [oldest] = this.#windows.keys();
    if (this.#windows.size >= MAX_KEYS && oldest !== undefined) this.#windows.delete(oldest);
  }
}
