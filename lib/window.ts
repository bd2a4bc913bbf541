/** A limit on how often something happens within a sliding window. All times are those of the monotonic clock. */

/** How many, within which span. */
export interface Rate {
  perMs: number;
  limit: number;
}

export class Window {
  /** Times of the entries that count still, from {@link Window.#first} on, the oldest first. */
  #times: number[] = [];
  #first = 0;

  constructor(readonly perMs: number, readonly limit: number) {}

  /** How many more may enter now. */
  room(now: number): number {
    while (this.#first < this.#times.length && this.#times[this.#first]! <= now - this.perMs) this.#first++;
    if (this.#first > 64 && this.#first * 2 > this.#times.length) {
      this.#times = this.#times.slice(this.#first);
      this.#first = 0;
    }
    return Math.max(0, this.limit - (this.#times.length - this.#first));
  }

  /** Milliseconds until one more may enter; 0 if it may now. */
  waitMs(now: number): number {
    if (this.room(now) > 0) return 0;
    return this.#times[this.#times.length - this.limit]! + this.perMs - now;
  }

  /** When those entered that counted when it was last looked at, the oldest first. */
  get times(): readonly number[] {
    return this.#times.slice(this.#first);
  }

  /** When those entered that count now, the oldest first. */
  entries(now: number): number[] {
    this.room(now);
    return [...this.times];
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
  enter(key: string, rate: Rate, now: number): number {
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
