/** The SQLite store's upkeep: deletes what is done and old, and observes what came in. */

import type { StatementSync } from "node:sqlite";
import type { Clock } from "../../clock.ts";
import { LATE_MS, latestByType, OBSERVED, type ObservedRow, stepsIn } from "../observed.ts";
import { type Ages, type Expired, FORGET_MS, MAX_EXPIRED_BYTES, type Retention, type UpkeepStore } from "../upkeep.ts";
import type { SqliteCounts } from "./counts.ts";
import type { SqliteFile } from "./file.ts";
import type { SqliteSteps } from "./steps.ts";
import { isTarget } from "./statements.ts";

const statements = {
  /** Events in the order of acceptance, and whether they still wait or have a dead letter. */
  selectDone: `SELECT seq, received_at,
      length(body) + coalesce((SELECT length(data) FROM notes WHERE event = seq), 0) AS bytes,
      EXISTS (SELECT 1 FROM deliveries WHERE event = seq AND state = 'pending') AS is_waiting,
      EXISTS (SELECT 1 FROM deliveries WHERE event = seq AND state = 'dead' AND ${isTarget("target")}) AS is_dead
    FROM events WHERE seq > ? ORDER BY seq LIMIT ?`,

  time: `SELECT (SELECT time FROM retention) AS time,
    (SELECT received_at FROM events ORDER BY seq LIMIT 1) AS oldest,
    (SELECT received_at FROM events ORDER BY seq DESC LIMIT 1) AS newest`,
  keepTime: "INSERT INTO retention (id, time) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET time = excluded.time",

  deleteAttempts: "DELETE FROM attempts WHERE event = ?",
  deleteDeliveries: "DELETE FROM deliveries WHERE event = ?",
  deleteReceipts: "DELETE FROM receipts WHERE (message, path) IN (SELECT message, path FROM messages WHERE event = ?)",
  deleteMessages: "DELETE FROM messages WHERE event = ?",
  deleteChains: "DELETE FROM chains WHERE event = ?",
  deleteNote: "DELETE FROM notes WHERE event = ?",
  deleteEvent: "DELETE FROM events WHERE seq = ?",

  forgetActivity: "DELETE FROM activity WHERE hour < ?",
  forgetTypes: "DELETE FROM types WHERE received_at < ?",

  observed: "SELECT seq FROM observed",
  /** The last event's sequence is used again once that event is deleted. */
  forgetObserved: "UPDATE observed SET seq = min(seq, (SELECT coalesce(max(seq), 0) FROM events))",
  observe: "UPDATE observed SET seq = ?",
  /** Starts from the last observed event that still exists. */
  newEvents: `SELECT seq, source, type, received_at FROM events
    WHERE seq >= coalesce((SELECT max(seq) FROM events WHERE seq <= :from), :from) ORDER BY seq LIMIT :limit`,
  keepType: `INSERT INTO types (name, received_at) VALUES (?, ?) ON CONFLICT (name)
    DO UPDATE SET received_at = excluded.received_at
    WHERE excluded.received_at NOT BETWEEN received_at - ${LATE_MS} AND received_at`,
} as const;

export class SqliteUpkeep implements UpkeepStore {
  readonly #file: SqliteFile;
  readonly #steps: SqliteSteps;
  readonly #counts: SqliteCounts;
  readonly #clock: Clock;
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  constructor(file: SqliteFile, clock: Clock, steps: SqliteSteps, counts: SqliteCounts) {
    this.#file = file;
    this.#steps = steps;
    this.#counts = counts;
    this.#clock = clock;
    this.#sql = file.prepareAll(statements);
  }

  async expire(after: number, before: Ages, limit: number): Promise<Expired> {
    const newest = Math.max(before.delivered, before.dead);
    return await this.#file.write("deleteEvents", () => {
      const looked = this.#sql.selectDone.all(after, limit) as unknown as DoneRow[];
      const rows = looked.slice(0, countWithin(looked.map(({ bytes }) => bytes), MAX_EXPIRED_BYTES));
      const now = this.#clock.now();
      const receivedAt = ({ seq, received_at }: DoneRow) =>
        Math.min(received_at, received_at > now ? this.#steps.after(seq)?.received_at ?? Infinity : Infinity);
      const old = rows.filter((row) =>
        !row.is_waiting && receivedAt(row) < (row.is_dead ? before.dead : before.delivered)
      );
      for (const { seq } of old) {
        this.#sql.deleteAttempts.run(seq);
        this.#sql.deleteDeliveries.run(seq);
        this.#sql.deleteReceipts.run(seq);
        this.#sql.deleteMessages.run(seq);
        this.#sql.deleteChains.run(seq);
        this.#sql.deleteNote.run(seq);
        this.#sql.deleteEvent.run(seq);
      }
      if (old.length > 0) this.#sql.forgetObserved.run();
      this.#sql.forgetActivity.run(newest);
      this.#sql.forgetTypes.run(newest - FORGET_MS);
      const last = rows.at(-1);
      const isEnd = looked.length < limit && rows.length === looked.length;
      // Events after it were received later still, up to where the clock was set back.
      const next = isEnd ? undefined : last!.received_at < newest ? last!.seq : this.#seqBefore(last!.seq);
      this.#steps.forget();
      return { deleted: old.length, next };
    });
  }

  /** Sequence before the next clock step after this sequence. */
  #seqBefore(seq: number): number | undefined {
    const step = this.#steps.after(seq);
    return step && step.seq - 1;
  }

  async retention(): Promise<Retention> {
    return this.#file.read(() => {
      const row = this.#sql.time.get() as { [name in keyof Required<Retention>]: number | null };
      return { time: row.time ?? undefined, oldest: row.oldest ?? undefined, newest: row.newest ?? undefined };
    });
  }

  async keepRetention(time: number): Promise<void> {
    await this.#file.write("recordRetention", () => this.#sql.keepTime.run(time));
  }

  async shrink(): Promise<boolean> {
    return await this.#file.shrink();
  }

  async observe(): Promise<boolean> {
    const { events, last } = this.#file.read(() => this.#unobserved());
    if (last === undefined) return false;
    await this.#file.write("observeEvents", () => {
      for (const [type, { received_at }] of latestByType(events)) this.#sql.keepType.run(type, received_at);
      for (const step of stepsIn(events)) this.#steps.add(step);
      this.#sql.observe.run(last);
    }, true);
    return events.length > OBSERVED;
  }

  /** The events accepted since the last observed one, preceded by that one. */
  #unobserved(): { events: ObservedRow[]; last?: number } {
    const { seq: from } = this.#sql.observed.get() as { seq: number };
    const events = this.#sql.newEvents.all({ from, limit: OBSERVED + 1 }) as unknown as ObservedRow[];
    const last = events.at(-1)?.seq ?? from;
    return { events, last: last > from ? last : undefined };
  }

  async backlog(targets: Iterable<string>): Promise<number> {
    const counts = await this.#counts.waiting([...targets]);
    return [...counts.values()].reduce((sum, { pending }) => sum + pending, 0);
  }
}

/** How many of these sizes, from the first on, add up to `most` or less; at least one. */
function countWithin(sizes: readonly number[], most: number): number {
  let sum = 0;
  const count = sizes.findIndex((size) => (sum += size) > most);
  return count < 0 ? sizes.length : Math.max(count, 1);
}

interface DoneRow {
  seq: number;
  bytes: number;
  received_at: number;
  is_waiting: number;
  is_dead: number;
}
