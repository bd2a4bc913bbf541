/** Deleting from the SQLite store what is done and old. */

import type { StatementSync } from "node:sqlite";
import type { Clock } from "../clock.ts";
import type { Ages, Expired, Retention } from "./mod.ts";
import type { SqliteAlarms } from "./sqlite_alarms.ts";
import type { SqliteFile } from "./sqlite_file.ts";
import type { SqliteSteps } from "./sqlite_steps.ts";
import { isWaiting } from "./statements.ts";

const statements = {
  /** Events in the order of acceptance, and whether all that was to be done about them is done. */
  selectDone: `SELECT seq, received_at, 
      length(body) + coalesce((SELECT length(data) FROM notes WHERE event = seq), 0) AS bytes,
      EXISTS (SELECT 1 FROM deliveries WHERE event = seq AND ${isWaiting}) AS is_waiting,
      EXISTS (SELECT 1 FROM deliveries WHERE event = seq AND state = 'dead') AS is_dead
    FROM events WHERE seq > ? ORDER BY seq LIMIT ?`,

  time: `SELECT (SELECT time FROM retention) AS time,
    (SELECT received_at FROM events ORDER BY seq LIMIT 1) AS oldest,
    (SELECT received_at FROM events ORDER BY seq DESC LIMIT 1) AS newest`,
  keepTime: "INSERT INTO retention (id, time) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET time = excluded.time",

  deleteAttempts: "DELETE FROM attempts WHERE event = ?",
  deleteDeliveries: "DELETE FROM deliveries WHERE event = ?",
  deleteNote: "DELETE FROM notes WHERE event = ?",
  deleteEvent: "DELETE FROM events WHERE seq = ?",

  forgetActivity: "DELETE FROM activity WHERE hour < ?",
} as const;

export class SqliteRetention {
  readonly #file: SqliteFile;
  readonly #steps: SqliteSteps;
  readonly #alarms: SqliteAlarms;
  readonly #clock: Clock;
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  constructor(file: SqliteFile, steps: SqliteSteps, alarms: SqliteAlarms, clock: Clock) {
    this.#file = file;
    this.#steps = steps;
    this.#alarms = alarms;
    this.#clock = clock;
    this.#sql = file.prepareAll(statements);
  }

  async expire(after: number, before: Ages, limit: number): Promise<Expired> {
    const newest = Math.max(before.delivered, before.dead);
    return await this.#file.write("delete old events", () => {
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
        this.#sql.deleteNote.run(seq);
        this.#sql.deleteEvent.run(seq);
      }
      this.#sql.forgetActivity.run(newest);
      this.#alarms.forgetTypes(newest);
      const last = rows.at(-1);
      const isEnd = looked.length < limit && rows.length === looked.length;
      // What follows was received later still, up to where the clock was set back.
      const next = isEnd ? undefined : last!.received_at < newest ? last!.seq : this.#placeBefore(last!.seq);
      this.#steps.forget();
      return { deleted: old.length, next };
    });
  }

  /** Place of the last event before the next step of the clock after a place. */
  #placeBefore(seq: number): number | undefined {
    const step = this.#steps.after(seq);
    return step && step.seq - 1;
  }

  read(): Retention {
    return this.#file.read(() => {
      const row = this.#sql.time.get() as { [name in keyof Required<Retention>]: number | null };
      return { time: row.time ?? undefined, oldest: row.oldest ?? undefined, newest: row.newest ?? undefined };
    });
  }

  async keep(time: number): Promise<void> {
    await this.#file.write("keep the time of retention", () => this.#sql.keepTime.run(time));
  }
}

/** Most bytes of bodies that are deleted in one transaction, but for a single larger one. */
const MAX_EXPIRED_BYTES = 4 * 1024 ** 2;

/** How many of these, from the first one on and at least that one, sum up to so much at most. */
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
