/** The migrations of the SQLite store's schema. */

import type { DatabaseSync } from "node:sqlite";
import initial from "./sql/001_initial.sql" with { type: "text" };
import targets from "./sql/002_targets.sql" with { type: "text" };
import operator from "./sql/003_operator.sql" with { type: "text" };
import alarms from "./sql/004_alarms.sql" with { type: "text" };
import notes from "./sql/005_notes.sql" with { type: "text" };
import runs from "./sql/006_runs.sql" with { type: "text" };
import clock from "./sql/007_clock.sql" with { type: "text" };
import sessions from "./sql/008_sessions.sql" with { type: "text" };
import copied from "./sql/009_lanes_copied.sql" with { type: "text" };
import lanes from "./sql/009_lanes.sql" with { type: "text" };
import uncleanStops from "./sql/010_unclean_stops.sql" with { type: "text" };
import moves from "./sql/011_moves.sql" with { type: "text" };
import chains from "./sql/012_chains.sql" with { type: "text" };
import receipts from "./sql/013_receipts.sql" with { type: "text" };

/** Upgrades the schema by one version. @param now Unix milliseconds. @param onProgress Gets the part done, 0 to 1. */
type Migration = (db: DatabaseSync, now: number, onProgress: (part: number) => void) => void;

const run = (sql: string): Migration => (db) => db.exec(sql);

/** Each upgrades the schema from the version that is its index in this list to the next. */
export const migrations: readonly Migration[] = [
  ...[initial, targets, operator, alarms, notes, runs, clock, sessions].map(run),
  toLanes,
  ...[uncleanStops, moves, chains, receipts].map(run),
];

/** Events whose deliveries are copied between two reports of progress. */
const PAGE = 100_000;

/** What was in flight is due again: the process that had it is gone. */
const COPY = `INSERT INTO new_deliveries
    (event, number, target, state, attempts, first_attempt, due_at, due_set_at, reason, order_key)
  SELECT event, number, target, iif(state = 'in_flight', 'pending', state), attempts, first_attempt,
    iif(state = 'in_flight', :now, due_at), iif(state = 'in_flight', NULL, due_set_at), reason, order_key
  FROM deliveries WHERE event >= :from AND event < :to ORDER BY event, number`;

function toLanes(db: DatabaseSync, now: number, onProgress: (part: number) => void): void {
  db.exec(lanes);
  const copy = db.prepare(COPY);
  const { last } = db.prepare("SELECT max(event) AS last FROM deliveries").get() as { last: number | null };
  const end = (last ?? 0) + 1;
  for (let from = 0; from < end; from += PAGE) {
    copy.run({ now, from, to: from + PAGE });
    onProgress(Math.min(from + PAGE, end) / end);
  }
  db.exec(copied);
}
