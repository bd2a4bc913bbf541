/** The PostgreSQL store's upkeep: deletes what is done and old, and observes what came in. */

import { LATE_MS, latestByType, OBSERVED, type ObservedRow, stepsIn } from "../observed.ts";
import { type Ages, type Expired, FORGET_MS, MAX_EXPIRED_BYTES, type Retention, type UpkeepStore } from "../upkeep.ts";
import type { Database } from "./database.ts";

const statements = {
  retention: `SELECT (SELECT time FROM relay.retention) AS time,
    (SELECT received_at FROM relay.events ORDER BY seq LIMIT 1) AS oldest,
    (SELECT received_at FROM relay.events ORDER BY seq DESC LIMIT 1) AS newest`,
  keepTime: "INSERT INTO relay.retention (id, time) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET time = excluded.time",

  /** A horizon that lies ahead comes from another server, from which the store was copied. */
  observed: `SELECT o.seq, o.seen, o.mark, (SELECT coalesce(max(seq), 0) FROM relay.events) AS newest,
      o.horizon::xid8 <= pg_snapshot_xmin(s) OR o.horizon::xid8 > pg_snapshot_xmax(s) AS is_certain
    FROM relay.observed o, pg_current_snapshot() s`,
  /** Those after one sequence and up to another, preceded by the one before them. */
  events: `SELECT seq, source, type, received_at FROM relay.events
    WHERE seq >= coalesce((SELECT max(seq) FROM relay.events WHERE seq <= $1), $1) AND seq <= $2 ORDER BY seq LIMIT $3`,

  backlog: `SELECT (SELECT count(*) FROM relay.deliveries WHERE state = 'pending' AND target = ANY ($1))
    - coalesce((SELECT sum(s.count) FROM relay.steps_waiting() s WHERE s.target = ANY ($1)), 0)::bigint AS count`,
} as const;

export class PostgresUpkeep implements UpkeepStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async expire(after: number, { delivered, dead }: Ages, limit: number): Promise<Expired> {
    const [row] = await this.#database.call<{ deleted: number; next: number | null }>("deleteEvents", "expire", [
      after,
      delivered,
      dead,
      limit,
      MAX_EXPIRED_BYTES,
      Math.max(delivered, dead) - FORGET_MS,
      this.#database.at(),
    ]);
    return { deleted: row!.deleted, next: row!.next ?? undefined };
  }

  async retention(): Promise<Retention> {
    const [row] = await this.#database.query<{ [name in keyof Required<Retention>]: number | null }>(
      "readStore",
      statements.retention,
    );
    const { time, oldest, newest } = row!;
    return { time: time ?? undefined, oldest: oldest ?? undefined, newest: newest ?? undefined };
  }

  async keepRetention(time: number): Promise<void> {
    await this.#database.query("recordRetention", statements.keepTime, [time]);
  }

  /** The server frees space by itself. */
  async shrink(): Promise<boolean> {
    return false;
  }

  /**
   * Looks at new events at once, and again when no earlier sequence can be committed any more. An event that was
   * committed late waits for that as long as any writing transaction of the server runs.
   */
  async observe(): Promise<boolean> {
    const [place] = await this.#database.query<Place>("observeEvents", statements.observed);
    const { seq, seen, mark, newest, is_certain: isCertain } = place!;
    const again = isCertain && seq < mark ? await this.#events(seq, mark) : [];
    const fresh = seen < newest ? await this.#events(seen, newest) : [];
    if (again.length === 0 && fresh.length === 0) return false;
    const types = [...latestByType([...again, ...fresh])];
    const steps = [...new Map([...stepsIn(again), ...stepsIn(fresh)].map((step) => [step.seq, step])).values()];
    await this.#database.call("observeEvents", "observe", [
      seq,
      seen,
      mark,
      isFull(again) ? again.at(-1)!.seq : isCertain ? mark : seq,
      Math.max(seen, fresh.at(-1)?.seq ?? 0),
      types.map(([type]) => type),
      types.map(([, { received_at }]) => received_at),
      types.map(([, { seq }]) => seq),
      steps.map(({ seq }) => seq),
      steps.map(({ received_at }) => received_at),
      LATE_MS,
    ]);
    return isFull(again) || isFull(fresh);
  }

  async #events(after: number, last: number): Promise<ObservedRow[]> {
    return await this.#database.query("observeEvents", statements.events, [after, last, OBSERVED + 1]);
  }

  async backlog(targets: Iterable<string>): Promise<number> {
    const [row] = await this.#database.query<{ count: number }>("readStore", statements.backlog, [[...targets]]);
    return row!.count;
  }
}

/** What has been observed, as the table has it. */
interface Place {
  seq: number;
  seen: number;
  mark: number;
  newest: number;
  is_certain: boolean;
}

/** Whether there are more. */
function isFull(rows: readonly ObservedRow[]): boolean {
  return rows.length > OBSERVED;
}
