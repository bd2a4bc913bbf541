/**
 * Steps: where among the stored events the clock was set back. Sequences and times rise together only from one step to
 * the next, so a search for a time looks at each such range.
 */

import type { StatementSync } from "node:sqlite";
import type { Received } from "../observed.ts";
import type { SqliteFile } from "./file.ts";

const statements = {
  newest: "SELECT seq, received_at FROM events ORDER BY seq DESC LIMIT 1",
  eventFrom: "SELECT seq, received_at FROM events WHERE seq >= ? ORDER BY seq LIMIT 1",
  add: `INSERT INTO clock_steps (seq, received_at) VALUES (?, ?)
    ON CONFLICT (seq) DO UPDATE SET received_at = excluded.received_at`,
  all: "SELECT seq FROM clock_steps ORDER BY seq",
  after: "SELECT seq, received_at FROM clock_steps WHERE seq > ? ORDER BY seq LIMIT 1",
  forget: "DELETE FROM clock_steps WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.seq < clock_steps.seq)",
} as const;

/** Which events were received since a time: those from `from` on and, if `since` is given, only those not before it. */
export interface Range {
  from: number;
  since: number | null;
}

export class SqliteSteps {
  readonly #sql: Record<keyof typeof statements, StatementSync>;
  constructor(file: SqliteFile) {
    this.#sql = file.prepareAll(statements);
  }

  /** Remembers that the clock was set back before this event. Runs within the open transaction. */
  add({ seq, received_at }: Received): void {
    this.#sql.add.run(seq, received_at);
  }

  /** The first step after a sequence: no event before it came in later, whatever a wrong clock said. */
  after(seq: number): Received | undefined {
    return this.#sql.after.get(seq) as Received | undefined;
  }

  /** Forgets steps that no kept event precedes. Runs within the open transaction. */
  forget(): void {
    this.#sql.forget.run();
  }

  /** Sequence of the newest event; 0 if there is none. */
  newest(): number {
    return (this.#sql.newest.get() as Received | undefined)?.seq ?? 0;
  }

  /** Events that were received at or after a time. */
  since(time: number | undefined): Range {
    if (time === undefined) return { from: 1, since: null };
    const starts = this.#starts();
    const found = starts.findIndex((start, index) => this.#first(time, start, starts[index + 1]) !== undefined);
    if (found < 0) return { from: this.newest() + 1, since: null };
    return {
      from: this.#first(time, starts[found]!, starts[found + 1])!,
      since: found < starts.length - 1 ? time : null,
    };
  }

  /** How many events were received before a time. Gaps in the sequences count as events. */
  before(time: number): number {
    const starts = this.#starts();
    const end = this.newest() + 1;
    return starts.reduce((sum, start, index) => {
      const next = starts[index + 1] ?? end;
      return sum + (this.#first(time, start, next) ?? next) - start;
    }, 0);
  }

  /** Sequences at which times start to rise. */
  #starts(): number[] {
    const { seq: oldest = 1 } = (this.#sql.eventFrom.get(1) as Received | undefined) ?? {};
    return [oldest, ...(this.#sql.all.all() as unknown as Received[]).map(({ seq }) => seq)];
  }

  /** The first event in sequences from `low` to before `end` that was received at or after a time. */
  #first(time: number, low: number, end = this.newest() + 1): number | undefined {
    let high = end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = this.#sql.eventFrom.get(middle) as Received | undefined;
      if (!found || found.seq >= end || found.received_at >= time) high = middle;
      else low = found.seq + 1;
    }
    return high < end ? high : undefined;
  }
}
