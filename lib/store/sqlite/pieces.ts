/** Long reads in pieces: the event loop runs between two pieces, so that no read holds up a listener. */

import type { Clock } from "../../clock.ts";

/** Longest piece, in milliseconds, unless a single row takes longer. */
const PIECE_MS = 4;

/** A read that yields where it can pause, as soon as `isOver()`. It holds no statement open during a pause. */
export type LongRead = (isOver: () => boolean) => Generator<void, unknown>;

/**
 * Looks at row after row, and pauses between rows.
 * @param rowsAfter Returns the rows after the last one looked at, or all rows at first.
 * @param look Returns true when no more rows are needed.
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

/** What ends a read early. */
export interface ReadLimits {
  /** Longest time, in milliseconds, including pauses. */
  limitMs?: number;
  signal?: AbortSignal;
}

interface Waiting {
  usedMs: number;
  begin(): void;
}

/**
 * Gives reads their turns, one piece at a time, however many reads there are. After each piece, all rest for as long as
 * it took. The read that has used the least time goes first, so that a short one never waits for a long one to end.
 */
export class Pieces {
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #isBusy = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the read is done; `false` if a limit ended it. It gets at least one piece, unless it is aborted before. */
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
