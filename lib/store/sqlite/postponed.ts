/** Deliveries that wait because their target takes none at that time, in the SQLite store. */

import type { StatementSync } from "node:sqlite";
import type { Clock } from "../../clock.ts";
import type { DeliveryRef } from "../delivery.ts";
import type { Epoch, Postponed } from "../mod.ts";
import type { SqliteFile } from "./file.ts";
import type { SqliteRecord } from "./record.ts";

/** Deliveries that are looked at in one go. */
const PAGE = 2_000;

const statements = {
  postpone: `UPDATE deliveries SET due_at = :dueAt, due_set_at = :now
    WHERE event = :event AND number = :number AND state = 'pending' AND revision = :revision`,
  /**
   * A retry is put off at the end of an attempt, and later than that only by {@link SqlitePostponed.postpone}; so is a
   * first attempt, unless it awaits another delivery.
   */
  page: `SELECT event, number, due_at, due_set_at < due_at
      AND (attempts = first_attempt OR due_set_at > (SELECT max(a.started_at + a.duration_ms) FROM attempts a
        WHERE a.event = d.event AND a.number = d.number))
      AND (awaits IS NULL OR EXISTS (SELECT 1 FROM deliveries a
        WHERE a.event = d.event AND a.number = d.awaits AND a.target LIKE 'relay::%' AND a.state <> 'pending'))
      AS is_postponed
    FROM deliveries d WHERE target = :lane AND state = 'pending' AND due_at > :latest
      AND (due_at, event, number) > (:dueAt, :event, :number) ORDER BY due_at, event, number LIMIT ${PAGE}`,
  recall: `UPDATE deliveries SET due_at = :now, due_set_at = NULL
    WHERE event = :event AND number = :number AND state = 'pending' AND due_at > :latest`,
} as const;

interface PageRow extends DeliveryRef {
  due_at: number;
  is_postponed: number | null;
}

export class SqlitePostponed {
  readonly #file: SqliteFile;
  readonly #clock: Clock;
  readonly #record: SqliteRecord;
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  constructor(file: SqliteFile, clock: Clock, record: SqliteRecord) {
    this.#file = file;
    this.#clock = clock;
    this.#record = record;
    this.#sql = file.prepareAll(statements);
  }

  /** As {@link LaneStore.postpone}. A relaxed write: what a power cut undoes is postponed again. */
  async postpone(epoch: Epoch, postponed: readonly Postponed[]): Promise<boolean> {
    return await this.#file.write("postponeDeliveries", () => {
      if (!this.#record.isOwner({ epoch })) return false;
      const now = this.#clock.now();
      for (const { ref: { event, number }, revision, dueAt } of postponed) {
        this.#sql.postpone.run({ event, number, revision, dueAt, now });
      }
      return true;
    }, true);
  }

  /** As {@link LaneStore.recall}. */
  async recall(epoch: Epoch, latest: number): Promise<number> {
    let count = 0;
    let after = { dueAt: latest, event: 0, number: 0 };
    for (let isLast = false; !isLast;) {
      const rows = this.#file.read(() => this.#sql.page.all({ lane: epoch.lane, latest, ...after })) as unknown;
      const page = rows as PageRow[];
      const found = page.filter(({ is_postponed }) => is_postponed);
      if (found.length > 0) count += await this.#makeDue(epoch, found, latest);
      const last = page.at(-1);
      isLast = page.length < PAGE;
      if (last) after = { dueAt: last.due_at, event: last.event, number: last.number };
      if (!isLast) await this.#clock.sleep(0); // lets other work run in between
    }
    return count;
  }

  async #makeDue(epoch: Epoch, refs: readonly DeliveryRef[], latest: number): Promise<number> {
    return await this.#file.write("postponeDeliveries", () => {
      if (!this.#record.isOwner({ epoch })) return 0;
      const now = this.#clock.now();
      return refs.reduce(
        (sum, { event, number }) => sum + Number(this.#sql.recall.run({ event, number, latest, now }).changes),
        0,
      );
    });
  }
}
