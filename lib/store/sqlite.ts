/** A store in one SQLite file. */

import type { StatementSync } from "node:sqlite";
import { type Clock, latestBy, systemClock } from "../clock.ts";
import { bucketOf, HOUR_MS } from "./activity.ts";
import type {
  Ages,
  AttemptRecord,
  Claimed,
  DeliveryRef,
  Expired,
  Hold,
  NewDelivery,
  NewEvent,
  Retention,
  Store,
  TargetHold,
  Totals,
} from "./mod.ts";
import { claimedOf, type DeliveryRow, type EventRow, holdOf, type HoldRow } from "./rows.ts";
import { SqliteAlarms } from "./sqlite_alarms.ts";
import { SqliteFile } from "./sqlite_file.ts";
import { SqliteNotes } from "./sqlite_notes.ts";
import { SqliteOperator } from "./sqlite_operator.ts";
import { SqliteRetention } from "./sqlite_retention.ts";
import { SqliteRuns } from "./sqlite_runs.ts";
import { SqliteSteps } from "./sqlite_steps.ts";
import { SqliteSessions } from "./sqlite_sessions.ts";
import { statements } from "./statements.ts";

/**
 * Opens the store in this file, which is made if it is not there.
 * @param onCommit Told of each durable commit how many milliseconds it took.
 * @param clock By which it tells whether a stored time lies ahead.
 * @throws {StoreError} if it cannot be opened, or is of a newer version of the program.
 */
export function openSqlite(path: string, onCommit?: (ms: number) => void, clock: Clock = systemClock): Store {
  return new SqliteStore(new SqliteFile(path, onCommit), clock);
}

/** Bytes that an event takes on the disk besides its body, or somewhat fewer. */
const EVENT_BYTES = 64 * 1024;

class SqliteStore extends SqliteOperator implements Store {
  readonly alarms: SqliteAlarms;
  readonly notes: SqliteNotes;
  readonly runs: SqliteRuns;
  readonly sessions: SqliteSessions;
  readonly #file: SqliteFile;
  readonly #sql: Record<keyof typeof statements, StatementSync>;
  readonly #clock: Clock;
  readonly #steps: SqliteSteps;
  readonly #retention: SqliteRetention;
  /** The latest time that was written or seen; nothing that waits was put off later. Not known of what was there before. */
  #latest = Infinity;
  /** What was recorded in the transaction that is open. */
  #recorded: AttemptRecord[] = [];
  /** Bytes that the last events needed which could not be stored; 0 once some could. */
  #refusedBytes = 0;

  constructor(file: SqliteFile, clock: Clock) {
    const sql = file.prepareAll(statements);
    const steps = new SqliteSteps(file);
    super(file, sql, steps, clock);
    this.#file = file;
    this.#sql = sql;
    this.#clock = clock;
    this.#steps = steps;
    this.alarms = new SqliteAlarms(file, clock, (event) => this.#accept(event));
    this.notes = new SqliteNotes(file, clock);
    this.runs = new SqliteRuns(file);
    this.sessions = new SqliteSessions(file);
    this.#retention = new SqliteRetention(file, steps, this.alarms, clock);
    file.frame({ begin: () => this.#beginTransaction(), end: () => this.#endTransaction() });
  }

  #beginTransaction(): void {
    this.#recorded = [];
    this.#steps.begin();
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
    this.#steps.beforeEvent();
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
    const seq = Number(lastInsertRowid);
    this.#steps.noteEvent(seq, event.receivedAt);
    event.deliveries.forEach((delivery, index) => this.insertDelivery(seq, index + 1, delivery, event.receivedAt));
    this.alarms.noteReceived(event);
    return "stored";
  }

  protected override insertDelivery(
    event: number,
    number: number,
    { target, orderKey }: NewDelivery,
    dueAt: number,
  ): void {
    this.#see(dueAt);
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

  #record(record: AttemptRecord): void {
    const { ref: { event, number }, target, orderKey, attempt, startedAt, durationMs, outcome, state } = record;
    const endedAt = endOf(record);
    const { dueAt = null } = record;
    const failure = outcome.kind === "delivered" ? undefined : outcome;
    const reason = failure?.reason ?? null;
    this.#see(endedAt);
    this.#sql.settle.run(state, attempt, dueAt, dueAt && endedAt, reason, event, number);
    if (orderKey !== undefined && state !== "pending") {
      this.#sql.nextInOrder.run({ target, orderKey, dueAt: endedAt });
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
      const last = own.at(-1)!;
      const { openUntil = null, throttledUntil = null } = last.hold;
      this.#sql.noteTarget.run(
        target,
        delivered ? endOf(delivered) : null,
        failed ? endOf(failed) : null,
        reason,
        openUntil,
        throttledUntil,
        endOf(last),
      );
    }
    const counts = new Map<string, { record: AttemptRecord; hour: number; bucket: number; count: number }>();
    for (const record of this.#recorded) {
      const hour = Math.floor(endOf(record) / HOUR_MS) * HOUR_MS;
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

  async release(refs: readonly DeliveryRef[], dueAt: number, setAt = dueAt): Promise<void> {
    await this.#file.write("release deliveries", () => {
      this.#see(setAt);
      for (const { event, number } of refs) this.#sql.release.run(dueAt, setAt, event, number);
    });
  }

  #see(time: number): void {
    this.#latest = Math.max(this.#latest, time);
  }

  async bringForward(): Promise<number> {
    const now = this.#clock.now();
    const [seen, latest] = [this.#latest, latestBy(now)];
    this.#latest = Math.max(now, Math.min(seen, latest));
    if (seen <= latest) return 0;
    try {
      const targets = this.#file.read(() =>
        this.#waitingTargets().filter((target) => this.#sql.isAhead.get({ target, now, latest }))
      );
      if (targets.length === 0) return 0;
      return await this.#file.write("make due what a wrong clock put off", () => {
        const changes = targets.map((target) => this.#sql.bringForward.run({ target, now, latest }).changes);
        return changes.reduce<number>((sum, count) => sum + Number(count), 0);
      });
    } catch (error) {
      this.#latest = Infinity;
      throw error;
    }
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
    return new Map(rows.map((row) => [row.name, holdOf(row, this.#clock.now())]));
  }

  async hold(holds: ReadonlyMap<string, Hold>, setAt: number): Promise<void> {
    await this.#file.write("hold targets", () => {
      for (const [name, { openUntil = null, throttledUntil = null }] of holds) {
        this.#sql.hold.run(openUntil, throttledUntil, setAt, name);
      }
    });
  }

  async waitingTargets(): Promise<string[]> {
    return this.#file.read(() => this.#waitingTargets());
  }

  #waitingTargets(): string[] {
    return (this.#sql.waitingTargets.all() as unknown as { name: string }[]).map(({ name }) => name);
  }

  expire(after: number, before: Ages, limit: number): Promise<Expired> {
    return this.#retention.expire(after, before, limit);
  }

  async retention(): Promise<Retention> {
    return this.#retention.read();
  }

  async keepRetention(time: number): Promise<void> {
    await this.#retention.keep(time);
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

function endOf({ startedAt, durationMs }: AttemptRecord): number {
  return startedAt + durationMs;
}
