/** Counts waiting deliveries and dead letters in the SQLite store, in pieces: there may be millions. */

import type { StatementSync } from "node:sqlite";
import type { Reason } from "../../reason.ts";
import { isOwnLane } from "../../own_lane.ts";
import { lanesNamed } from "../../recipient.ts";
import type { SqliteFile } from "./file.ts";
import type { Range } from "./steps.ts";

/** Deliveries to one target that are not done, except for steps of chains that have not begun. */
export interface WaitingCount {
  pending: number;
  /** Sequence of their oldest event. */
  oldest?: number;
}

/** Dead letters of one target with one reason, and the sequences of their oldest and newest events. */
export interface DeadCount {
  target: string;
  reason: Reason;
  count: number;
  oldest: number;
  newest: number;
}

/** Rows counted in one step, and in one that looks up each row's event. */
const STEP = 1_000;
const STEP_WITH_EVENTS = 100;

/**
 * Two statements that walk an index: one finds where the next rows end, the other sums up the rows up to there. Both
 * take the values of the condition, then the position to continue from.
 * @param order The columns that the rows are ordered by, which make up a position.
 * @param counts Which rows count, if not all.
 */
function step(condition: string, order: readonly string[], counts = "true") {
  const columns = order.join(", ");
  const place = order.map(() => "?").join(", ");
  const rows = `FROM deliveries WHERE ${condition} AND (${columns}) > (${place})`;
  return {
    last: `SELECT ${columns} ${rows} ORDER BY ${columns} LIMIT 1 OFFSET ?`,
    sum: `SELECT count(*) AS count, min(event) AS oldest, max(event) AS newest ${rows}
      AND (${columns}) <= (${place}) AND ${counts}`,
  };
}

const isDead = "state = 'dead' AND target = ? AND reason IS ?";

const isParked = "state = 'pending' AND target = ? AND due_at IS NULL";
const isPending = "state = 'pending' AND target = ?";

/** Not a step of a chain that has not begun. It needs more than the index has. */
const hasBegun = `(chain IS NULL OR NOT EXISTS (SELECT 1 FROM chains c
  WHERE c.event = deliveries.event AND c.chain = deliveries.chain AND c.step < deliveries.step))`;

const steps = {
  parked: step(isParked, ["event", "number"]),
  parkedBegun: step(isParked, ["event", "number"], hasBegun),
  due: step(isPending, ["due_at", "event", "number"]),
  dueBegun: step(isPending, ["due_at", "event", "number"], hasBegun),
  dead: step(isDead, ["event", "number"]),
  deadSince: step(isDead, ["event", "number"], "(SELECT received_at FROM events WHERE seq = event) >= ?"),
};

const statements = {
  nextPending: "SELECT min(target) AS next FROM deliveries WHERE state = 'pending' AND target > ?",
  nextDead: "SELECT min(target) AS next FROM deliveries WHERE state = 'dead' AND target > ?",
  lanes: "SELECT name FROM lanes",
  stepWaits: "SELECT 1 FROM chains WHERE next_at IS NOT NULL LIMIT 1",
  nextReason: "SELECT min(reason) AS next FROM deliveries WHERE state = 'dead' AND target = ? AND reason > ?",
} as const;

/** Which dead letters count; if a time is given, only those whose events were received since then. */
interface DeadQuestion extends Partial<Range> {
  /** Lanes. Default: all. */
  targets?: readonly string[];
  reason?: Reason;
}

/** The sum of one step: how many rows count, and the sequences of their oldest and newest events. */
interface Sum {
  count: number;
  oldest: number | null;
  newest: number | null;
}

/** A position in the order of an index. */
type Place = readonly number[];

/** A delivery that changes during a count may be missed, or counted twice. */
export class SqliteCounts {
  readonly #file: SqliteFile;
  readonly #sql: Record<keyof typeof statements, StatementSync>;
  readonly #steps: Record<keyof typeof steps, Record<"sum" | "last", StatementSync>>;

  constructor(file: SqliteFile) {
    this.#file = file;
    this.#sql = file.prepareAll(statements);
    const { parked, parkedBegun, due, dueBegun, dead, deadSince } = steps;
    this.#steps = {
      parked: file.prepareAll(parked),
      parkedBegun: file.prepareAll(parkedBegun),
      due: file.prepareAll(due),
      dueBegun: file.prepareAll(dueBegun),
      dead: file.prepareAll(dead),
      deadSince: file.prepareAll(deadSince),
    };
  }

  /** Waiting deliveries by target. @param targets Default: all targets that have waiting deliveries. */
  async waiting(targets?: readonly string[]): Promise<Map<string, WaitingCount>> {
    const counts = new Map<string, WaitingCount>();
    await this.#file.readInPieces((isOver) => this.#countWaiting(counts, targets, isOver));
    return counts;
  }

  *#countWaiting(counts: Map<string, WaitingCount>, targets: Iterable<string> | undefined, isOver: () => boolean) {
    const [parked, due] = this.#sql.stepWaits.get() ? ["parkedBegun", "dueBegun"] as const : ["parked", "due"] as const;
    for (const target of targets ?? this.#following(this.#sql.nextPending)) {
      const total: WaitingCount = { pending: 0 };
      counts.set(target, total);
      const add = ({ count, oldest }: Sum) => {
        total.pending += count;
        if (oldest !== null) total.oldest = Math.min(oldest, total.oldest ?? oldest);
      };
      yield* this.#count(parked, [target], [0, 0], add, isOver);
      yield* this.#count(due, [target], [-1, 0, 0], add, isOver);
    }
  }

  /** Dead letters, sorted by target and reason. */
  async dead(filter: DeadQuestion = {}): Promise<DeadCount[]> {
    const counts: DeadCount[] = [];
    await this.#file.readInPieces((isOver) => this.#countDead(counts, filter, isOver));
    return counts;
  }

  *#countDead(counts: DeadCount[], { targets, reason, from = 1, since = null }: DeadQuestion, isOver: () => boolean) {
    const after = [from - 1, Number.MAX_SAFE_INTEGER];
    for (const kind of this.kinds({ targets, reason })) {
      const total: DeadCount = { ...kind, count: 0, oldest: 0, newest: 0 };
      const add = ({ count, oldest, newest }: Sum) => {
        if (total.count === 0) total.oldest = oldest ?? 0;
        total.count += count;
        total.newest = newest ?? total.newest;
      };
      const question = [kind.target, kind.reason];
      if (since === null) yield* this.#count("dead", question, after, add, isOver);
      else yield* this.#count("deadSince", question, after, add, isOver, [since]);
      if (total.count > 0) counts.push(total);
    }
  }

  /** Targets and reasons that may have dead letters, sorted. */
  *kinds(
    { targets, reason }: Pick<DeadQuestion, "targets" | "reason">,
  ): Generator<Pick<DeadCount, "target" | "reason">> {
    const { nextDead, nextReason } = this.#sql;
    for (const name of targets ?? this.#following(nextDead)) {
      // A dead letter of the schema's first version may have no reason.
      const reasons = reason === undefined ? [null, ...this.#following(nextReason, name)] : [reason];
      for (const one of reasons as Reason[]) yield { target: name, reason: one };
    }
  }

  /** The lanes that the name of a target or a lane stands for; itself if there are none. None of relay's own. */
  named(name: string | undefined): string[] | undefined {
    if (name === undefined) return undefined;
    const { nextPending, nextDead, lanes } = this.#sql;
    const owned = (lanes.all() as { name: string }[]).map((lane) => lane.name);
    const known = [name, ...owned, ...this.#following(nextPending), ...this.#following(nextDead)];
    return lanesNamed(name, known).filter((lane) => !isOwnLane(lane));
  }

  /** Lanes of targets with waiting deliveries. */
  withWaiting(): string[] {
    return [...this.#following(this.#sql.nextPending)];
  }

  /** The texts that a statement finds, each with one step in an index: it is asked for the next text after the last. */
  *#following(statement: StatementSync, ...question: string[]): Generator<string> {
    for (let last = "";;) {
      const { next } = statement.get(...question, last) as { next: string | null };
      if (next === null) return;
      last = next;
      if (!isOwnLane(next)) yield next;
    }
  }

  /** Counts the rows after a position, step by step. @param counts Parameters of the condition on which rows count. */
  *#count(
    kind: keyof typeof steps,
    question: readonly (string | null)[],
    first: Place,
    add: (sum: Sum) => void,
    isOver: () => boolean,
    counts: readonly number[] = [],
  ): Generator<void> {
    const { last, sum } = this.#steps[kind];
    const skipped = (counts.length === 0 ? STEP : STEP_WITH_EVENTS) - 1;
    const end = first.map(() => Number.MAX_SAFE_INTEGER);
    for (let place: Place | undefined = first; place;) {
      const row = last.get(...question, ...place, skipped) as Record<string, number> | undefined;
      const next: Place | undefined = row && Object.values(row);
      add(sum.get(...question, ...place, ...next ?? end, ...counts) as unknown as Sum);
      place = next;
      if (place && isOver()) yield;
    }
  }
}
