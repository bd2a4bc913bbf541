/** Connections that are kept for the next request to the same origin. */

import type { Opened } from "./connect.ts";

/** Pause between two looks at what was kept for too long, in milliseconds. */
const SWEEP_MS = 1_000;

interface Kept {
  opened: Opened;
  /** As `performance.now()` counts. */
  until: number;
}

/** Holds connections while nothing is under way on them. */
export class Pool {
  readonly #kept = new Map<string, Kept[]>();
  readonly #most: number;
  #count = 0;
  #timer?: ReturnType<typeof setTimeout>;

  /** @param most Most connections that are kept. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Gives the connection to this origin that was used last, of those that are still open. */
  take(origin: string): Opened | undefined {
    const kept = this.#kept.get(origin);
    for (let last = kept?.pop(); last; last = kept?.pop()) {
      this.#count--;
      const { connection } = last.opened;
      if (connection.isOpen && last.until > performance.now()) {
        connection.wake();
        return last.opened;
      }
      connection.close();
    }
    return undefined;
  }

  /** Keeps a connection for this many milliseconds, or closes it if there are enough. The program can end meanwhile. */
  keep(origin: string, opened: Opened, ms: number): void {
    let kept = this.#kept.get(origin);
    if (this.#count >= this.#most) return opened.connection.close();
    if (!kept) this.#kept.set(origin, kept = []);
    kept.push({ opened, until: performance.now() + ms });
    this.#count++;
    opened.connection.rest();
    this.#timer ??= setTimeout(() => this.#sweep(performance.now()), SWEEP_MS).unref();
  }

  /** Closes all. */
  close(): void {
    this.#sweep(Infinity);
  }

  #sweep(now: number): void {
    clearTimeout(this.#timer);
    this.#count = 0;
    for (const [origin, kept] of this.#kept) {
      const open = kept.filter(({ opened, until }) => opened.connection.isOpen && until > now);
      for (const one of kept) if (!open.includes(one)) one.opened.connection.close();
      if (open.length > 0) this.#kept.set(origin, open);
      else this.#kept.delete(origin);
      this.#count += open.length;
    }
    this.#timer = this.#count > 0 ? setTimeout(() => this.#sweep(performance.now()), SWEEP_MS).unref() : undefined;
  }
}
