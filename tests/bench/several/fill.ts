/** Fills a PostgreSQL store with events that were delivered. */

import { bodyOf } from "../events.ts";
import type { Schema } from "./database.ts";

/** Events lie so far back that they end yesterday, and few enough days that none is deleted for its age. */
const DAY_MS = 86_400_000;
const SPAN_MS = 20 * DAY_MS;

/** Indexes of events that load is made of begin at 0. */
const FIRST_INDEX = 1_000_000_000;

const headers = JSON.stringify({
  "Content-Type": "application/json",
  "X-ConnectVets-Signature": `sha256=${"5a".repeat(32)}`,
});

/** Puts so many events into a store that has none, as a relay would have left them, and has the server look at its tables. */
export async function fill({ name, query }: Schema, count: number): Promise<void> {
  const startMs = Date.now() - DAY_MS - SPAN_MS;
  const timeOf = `${startMs} + i::bigint * ${SPAN_MS} / ${count}`;
  const [head, tail] = bodyOf(FIRST_INDEX, startMs).split(/CLIENTE_\d+/);
  await query(`
    INSERT INTO ${name}.events (seq, id, source, type, received_at, secret_index, headers, body)
    SELECT i, (lpad(to_hex(time), 12, '0') || left(md5(i::text), 20))::uuid, 'connectvets', 'note.completed', time, 0,
      '${headers}', convert_to('${head}CLIENTE_' || ${FIRST_INDEX} + i || '${tail}', 'UTF8')
    FROM generate_series(1, ${count}) i, LATERAL (SELECT ${timeOf} AS time) t;
    INSERT INTO ${name}.deliveries (event, number, target, state, attempts, due_at)
    SELECT i, 1, 't' || 1 + i % 6, 'delivered', 1, NULL FROM generate_series(1, ${count}) i;
    INSERT INTO ${name}.attempts (event, number, attempt, epoch, started_at, duration_ms, outcome, status, answer)
    SELECT i, 1, 1, 1, ${timeOf}, 2, 'delivered', 200, 'ok' FROM generate_series(1, ${count}) i;
    SELECT setval('${name}.events_seq', ${count});
    UPDATE ${name}.observed SET seq = ${count}, seen = ${count};
  `);
  for (const table of ["events", "deliveries", "attempts"]) await query(`VACUUM (FREEZE, ANALYZE) ${name}.${table}`);
}
