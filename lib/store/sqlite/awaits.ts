/** Deliveries that must first await another one of their event, in the SQLite store. */

import type { StatementSync } from "node:sqlite";
import { expiryOf } from "../awaiting.ts";
import type { Waiting } from "../mod.ts";
import { dueOf, type SqliteAccept } from "./accept.ts";
import type { SqliteFile } from "./file.ts";

const statements = {
  awaited: "SELECT number, state, expires_at FROM deliveries WHERE event = ? AND target = ? AND is_awaited = 1",
  isFetched: `SELECT 1 FROM deliveries d JOIN notes n ON n.event = d.event
    WHERE d.event = ? AND d.number = ? AND d.awaits IS NULL AND n.data IS NOT NULL`,
  lastNumber: "SELECT max(number) AS number FROM deliveries WHERE event = ?",
  wait: `UPDATE deliveries SET awaits = :awaits, due_at = :dueAt, due_set_at = :dueSetAt
    WHERE event = :event AND number = :number AND state = 'pending' AND revision = :revision`,
  again: `UPDATE deliveries SET state = 'pending', due_at = :now, due_set_at = NULL, expires_at = :expiresAt,
      first_attempt = attempts, revision = revision + 1 WHERE event = :event AND number = :number`,
  expire: "UPDATE deliveries SET expires_at = :expiresAt WHERE event = :event AND number = :number",
} as const;

/** Methods run within the open transaction. */
export class SqliteAwaits {
  readonly #accept: SqliteAccept;
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  constructor(file: SqliteFile, accept: SqliteAccept) {
    this.#accept = accept;
    this.#sql = file.prepareAll(statements);
  }

  /** As {@link LaneStore.await}, for one delivery. */
  await({ ref: { event, number }, revision, awaits }: Waiting, now: number): void {
    const own = expiryOf([awaits], now);
    const found = this.#sql.awaited.get(event, awaits.lane) as AwaitedRow | undefined;
    if (found?.state === "delivered" && this.#sql.isFetched.get(event, number)) {
      this.#sql.wait.run({ event, number, revision, awaits: found.number, dueAt: now, dueSetAt: null });
      return;
    }
    const { number: last } = this.#sql.lastNumber.get(event) as { number: number };
    const awaited = found?.number ?? last + 1;
    const { changes } = this.#sql.wait.run({ event, number, revision, awaits: awaited, ...dueOf(now, awaits) });
    if (Number(changes) === 0) return;
    const expiresAt = own === null || found?.expires_at === null ? null : Math.max(own, found?.expires_at ?? own);
    if (!found) this.#accept.insertAwaited(event, awaited, awaits.lane, now, own);
    else if (found.state === "pending") this.#sql.expire.run({ event, number: awaited, expiresAt });
    else this.#sql.again.run({ event, number: awaited, now, expiresAt: own });
  }
}

interface AwaitedRow {
  number: number;
  state: string;
  expires_at: number | null;
}
