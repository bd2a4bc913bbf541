/** Receipts in the SQLite store. */

import type { StatementSync } from "node:sqlite";
import type { Clock } from "../../clock.ts";
import { parseId } from "../../id.ts";
import type { HeardReceipt } from "../../receipt.ts";
import { targetOfLane } from "../../recipient.ts";
import type { DeliveryRef } from "../delivery.ts";
import type { Epoch } from "../mod.ts";
import { freshReceiptOf, type FreshReceiptRow } from "../receipt_rows.ts";
import {
  type AppliedReceipt,
  type FreshReceipt,
  MAX_FRESH,
  type ReceiptKey,
  type ReceiptStore,
  UNKNOWN_KEPT_MS,
} from "../receipts.ts";
import { storedFailure } from "../rows.ts";
import { placeOf } from "../story.ts";
import type { SqliteChains } from "./chains.ts";
import type { SqliteFile } from "./file.ts";
import type { SqliteRecord } from "./record.ts";
import { raiseChanges } from "./statements.ts";

const rank = `CASE status WHEN 'sent' THEN 1 WHEN 'failed' THEN 2 WHEN 'delivered' THEN 3 ELSE 4 END`;

/** Of a receipt `r`: it is of a delivery in these lanes. */
const inLanes = `SELECT 1 FROM messages m CROSS JOIN deliveries d ON d.event = m.event AND d.number = m.number
  WHERE m.message = r.message AND m.path = r.path AND d.target IN (SELECT value FROM json_each(:lanes))`;

const statements = {
  keepAccepted: `INSERT INTO messages (message, path, event, number, at) VALUES (:message, :path, :event, :number, :now)
    ON CONFLICT (message, path, event, number) DO UPDATE SET at = coalesce(at, excluded.at)`,
  /** A message that failed says nothing of the next one. */
  showAccepted: `UPDATE deliveries SET receipt = 'accepted'
    WHERE event = :event AND number = :number AND (receipt IS NULL OR receipt = 'failed')`,

  keepNamed: "INSERT INTO messages (message, path, event, number) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
  delivery:
    `SELECT d.event, d.number, d.target FROM events e JOIN deliveries d ON d.event = e.seq AND d.number = :number
    WHERE e.id BETWEEN :first AND :last`,
  keep: `INSERT INTO receipts (message, path, status, at, heard_at, failure)
    VALUES (:message, :path, :status, :at, :now, :failure) ON CONFLICT DO NOTHING`,
  isKnown: "SELECT 1 FROM messages WHERE message = ? AND path = ? LIMIT 1",
  forget: `DELETE FROM receipts WHERE is_fresh = 1 AND heard_at < ?
    AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.message = receipts.message AND m.path = receipts.path)`,
  raiseChanges,

  fresh: `SELECT r.message, r.path, r.status, r.failure, m.at AS accepted_at,
      (SELECT status FROM receipts s WHERE s.message = r.message AND s.path = r.path ORDER BY ${rank} DESC LIMIT 1)
        AS standing,
      NOT EXISTS (SELECT 1 FROM messages o WHERE o.event = m.event AND o.number = m.number AND o.at > coalesce(m.at, 0))
        AS is_last,
      d.event AS seq, d.number, d.target AS lane, d.state, d.reason, d.receipt, d.revision, d.attempts, d.first_attempt,
      e.id, e.type, e.source
    FROM (SELECT r.* FROM receipts r WHERE r.is_fresh = 1 AND EXISTS (${inLanes}) ORDER BY r.heard_at LIMIT ${MAX_FRESH}) r
      CROSS JOIN messages m ON m.message = r.message AND m.path = r.path
      CROSS JOIN deliveries d ON d.event = m.event AND d.number = m.number CROSS JOIN events e ON e.seq = d.event
    WHERE d.target IN (SELECT value FROM json_each(:lanes)) ORDER BY m.event, m.number, r.heard_at`,
  show: `UPDATE deliveries SET receipt = coalesce(:shown, receipt)
    WHERE event = :event AND number = :number AND target = :lane AND revision = :revision`,
  change:
    `UPDATE deliveries SET state = :state, reason = :reason, due_at = :dueAt, due_set_at = iif(:dueAt IS NULL, NULL,
        coalesce((SELECT max(started_at + duration_ms) FROM attempts WHERE event = :event AND number = :number), :now)),
      awaits = NULL, revision = revision + 1
    WHERE event = :event AND number = :number AND target = :lane AND revision = :revision`,
  applied: "UPDATE receipts SET is_fresh = 0 WHERE message = ? AND path = ? AND status = ?",
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

  async accepted(refs: readonly DeliveryRef[], path: string, message: string): Promise<void> {
    await this.#file.write("recordReceipts", () => {
      const now = this.#clock.now();
      for (const { event, number } of refs) {
        this.#sql.keepAccepted.run({ message, path, event, number, now });
        this.#sql.showAccepted.run({ event, number });
      }
    });
  }

  async hear(path: string, targets: readonly string[], receipts: readonly HeardReceipt[]): Promise<number> {
    return await this.#file.write("recordReceipts", () => {
      const now = this.#clock.now();
      const fresh = receipts.filter((one) => this.#keep(path, targets, one, now));
      this.#sql.forget.run(now - UNKNOWN_KEPT_MS);
      if (fresh.some(({ message }) => this.#sql.isKnown.get(message, path))) this.#sql.raiseChanges.run();
      return fresh.length;
    });
  }

  /** Whether that is new. */
  #keep(path: string, targets: readonly string[], receipt: HeardReceipt, now: number): boolean {
    const { message, delivery, status, at, failure } = receipt;
    const stored = failure ? storedFailure(failure) : null;
    const { changes } = this.#sql.keep.run({ message, path, status, at, now, failure: stored });
    const ref = delivery === undefined ? undefined : this.#refOf(delivery, targets);
    if (ref) this.#sql.keepNamed.run(message, path, ref.event, ref.number);
    return Number(changes) > 0;
  }

  /** The delivery of this id, if it is one of these targets. */
  #refOf(delivery: string, targets: readonly string[]): DeliveryRef | undefined {
    const id = parseId(delivery);
    const { first, last, number } = id ? placeOf(id) : {};
    if (number === undefined) return undefined;
    const found = this.#sql.delivery.get({ first: first!, last: last!, number });
    const { event, target } = (found ?? {}) as { event?: number; target?: string };
    return event !== undefined && targets.includes(targetOfLane(target!)) ? { event, number } : undefined;
  }

  async fresh(lanes: readonly string[]): Promise<FreshReceipt[]> {
    const rows = this.#file.read(() => this.#sql.fresh.all({ lanes: JSON.stringify(lanes) }));
    return (rows as unknown as FreshReceiptRow[]).map(freshReceiptOf);
  }

  async apply(epoch: Epoch, deliveries: readonly AppliedReceipt[], receipts: readonly ReceiptKey[]): Promise<boolean> {
    return await this.#file.write("recordReceipts", () => {
      if (!this.#record.isOwner({ epoch })) return false;
      const now = this.#clock.now();
      const changes = { released: new Set<string>(), outdated: new Set<string>() };
      const isWhole = deliveries.map((one) => this.#applyOne(epoch.lane, one, now)).every(Boolean);
      for (const { ref } of deliveries) {
        const chain = this.#chains.of(ref);
        if (chain) this.#chains.settle(chain, now, changes);
      }
      if (isWhole) { for (const { message, path, status } of receipts) this.#sql.applied.run(message, path, status); }
      if (changes.released.size + changes.outdated.size > 0) this.#sql.raiseChanges.run();
      return isWhole;
    });
  }

  #applyOne(lane: string, { ref: { event, number }, revision, shown, change }: AppliedReceipt, now: number): boolean {
    const { changes } = this.#sql.show.run({ event, number, lane, revision, shown });
    if (Number(changes) === 0 || !change) return Number(changes) > 0;
    const { state, reason = null, dueAt = null } = change;
    this.#sql.change.run({ event, number, lane, revision, state, reason, dueAt, now });
    return true;
  }
}
