/** Long reads in pieces: between two of them the event loop gets its turn, so that no read holds up a listener. */

import type { Clock } from "../../clock.ts";

/** Longest piece, in milliseconds, unless a single row takes longer. */
const PIECE_MS = 4;

/** A read that yields where it can pause, which it does once `isOver()`; it holds no statement open meanwhile. */
export type LongRead = (isOver: () => boolean) => Generator<void, unknown>;

/**
 * Looks at row after row, and pauses between two of them.
 * @param rowsAfter Gives the rows behind the one that was looked at last, or from the first one on.
 * @param look Gives true where no more rows are needed.
 * @returns Whether every row was looked at.
 */
export function* walk<Row>(
  rowsAfter: (last: Row | undefined) => Iterable<Row>,
  look: (row: Row) => boolean | void,
  isOver: () => boolean,
): Generator<void, boolean> {
  for (let last: Row | undefined;;) {
    let isPaused = false;
    for (const row of rowsAfter(last)) {
      if (look(row)) return false;
      last = row;
      isPaused = isOver();
      if (isPaused) break;
    }
    if (!isPaused) return true;
    yield;
  }
}

/** What ends a read before it is done. */
export interface ReadLimits {
  /** Longest time, in milliseconds, with that of the pauses. */
  limitMs?: number;
  signal?: AbortSignal;
}

interface Waiting {
  usedMs: number;
  begin(): void;
}

/**
 * Gives reads their turns, one piece at a time, however many reads there are. After each piece all of them rest as long as
 * it took. The read that has used least time goes first, so that a short one never waits for a long one to be done.
 */
export class Pieces {
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #isBusy = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Says whether the read is done; `false` if a limit ended it. It has one piece at least, unless it is aborted before. */
  async read(work: LongRead, { limitMs = Infinity, signal }: ReadLimits = {}): Promise<boolean> {
    const { monotonic } = this.#clock;
    const giveUpAt = monotonic() + limitMs;
    let usedMs = 0;
    let endsAt = 0;
    const reading = work(() => monotonic() >= endsAt);
    for (;;) {
      if (this.#isBusy) await new Promise<void>((begin) => this.#waiting.push({ usedMs, begin }));
      this.#isBusy = true;
      const startedAt = monotonic();
      endsAt = startedAt + PIECE_MS;
      try {
        if (signal?.aborted || (usedMs > 0 && startedAt >= giveUpAt)) return false;
        if (reading.next().done) return true;
      } finally {
        const tookMs = monotonic() - startedAt;
        usedMs += tookMs;
        this.#clock.sleep(tookMs).then(() => this.#next());
      }
    }
  }

  #next(): void {
    const [first, ...others] = this.#waiting.sort((one, other) => one.usedMs - other.usedMs);
    this.#waiting = others;
    this.#isBusy = first !== undefined;
    first?.begin();
  }
}
