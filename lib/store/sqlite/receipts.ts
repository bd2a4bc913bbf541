/** Receipts in the SQLite store. */

import type { HeardReceipt } from "../../receipt.ts";
import type { StatementSync } from "node:sqlite";
import type { Clock } from "../../clock.ts";
import { parseId } from "../../id.ts";
import { targetOfLane } from "../../recipient.ts";
import type { DeliveryRef } from "../delivery.ts";
import type { Epoch } from "../mod.ts";
import type { AppliedReceipt, FreshReceipt, ReceiptStore } from "../receipts.ts";
import { MAX_FRESH, UNKNOWN_KEPT_MS } from "../receipts.ts";
import { freshReceiptOf, type FreshReceiptRow } from "../receipt_rows.ts";
import { storedFailure } from "../rows.ts";
import { placeOf } from "../story.ts";
import type { SqliteChains } from "./chains.ts";
import type { SqliteFile } from "./file.ts";
import type { SqliteRecord } from "./record.ts";
import { raiseChanges, receiptRank } from "./statements.ts";

/** Whether a message is its delivery's last one, as far as is known. */
const isLast = (event: string, number: string, path: string, message: string) =>
  `NOT EXISTS (SELECT 1 FROM receipts o WHERE o.event = ${event} AND o.number = ${number} AND o.status = 'accepted'
    AND NOT (o.path = ${path} AND o.message = ${message}) AND o.at > coalesce((SELECT a.at FROM receipts a
      WHERE a.path = ${path} AND a.message = ${message} AND a.status = 'accepted'), 0))`;

const statements = {
  insert: `INSERT INTO receipts (path, message, status, at, heard_at, event, number, failure, is_fresh)
    VALUES (:path, :message, :status, :at, :now, :event, :number, :failure, :isFresh) ON CONFLICT DO NOTHING`,
  /** A failure that the vendor told of with the delivery's id may have been taken for that of an earlier message. */
  link: `UPDATE receipts SET event = :event, number = :number, is_fresh = 1
    WHERE path = :path AND message = :message AND (event IS NULL OR status = 'failed')`,
  linked: "SELECT event, number FROM receipts WHERE path = ? AND message = ? AND event IS NOT NULL LIMIT 1",
  delivery:
    `SELECT d.event, d.number, d.target FROM events e JOIN deliveries d ON d.event = e.seq AND d.number = :number
    WHERE e.id BETWEEN :first AND :last`,
  improve: `UPDATE deliveries SET receipt = :status WHERE event = :event AND number = :number
    AND (receipt IS NULL OR ${receiptRank(":status")} > ${receiptRank("receipt")})
    AND (:status <> 'failed' OR ${isLast(":event", ":number", ":path", ":message")})`,
  /** A message that failed says nothing of the next one. */
  begin: `UPDATE deliveries SET receipt = 'accepted' WHERE event = :event AND number = :number AND receipt = 'failed'
    AND NOT EXISTS (SELECT 1 FROM receipts WHERE path = :path AND message = :message AND status = 'failed')`,
  statuses: "SELECT status FROM receipts WHERE path = ? AND message = ? AND status <> 'accepted'",
  forgetUnknown: "DELETE FROM receipts WHERE event IS NULL AND heard_at < ?",
  raiseChanges,

  fresh: `SELECT r.path, r.message, r.status, r.failure, d.event AS seq, d.number, d.target AS lane, d.state, d.receipt,
      d.revision, d.attempts, d.first_attempt, e.id, e.type, e.source,
      ${isLast("r.event", "r.number", "r.path", "r.message")} AS is_last
    FROM receipts r CROSS JOIN deliveries d ON d.event = r.event AND d.number = r.number
      CROSS JOIN events e ON e.seq = d.event
    WHERE r.is_fresh = 1 AND r.event IS NOT NULL AND d.target IN (SELECT value FROM json_each(:lanes))
    ORDER BY r.event, r.number LIMIT ${MAX_FRESH}`,
  change:
    `UPDATE deliveries SET state = :state, reason = :reason, due_at = :dueAt, due_set_at = :dueSetAt, awaits = NULL,
      revision = revision + 1
    WHERE event = :event AND number = :number AND target = :lane AND revision = :revision`,
  isSame: "SELECT 1 FROM deliveries WHERE event = ? AND number = ? AND revision = ?",
  applied: "UPDATE receipts SET is_fresh = 0 WHERE path = ? AND message = ? AND status = ?",
} as const;

export class SqliteReceipts implements ReceiptStore {
  readonly #file: SqliteFile;
  readonly #clock: Clock;
  readonly #chains: SqliteChains;
  readonly #record: SqliteRecord;
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  constructor(file: SqliteFile, clock: Clock, { chains, record }: { chains: SqliteChains; record: SqliteRecord }) {
    this.#file = file;
    this.#clock = clock;
    this.#chains = chains;
    this.#record = record;
    this.#sql = file.prepareAll(statements);
  }

  async accepted({ event, number }: DeliveryRef, path: string, message: string): Promise<void> {
    await this.#file.write("recordReceipts", () => {
      const now = this.#clock.now();
      const own = { event, number, path, message };
      this.#sql.insert.run({ ...own, status: "accepted", at: now, now, failure: null, isFresh: 0 });
      this.#sql.begin.run(own);
      this.#sql.improve.run({ ...own, status: "accepted" });
      const { changes } = this.#sql.link.run(own);
      if (Number(changes) === 0) return;
      for (const { status } of this.#sql.statuses.all(path, message)) {
        this.#sql.improve.run({ ...own, status: status! });
      }
      this.#settle({ event, number }, now);
      this.#sql.raiseChanges.run();
    });
  }

  /** Draws the consequences for the chain of a delivery, if it is of one; returns whether there were any. */
  #settle(ref: DeliveryRef, now: number): boolean {
    const chain = this.#chains.of(ref);
    const changes = { released: new Set<string>(), outdated: new Set<string>() };
    if (chain) this.#chains.settle(chain, now, changes);
    return changes.released.size + changes.outdated.size > 0;
  }

  async hear(path: string, targets: readonly string[], receipts: readonly HeardReceipt[]): Promise<number> {
    return await this.#file.write("recordReceipts", () => {
      const now = this.#clock.now();
      const fresh = receipts.filter((one) => this.#hearOne(path, targets, one, now)).length;
      this.#sql.forgetUnknown.run(now - UNKNOWN_KEPT_MS);
      if (fresh > 0) this.#sql.raiseChanges.run();
      return fresh;
    });
  }

  /** Whether that is new. */
  #hearOne(
    path: string,
    targets: readonly string[],
    { message, delivery, status, at, failure }: HeardReceipt,
    now: number,
  ): boolean {
    const ref = this.#refOf(path, targets, message, delivery);
    const { changes } = this.#sql.insert.run({
      path,
      message,
      status,
      at,
      now,
      event: ref?.event ?? null,
      number: ref?.number ?? null,
      failure: failure ? storedFailure(failure) : null,
      isFresh: 1,
    });
    if (Number(changes) === 0) return false;
    if (ref) {
      this.#sql.improve.run({ ...ref, path, message, status });
      this.#settle(ref, now);
    }
    return true;
  }

  /** The delivery of a message: as it was accepted, or as the vendor says, if that is of one of the targets. */
  #refOf(
    path: string,
    targets: readonly string[],
    message: string,
    delivery: string | undefined,
  ): DeliveryRef | undefined {
    const known = this.#sql.linked.get(path, message) as unknown as DeliveryRef | undefined;
    if (known) return { event: known.event, number: known.number };
    const id = delivery === undefined ? undefined : parseId(delivery);
    const { first, last, number } = id ? placeOf(id) : {};
    if (number === undefined) return undefined;
    const found = this.#sql.delivery.get({ first: first!, last: last!, number });
    const { event, target: lane } = (found ?? {}) as { event?: number; target?: string };
    return event !== undefined && targets.includes(targetOfLane(lane!)) ? { event, number } : undefined;
  }

  async fresh(lanes: readonly string[]): Promise<FreshReceipt[]> {
    const rows = this.#file.read(() => this.#sql.fresh.all({ lanes: JSON.stringify(lanes) }));
    return (rows as unknown as FreshReceiptRow[]).map(freshReceiptOf);
  }

  async apply(epoch: Epoch, receipts: readonly AppliedReceipt[]): Promise<void> {
    await this.#file.write("recordReceipts", () => {
      if (!this.#record.isOwner({ epoch })) return;
      const now = this.#clock.now();
      let isAny = false;
      for (const one of receipts) {
        if (!this.#applyOne(epoch.lane, one, now)) continue;
        this.#sql.applied.run(one.path, one.message, one.status);
        isAny = (one.change !== undefined && this.#settle(one.ref, now)) || isAny;
      }
      if (isAny) this.#sql.raiseChanges.run();
    });
  }

  #applyOne(lane: string, { ref, revision, change }: AppliedReceipt, now: number): boolean {
    const { event, number } = ref;
    if (!change) return this.#sql.isSame.get(event, number, revision) !== undefined;
    const { state, reason = null, dueAt = null } = change;
    const { changes } = this.#sql.change.run({
      event,
      number,
      lane,
      revision,
      state,
      reason,
      dueAt,
      dueSetAt: dueAt && now,
    });
    return Number(changes) > 0;
  }
}
