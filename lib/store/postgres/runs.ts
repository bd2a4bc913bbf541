/** What the PostgreSQL store keeps about the relays that serve it. */

import { type Refused, sumRefused } from "../../refusal.ts";
import { MINUTE_MS, runOf, type RunRow } from "../run_rows.ts";
import { REFUSALS_KEPT_MS, type Run, type RunStore } from "../runs.ts";
import type { Database } from "./database.ts";
import type { PostgresMembers } from "./members.ts";

const statements = {
  last: `SELECT pid, version, since, heard_at, stopped_at, details FROM relay.members
    WHERE heard_at IS NOT NULL AND ($1::TEXT IS NULL OR name = $1) ORDER BY heard_at DESC LIMIT 1`,
  refused: `SELECT source, reason, count, last_at AS "lastAt" FROM relay.refusals
    WHERE minute > $1 AND minute <= $2 AND last_at > $3`,
} as const;

export class PostgresRuns implements RunStore {
  readonly #database: Database;
  readonly #members: PostgresMembers;

  constructor(database: Database, members: PostgresMembers) {
    this.#database = database;
    this.#members = members;
  }

  async isServed(): Promise<boolean> {
    return await this.#members.isAnyThere();
  }

  /** The last report of this relay, or of the one with its name before it; for a non-member, the last of any relay. */
  async last(): Promise<Run | undefined> {
    const [row] = await this.#database.query<RunRow>("readStore", statements.last, [
      this.#members.name,
    ]);
    return row && runOf(row);
  }

  async say(run: Run, refused: readonly Refused[]): Promise<void> {
    const { pid, version, since, heardAt, stoppedAt, ...details } = run;
    await this.#database.call("recordRun", "say", [
      this.#members.calledName,
      pid,
      version,
      since,
      heardAt,
      stoppedAt,
      JSON.stringify(details),
      refused.map(({ source }) => source),
      refused.map(({ reason }) => reason),
      refused.map(({ count }) => count),
      refused.map(({ lastAt }) => lastAt),
      heardAt - REFUSALS_KEPT_MS,
      heardAt + MINUTE_MS,
    ]);
  }

  async refused(since: number, now: number): Promise<Refused[]> {
    const args = [since - MINUTE_MS, now, since];
    return sumRefused(await this.#database.query<Refused>("readStore", statements.refused, args));
  }
}
