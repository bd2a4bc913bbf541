/** A store in one SQLite file: write-ahead log, and a flush of the disk with every commit. */

import { closeSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { messageOf, StoreError } from "../errors.ts";
import { type IdBytes, readDeliveryId } from "../id.ts";
import initial from "./sql/001_initial.sql" with { type: "text" };
import type { AttemptRecord, AttemptView, Claimed, DeliveryRef, EventView, NewEvent, Store } from "./mod.ts";
import { type AttemptRow, attemptView, claimedOf, type DeliveryRow, type EventRow, eventView } from "./rows.ts";

/** Each brings the schema from its place in this list to the next version. */
const migrations = [initial];

/** How long a write waits for another process that is writing, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/** Holds for a delivery `d` unless one before it has the same key and is not done. */
const ITS_TURN = `(d.order_key IS NULL OR NOT EXISTS (
  SELECT 1 FROM deliveries o
  WHERE o.target = d.target AND o.order_key = d.order_key AND o.state IN ('pending', 'in_flight')
    AND (o.event, o.number) < (d.event, d.number)))`;

/**
 * Opens the store in this file, which is made if it is not there.
 * @throws {StoreError} if it cannot be opened, or is of a newer version of the program.
 */
export function openSqlite(path: string): Store {
  let db: DatabaseSync;
  try {
    closeSync(openSync(path, "a", 0o600)); // payloads concern clients and patients: they are the service's alone
    db = new DatabaseSync(path);
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    db.exec("PRAGMA auto_vacuum = INCREMENTAL"); // holds only if it is said before the first table
    db.exec("PRAGMA journal_mode = WAL");
    db.exec("PRAGMA synchronous = FULL");
  } catch (error) {
    throw storeError(`open the store ${path}`, error);
  }
  migrate(db, path);
  return new SqliteStore(db, path);
}

function migrate(db: DatabaseSync, path: string): void {
  transaction(db, `bring the store ${path} up to date`, () => migrateWithin(db, path));
}

/** All in one transaction, so that two programs that open a new store together do it once. */
function migrateWithin(db: DatabaseSync, path: string): void {
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > migrations.length) {
    throw new StoreError(
      `Cannot open the store ${path}: it was written by a newer relay (schema ${version}, this one knows ${migrations.length})`,
      "install the newer relay again, or restore a backup made before the upgrade",
    );
  }
  for (const sql of migrations.slice(version)) db.exec(sql);
  if (version < migrations.length) db.exec(`PRAGMA user_version = ${migrations.length}`);
}

/** Runs `work` in one transaction that takes the write lock at once. */
function transaction<Result>(db: DatabaseSync, doing: string, work: () => Result): Result {
  try {
    db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      db.exec("COMMIT");
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  } catch (error) {
    throw storeError(doing, error);
  }
}

function storeError(doing: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const problem = messageOf(error);
  return new StoreError(`Cannot ${doing}: ${problem}`, hints.find(([words]) => words.test(problem))?.[1]);
}

/** What to do, by what SQLite or the system says. */
const hints: [words: RegExp, hint: string][] = [
  [
    /not a database|malformed|corrupt/,
    "keep a copy of the file, then restore a backup, or name another `store` in the config",
  ],
  [/locked|busy/, "another program holds the file; stop it, or wait until it is done"],
  [/full|no space/i, "make room on the disk"],
  [/ENOENT|EISDIR|ENOTDIR/, "make its folder, or name another file as the `store` in the config"],
  [/EACCES|EPERM|readonly|read-only|unable to open|denied/i, "see that this user can write to the file and its folder"],
];

class SqliteStore implements Store {
  readonly #db: DatabaseSync;
  readonly #path: string;
  #serving?: DatabaseSync;
  readonly #insertEvent: StatementSync;
  readonly #insertDelivery: StatementSync;
  readonly #selectDue: StatementSync;
  readonly #lease: StatementSync;
  readonly #settle: StatementSync;
  readonly #insertAttempt: StatementSync;
  readonly #release: StatementSync;
  readonly #nextDue: StatementSync;
  readonly #backlog: StatementSync;
  readonly #event: StatementSync;
  readonly #eventBetween: StatementSync;
  readonly #deliveries: StatementSync;
  readonly #attempts: StatementSync;

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
    this.#insertEvent = db.prepare(
      `INSERT INTO events (id, source, type, received_at, secret_index, headers, body, problems)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    );
    this.#insertDelivery = db.prepare(
      `INSERT INTO deliveries (event, number, target, state, due_at, order_key) VALUES (?, ?, ?, 'pending', ?, ?)`,
    );
    this.#selectDue = db.prepare(
      `SELECT d.event, d.number, d.attempts, d.first_attempt, e.id, e.source, e.type, e.received_at, e.headers, e.body
       FROM deliveries d JOIN events e ON e.seq = d.event
       WHERE d.target = ? AND d.state = 'pending' AND d.due_at <= ?
         AND ${ITS_TURN}
       ORDER BY d.due_at, d.event LIMIT ?`,
    );
    this.#lease = db.prepare(`UPDATE deliveries SET state = 'in_flight', due_at = ? WHERE event = ? AND number = ?`);
    this.#settle = db.prepare(
      `UPDATE deliveries SET state = ?, attempts = ?, due_at = ?, reason = ?
       WHERE event = ? AND number = ? AND state = 'in_flight'`,
    );
    this.#insertAttempt = db.prepare(
      `INSERT INTO attempts (event, number, attempt, started_at, duration_ms, outcome, reason, detail, status, answer)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    this.#release = db.prepare(
      `UPDATE deliveries SET state = 'pending', due_at = ? WHERE event = ? AND number = ? AND state = 'in_flight'`,
    );
    this.#nextDue = db.prepare(
      `SELECT d.due_at FROM deliveries d WHERE d.target = ? AND d.state = 'pending' AND ${ITS_TURN}
       ORDER BY d.due_at LIMIT 1`,
    );
    this.#backlog = db.prepare(
      `SELECT (SELECT count(*) FROM deliveries WHERE state = 'pending')
            + (SELECT count(*) FROM deliveries WHERE state = 'in_flight') AS backlog`,
    );
    this.#event = db.prepare("SELECT * FROM events WHERE id = ?");
    this.#eventBetween = db.prepare("SELECT seq, id FROM events WHERE id BETWEEN ? AND ?");
    this.#deliveries = db.prepare("SELECT * FROM deliveries WHERE event = ? ORDER BY number");
    this.#attempts = db.prepare("SELECT * FROM attempts WHERE event = ? AND number = ? ORDER BY attempt");
  }

  async serve(now: number): Promise<number> {
    const path = `${this.#path}.lock`;
    try {
      this.#serving = new DatabaseSync(path);
      this.#serving.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      if (!/locked/.test(messageOf(error))) throw storeError(`lock the store by ${path}`, error);
      throw new StoreError(`Cannot serve the store ${this.#path}: another relay serves it`, "stop that one first");
    }
    const takeOver = "UPDATE deliveries SET state = 'pending', due_at = ? WHERE state = 'in_flight'";
    return transaction(this.#db, "take over deliveries", () => Number(this.#db.prepare(takeOver).run(now).changes));
  }

  async accept(events: readonly NewEvent[]): Promise<("stored" | "duplicate")[]> {
    return transaction(this.#db, "store events", () => events.map((event) => this.#accept(event)));
  }

  #accept(event: NewEvent): "stored" | "duplicate" {
    const { changes, lastInsertRowid } = this.#insertEvent.run(
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
      this.#insertDelivery.run(lastInsertRowid, index + 1, target, event.receivedAt, orderKey ?? null);
    });
    return "stored";
  }

  async claim(
    wanted: readonly { target: string; limit: number }[],
    now: number,
    leaseUntil: number,
  ): Promise<Claimed[]> {
    return transaction(this.#db, "claim deliveries", () =>
      wanted.flatMap(({ target, limit }) => {
        const rows = this.#selectDue.all(target, now, limit) as unknown as (DeliveryRow & EventRow)[];
        for (const { event, number } of rows) this.#lease.run(leaseUntil, event, number);
        return rows.map((row) => claimedOf(row, target));
      }));
  }

  async record(records: readonly AttemptRecord[]): Promise<void> {
    transaction(this.#db, "record attempts", () => {
      for (const { ref, attempt, startedAt, durationMs, outcome, state, dueAt } of records) {
        const failure = outcome.kind === "delivered" ? undefined : outcome;
        this.#settle.run(state, attempt, dueAt ?? null, failure?.reason ?? null, ref.event, ref.number);
        this.#insertAttempt.run(
          ref.event,
          ref.number,
          attempt,
          startedAt,
          durationMs,
          outcome.kind,
          failure?.reason ?? null,
          failure?.detail ?? null,
          outcome.status ?? null,
          outcome.answer || null,
        );
      }
    });
  }

  async release(refs: readonly DeliveryRef[], now: number): Promise<void> {
    transaction(this.#db, "release deliveries", () => {
      for (const { event, number } of refs) this.#release.run(now, event, number);
    });
  }

  async nextDue(target: string): Promise<number | undefined> {
    return this.#read(() => (this.#nextDue.get(target) as { due_at: number } | undefined)?.due_at);
  }

  async backlog(): Promise<number> {
    return this.#read(() => (this.#backlog.get() as { backlog: number }).backlog);
  }

  async event(id: IdBytes): Promise<EventView | undefined> {
    return this.#read(() => {
      const row = this.#event.get(id) as unknown as EventRow | undefined;
      if (!row) return undefined;
      const deliveries = this.#deliveries.all(row.seq) as unknown as DeliveryRow[];
      return eventView(row, deliveries);
    });
  }

  async attempts(delivery: IdBytes): Promise<AttemptView[]> {
    const { first, last, number } = readDeliveryId(delivery);
    return this.#read(() => {
      const event = this.#eventBetween.get(first, last) as { seq: number } | undefined;
      if (!event) return [];
      return (this.#attempts.all(event.seq, number) as unknown as AttemptRow[]).map(attemptView);
    });
  }

  async close(): Promise<void> {
    this.#db.close();
    this.#serving?.close();
  }

  #read<Result>(read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      throw storeError("read the store", error);
    }
  }
}
