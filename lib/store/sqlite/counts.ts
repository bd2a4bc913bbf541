/** Counts what waits and what is dead in the SQLite store, in pieces: there may be millions. */

import type { StatementSync } from "node:sqlite";
import type { Reason } from "../../reason.ts";
import { isOwnLane } from "../../own_lane.ts";
import { walk } from "./pieces.ts";
import type { SqliteFile } from "./file.ts";
import type { Range } from "./steps.ts";

/** Deliveries to one target that are not done. */
export interface WaitingCount {
  pending: number;
  /** Sequence of the oldest event among theirs. */
  oldest?: number;
}

/** Dead letters of one target with one reason, and the sequences of the oldest and the newest event among theirs. */
export interface DeadCount {
  target: string;
  reason: Reason;
  count: number;
  oldest: number;
  newest: number;
}

/** Each goes along an index; the long ones on from a row that they gave. */
const statements = {
  parked: `SELECT event, number FROM deliveries
    WHERE state = 'pending' AND target = :target AND due_at IS NULL AND (event, number) > (:event, :number)
    ORDER BY event, number`,
  due: `SELECT due_at AS dueAt, event, number FROM deliveries
    WHERE state = 'pending' AND target = :target AND (due_at, event, number) > (:dueAt, :event, :number)
    ORDER BY due_at, event, number`,
  dead: `SELECT event, number FROM deliveries
    WHERE state = 'dead' AND target = :target AND reason IS :reason AND (event, number) > (:event, :number)
    ORDER BY event, number`,
  isSince: "SELECT 1 FROM events WHERE seq = ? AND received_at >= ?",

  nextPending: "SELECT min(target) AS next FROM deliveries WHERE state = 'pending' AND target > ?",
  nextDead: "SELECT min(target) AS next FROM deliveries WHERE state = 'dead' AND target > ?",
  nextReason: "SELECT min(reason) AS next FROM deliveries WHERE state = 'dead' AND target = ? AND reason > ?",
} as const;

/** Which dead letters count: those whose events were received since a time, if that is given. */
interface DeadQuestion extends Partial<Range> {
  target?: string;
  reason?: Reason;
}

interface Place {
  event: number;
  number: number;
}

/** Before every delivery. */
const START: Place = { event: 0, number: 0 };

/** What changes while it is being counted may count as it was or as it is. */
export class SqliteCounts {
  readonly #file: SqliteFile;
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  constructor(file: SqliteFile) {
    this.#file = file;
    this.#sql = file.prepareAll(statements);
  }

  /** What waits, by target. @param targets Default: all that something waits for. */
  async waiting(targets?: readonly string[]): Promise<Map<string, WaitingCount>> {
    const counts = new Map<string, WaitingCount>();
    await this.#file.readInPieces((isOver) => this.#countWaiting(counts, targets, isOver));
    return counts;
  }

  *#countWaiting(counts: Map<string, WaitingCount>, targets: Iterable<string> | undefined, isOver: () => boolean) {
    const { nextPending, parked, due } = this.#sql;
    for (const target of targets ?? this.#following(nextPending)) {
      const total: WaitingCount = { pending: 0 };
      counts.set(target, total);
      const add = ({ event }: Place) => {
        total.pending++;
        total.oldest = Math.min(event, total.oldest ?? event);
      };
      yield* walkAlong(parked, { target }, START, add, isOver);
      yield* walkAlong(due, { target }, { dueAt: -1, ...START }, add, isOver);
    }
  }

  /** Dead letters, in the order of targets and reasons. */
  async dead(filter: DeadQuestion = {}): Promise<DeadCount[]> {
    const counts: DeadCount[] = [];
    await this.#file.readInPieces((isOver) => this.#countDead(counts, filter, isOver));
    return counts;
  }

  *#countDead(counts: DeadCount[], { target, reason, from = 1, since = null }: DeadQuestion, isOver: () => boolean) {
    const { nextDead, nextReason, dead, isSince } = this.#sql;
    const after = { event: from - 1, number: Number.MAX_SAFE_INTEGER };
    for (const name of target === undefined ? this.#following(nextDead) : [target]) {
      // A dead letter of the schema's first version may have none.
      const reasons = reason === undefined ? [null, ...this.#following(nextReason, name)] : [reason];
      for (const one of reasons as Reason[]) {
        const total: DeadCount = { target: name, reason: one, count: 0, oldest: 0, newest: 0 };
        const add = ({ event }: Place) => {
          if (since !== null && !isSince.get(event, since)) return;
          if (total.count++ === 0) total.oldest = event;
          total.newest = event;
        };
        yield* walkAlong(dead, { target: name, reason: one }, after, add, isOver);
        if (total.count > 0) counts.push(total);
      }
    }
  }

  /** Texts that a statement finds, each by one step in an index; it is asked for the next after one. */
  *#following(statement: StatementSync, ...question: string[]): Generator<string> {
    for (let last = "";;) {
      const { next } = statement.get(...question, last) as { next: string | null };
      if (next === null) return;
      last = next;
      if (!isOwnLane(next)) yield next;
    }
  }
}

/**
 * Looks at every row that a statement gives.
 * @param first The place before the first row; the statement goes on from a row's own.
 */
function walkAlong<Row extends Place>(
  statement: StatementSync,
  question: Record<string, string | null>,
  first: Row,
  look: (row: Row) => void,
  isOver: () => boolean,
): Generator<void, boolean> {
  const rowsAfter = (last = first) => statement.iterate({ ...question, ...last }) as Iterable<unknown> as Iterable<Row>;
  return walk(rowsAfter, look, isOver);
}
