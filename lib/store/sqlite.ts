/** A store in one SQLite file. */

import type { StatementSync } from "node:sqlite";
import { bucketOf, HOUR_MS } from "./activity.ts";
import type {
  Ages,
  AttemptRecord,
  Claimed,
  DeliveryRef,
  Expired,
  NewDelivery,
  NewEvent,
  Store,
  TargetHold,
  Totals,
} from "./mod.ts";
import { claimedOf, type DeliveryRow, type EventRow, holdOf, type HoldRow } from "./rows.ts";
import { SqliteAlarms } from "./sqlite_alarms.ts";
import { SqliteFile } from "./sqlite_file.ts";
import { SqliteNotes } from "./sqlite_notes.ts";
import { SqliteOperator } from "./sqlite_operator.ts";
import { SqliteSessions } from "./sqlite_sessions.ts";
import { statements } from "./statements.ts";

/**
 * Opens the store in this file, which is made if it is not there.
 * @param onCommit Told of each durable commit how many milliseconds it took.
 * @throws {StoreError} if it cannot be opened, or is of a newer version of the program.
 */
export function openSqlite(path: string, onCommit?: (ms: number) => void): Store {
  return new SqliteStore(new SqliteFile(path, onCommit));
}

/** Bytes that an event takes on the disk besides its body, or somewhat fewer. */
const EVENT_BYTES = 64 * 1024;

class SqliteStore extends SqliteOperator implements Store {
  readonly alarms: SqliteAlarms;
  readonly notes: SqliteNotes;
  readonly sessions: SqliteSessions;
  readonly #file: SqliteFile;
  readonly #sql: Record<keyof typeof statements, StatementSync>;
  /** What was recorded in the transaction that is open. */
  #recorded: AttemptRecord[] = [];
  /** Bytes that the last events needed which could not be stored; 0 once some could. */
  #refusedBytes = 0;

  constructor(file: SqliteFile) {
    const sql = file.prepareAll(statements);
    super(file, sql);
    this.#file = file;
    this.#sql = sql;
    this.alarms = new SqliteAlarms(file, (event) => this.#accept(event));
    this.notes = new SqliteNotes(file);
    this.sessions = new SqliteSessions(file);
    file.frame({ begin: () => this.#beginTransaction(), end: () => this.#endTransaction() });
  }

  #beginTransaction(): void {
    this.#recorded = [];
    this.alarms.begin();
  }

  #endTransaction(): void {
    this.#noteRecorded();
    this.alarms.end();
  }

  async serve(now: number): Promise<number> {
    this.#file.serve();
    return await this.#file.write("take over deliveries", () => Number(this.#sql.takeOver.run(now).changes));
  }

  async accept(events: readonly NewEvent[]): Promise<("stored" | "duplicate")[]> {
    try {
      const results = await this.#file.write("store events", () => events.map((event) => this.#accept(event)));
      if (results.includes("stored")) this.#refusedBytes = 0;
      return results;
    } catch (error) {
      this.#refusedBytes = events.reduce((sum, { body }) => sum + EVENT_BYTES + body.byteLength, 0);
      throw error;
    }
  }

  #accept(event: NewEvent): "stored" | "duplicate" {
    const { changes, lastInsertRowid } = this.#sql.insertEvent.run(
      event.id,
      event.source,
      event.type,
      event.receivedAt,
      event.secretIndex,
      JSON.stringify(event.headers),
      event.body,
      event.problems.length > 0 ? JSON.stringify(event.problems) : null,
    );
    if (Number(changes) === 0) return "duplicate";
    event.deliveries.forEach((delivery, index) =>
      this.insertDelivery(Number(lastInsertRowid), index + 1, delivery, event.receivedAt)
    );
    this.alarms.noteReceived(event);
    return "stored";
  }

  protected override insertDelivery(
    event: number,
    number: number,
    { target, orderKey }: NewDelivery,
    dueAt: number,
  ): void {
    if (orderKey === undefined) this.#sql.insertDelivery.run(event, number, target, dueAt);
    else this.#sql.insertOrdered.run({ event, number, target, dueAt, orderKey });
  }

  async claim(
    wanted: readonly { target: string; limit: number }[],
    now: number,
    leaseUntil: number,
  ): Promise<Claimed[]> {
    return await this.#file.write("claim deliveries", () =>
      wanted.flatMap(({ target, limit }) => {
        const rows = this.#sql.selectDue.all(target, now, limit) as unknown as (DeliveryRow & EventRow)[];
        for (const { event, number } of rows) this.#sql.lease.run(leaseUntil, event, number);
        return rows.map((row) => claimedOf(row, target));
      }), "volatile");
  }

  async record(records: readonly AttemptRecord[]): Promise<void> {
    await this.#file.write("record attempts", () => {
      for (const record of records) this.#record(record);
      this.#recorded.push(...records);
    }, "lazy");
  }

  #record({ ref, target, orderKey, attempt, startedAt, durationMs, outcome, state, dueAt }: AttemptRecord): void {
    const { event, number } = ref;
    const failure = outcome.kind === "delivered" ? undefined : outcome;
    const reason = failure?.reason ?? null;
    this.#sql.settle.run(state, attempt, dueAt ?? null, reason, event, number);
    if (orderKey !== undefined && state !== "pending") {
      this.#sql.nextInOrder.run({ target, orderKey, dueAt: startedAt + durationMs });
    }
    this.#sql.insertAttempt.run(
      event,
      number,
      attempt,
      startedAt,
      durationMs,
      outcome.kind,
      reason,
      failure?.detail ?? null,
      outcome.status ?? null,
      outcome.answer || null,
    );
  }

  /** A few rows, however many attempts were recorded. */
  #noteRecorded(): void {
    for (const [target, own] of Map.groupBy(this.#recorded, (record) => record.target)) {
      const delivered = own.findLast(({ outcome }) => outcome.kind === "delivered");
      const failed = own.findLast(({ outcome }) => outcome.kind !== "delivered");
      const reason = failed && failed.outcome.kind !== "delivered" ? failed.outcome.reason : null;
      const { openUntil = null, throttledUntil = null } = own.at(-1)!.hold;
      this.#sql.noteTarget.run(target, endOf(delivered), endOf(failed), reason, openUntil, throttledUntil);
    }
    const counts = new Map<string, { record: AttemptRecord; hour: number; bucket: number; count: number }>();
    for (const record of this.#recorded) {
      const hour = Math.floor(endOf(record)! / HOUR_MS) * HOUR_MS;
      const bucket = bucketOf(record.durationMs);
      const key = `${hour} ${record.state} ${bucket} ${record.target}`;
      const one = counts.get(key);
      if (one) one.count++;
      else counts.set(key, { record, hour, bucket, count: 1 });
    }
    for (const { record: { target, state }, hour, bucket, count } of counts.values()) {
      this.#sql.countAttempts.run(hour, target, state, bucket, count);
    }
  }

  async release(refs: readonly DeliveryRef[], dueAt: number): Promise<void> {
    await this.#file.write("release deliveries", () => {
      for (const { event, number } of refs) this.#sql.release.run(dueAt, event, number);
    });
  }

  async nextDue(target: string): Promise<number | undefined> {
    return this.#file.read(() => (this.#sql.nextDue.get(target) as { due_at: number } | undefined)?.due_at);
  }

  async totals(limit: number): Promise<Totals> {
    const { pending, in_flight, dead } = this.#file.read(() => this.#sql.totals.get({ limit })) as {
      [state in "pending" | "in_flight" | "dead"]: number;
    };
    return { waiting: Math.min(pending + in_flight, limit), dead };
  }

  async holds(): Promise<Map<string, TargetHold>> {
    const rows = this.#file.read(() => this.#sql.holds.all() as unknown as HoldRow[]);
    return new Map(rows.map((row) => [row.name, holdOf(row)]));
  }

  async waitingTargets(): Promise<string[]> {
    return this.#file.read(() =>
      (this.#sql.waitingTargets.all() as unknown as { name: string }[]).map(({ name }) => name)
    );
  }

  async expire(after: number, before: Ages, limit: number): Promise<Expired> {
    const newest = Math.max(before.delivered, before.dead);
    return await this.#file.write("delete old events", () => {
      const looked = this.#sql.selectDone.all(after, limit) as unknown as DoneRow[];
      const rows = looked.slice(0, countWithin(looked.map(({ bytes }) => bytes), MAX_EXPIRED_BYTES));
      const old = rows.filter((row) =>
        !row.is_waiting && row.received_at < (row.is_dead ? before.dead : before.delivered)
      );
      for (const { seq } of old) {
        this.#sql.deleteAttempts.run(seq);
        this.#sql.deleteDeliveries.run(seq);
        this.#sql.deleteNote.run(seq);
        this.#sql.deleteEvent.run(seq);
      }
      const last = rows.at(-1);
      this.#sql.forgetActivity.run(newest);
      this.alarms.forgetTypes(newest);
      const isEnd = looked.length < limit && rows.length === looked.length || last!.received_at >= newest;
      return { deleted: old.length, next: isEnd ? undefined : last!.seq };
    });
  }

  async giveBack(): Promise<boolean> {
    return await this.#file.giveBack();
  }

  async probe(): Promise<void> {
    await this.#file.probe(this.#refusedBytes);
  }

  async version(): Promise<number> {
    return this.#file.version();
  }

  async bytes(): Promise<number> {
    return this.#file.bytes();
  }

  async close(): Promise<void> {
    this.#file.close();
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

function endOf(record: AttemptRecord | undefined): number | null {
  return record ? record.startedAt + record.durationMs : null;
}
