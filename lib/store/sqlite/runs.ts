/** What the SQLite store keeps about the relay that serves it. */

import type { StatementSync } from "node:sqlite";
import { type Refused, sumRefused } from "../../refusal.ts";
import { MINUTE_MS, runOf, type RunRow } from "../run_rows.ts";
import { REFUSALS_KEPT_MS, type Run, type RunStore } from "../runs.ts";
import type { SqliteFile } from "./file.ts";

const statements = {
  last: "SELECT pid, version, since, heard_at, stopped_at, details FROM runs",
  say: `INSERT OR REPLACE INTO runs (id, pid, version, since, heard_at, stopped_at, details)
    VALUES (1, ?, ?, ?, ?, ?, ?)`,
  add: `INSERT INTO refusals (minute, source, reason, count, last_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (minute, source, reason)
    DO UPDATE SET count = count + excluded.count, last_at = max(last_at, excluded.last_at)`,
  /** Also deletes refusals from a clock that was ahead. */
  forget: "DELETE FROM refusals WHERE minute < ? OR minute > ?",
  refused: `SELECT source, reason, count, last_at AS lastAt FROM refusals
    WHERE minute > ? AND minute <= ? AND last_at > ?`,
} as const;

export class SqliteRuns implements RunStore {
  readonly #file: SqliteFile;
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  constructor(file: SqliteFile) {
    this.#file = file;
    this.#sql = file.prepareAll(statements);
  }

  async isServed(): Promise<boolean> {
    return this.#file.isServed();
  }

  async last(): Promise<Run | undefined> {
    const row = this.#file.read(() => this.#sql.last.get() as unknown as RunRow | undefined);
    return row && runOf(row);
  }

  async say(run: Run, refused: readonly Refused[]): Promise<void> {
    const { pid, version, since, heardAt, stoppedAt, ...details } = run;
    await this.#file.write("recordRun", () => {
      this.#sql.say.run(pid, version, since, heardAt, stoppedAt ?? null, JSON.stringify(details));
      for (const { source, reason, count, lastAt } of refused) {
        this.#sql.add.run(lastAt - lastAt % MINUTE_MS, source, reason, count, lastAt);
      }
      this.#sql.forget.run(heardAt - REFUSALS_KEPT_MS, heardAt + MINUTE_MS);
    }, true);
  }

  async refused(since: number, now: number): Promise<Refused[]> {
    const rows = this.#file.read(() => this.#sql.refused.all(since - MINUTE_MS, now, since)) as unknown as Refused[];
    return sumRefused(rows);
  }
}
