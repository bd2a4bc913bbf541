/** A store in one SQLite file. */

import type { StatementSync } from "node:sqlite";
import { type IdBytes, readDeliveryId } from "../id.ts";
import type {
  Ages,
  AttemptRecord,
  AttemptView,
  Claimed,
  DeliveryRef,
  EventView,
  Expired,
  Hold,
  NewEvent,
  Store,
  TargetView,
} from "./mod.ts";
import {
  type AttemptRow,
  attemptView,
  claimedOf,
  type DeliveryRow,
  type EventRow,
  eventView,
  holdOf,
  type HoldRow,
  type TargetRow,
  targetView,
} from "./rows.ts";
import { SqliteFile } from "./sqlite_file.ts";
import { statements } from "./statements.ts";

/**
 * Opens the store in this file, which is made if it is not there.
 * @throws {StoreError} if it cannot be opened, or is of a newer version of the program.
 */
export function openSqlite(path: string): Store {
  return new SqliteStore(new SqliteFile(path));
}

type Statements = Record<keyof typeof statements, StatementSync>;

class SqliteStore implements Store {
  readonly #file: SqliteFile;
  readonly #sql: Statements;

  constructor(file: SqliteFile) {
    this.#file = file;
    const prepared = Object.entries(statements).map(([name, sql]) => [name, file.prepare(sql)]);
    this.#sql = Object.fromEntries(prepared) as Statements;
  }

  async serve(now: number): Promise<number> {
    this.#file.serve();
    return await this.#file.write("take over deliveries", () => Number(this.#sql.takeOver.run(now).changes));
  }

  async accept(events: readonly NewEvent[]): Promise<("stored" | "duplicate")[]> {
    return await this.#file.write("store events", () => events.map((event) => this.#accept(event)));
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
    event.deliveries.forEach(({ target, orderKey }, index) => {
      const number = index + 1;
      const dueAt = event.receivedAt;
      if (orderKey === undefined) this.#sql.insertDelivery.run(lastInsertRowid, number, target, dueAt);
      else this.#sql.insertOrdered.run({ event: lastInsertRowid, number, target, dueAt, orderKey });
    });
    return "stored";
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
      this.#noteTargets(records);
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

  /** One row a target, however many of its attempts are recorded. */
  #noteTargets(records: readonly AttemptRecord[]): void {
    for (const [target, own] of Map.groupBy(records, (record) => record.target)) {
      const delivered = own.findLast(({ outcome }) => outcome.kind === "delivered");
      const failed = own.findLast(({ outcome }) => outcome.kind !== "delivered");
      const reason = failed && failed.outcome.kind !== "delivered" ? failed.outcome.reason : null;
      const { openUntil = null, pausedUntil = null } = own.at(-1)!.hold;
      this.#sql.noteTarget.run(target, endOf(delivered), endOf(failed), reason, openUntil, pausedUntil);
    }
  }

  async release(refs: readonly DeliveryRef[], now: number): Promise<void> {
    await this.#file.write("release deliveries", () => {
      for (const { event, number } of refs) this.#sql.release.run(now, event, number);
    });
  }

  async nextDue(target: string): Promise<number | undefined> {
    return this.#file.read(() => (this.#sql.nextDue.get(target) as { due_at: number } | undefined)?.due_at);
  }

  async backlog(targets: Iterable<string>): Promise<number> {
    return this.#file.read(() => {
      const counts = [...targets].map((target) => this.#sql.backlog.get(target, target) as { backlog: number });
      return counts.reduce((sum, { backlog }) => sum + backlog, 0);
    });
  }

  async targets(): Promise<TargetView[]> {
    return this.#file.read(() => (this.#sql.targets.all() as unknown as TargetRow[]).map(targetView));
  }

  async holds(): Promise<Map<string, Hold>> {
    const rows = this.#file.read(() => this.#sql.holds.all() as unknown as HoldRow[]);
    return new Map(rows.map((row) => [row.name, holdOf(row)]));
  }

  async waitingTargets(): Promise<string[]> {
    return this.#file.read(() =>
      (this.#sql.waitingTargets.all() as unknown as { name: string }[]).map(({ name }) => name)
    );
  }

  async event(id: IdBytes): Promise<EventView | undefined> {
    return this.#file.read(() => {
      const row = this.#sql.event.get(id) as unknown as EventRow | undefined;
      if (!row) return undefined;
      const deliveries = this.#sql.deliveries.all(row.seq) as unknown as DeliveryRow[];
      return eventView(row, deliveries);
    });
  }

  async attempts(delivery: IdBytes): Promise<AttemptView[]> {
    const { first, last, number } = readDeliveryId(delivery);
    return this.#file.read(() => {
      const event = this.#sql.eventBetween.get(first, last) as { seq: number } | undefined;
      if (!event) return [];
      return (this.#sql.attempts.all(event.seq, number) as unknown as AttemptRow[]).map(attemptView);
    });
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
        this.#sql.deleteEvent.run(seq);
      }
      const last = rows.at(-1);
      const isEnd = looked.length < limit && rows.length === looked.length || last!.received_at >= newest;
      return { deleted: old.length, next: isEnd ? undefined : last!.seq };
    });
  }

  async giveBack(): Promise<boolean> {
    return await this.#file.giveBack();
  }

  async probe(): Promise<void> {
    await this.#file.probe();
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
