/** The SQLite statements that an operator needs, by name. */

import { isTarget, raiseChanges } from "./statements.ts";

/** What a list shows of an event `e`. Only this reads its body, which may be large. */
const listed = `e.seq, e.id, e.source, e.type, e.received_at, e.problems,
  ${fromBody("coalesce(json_extract(:body, '$.data.note_id'), json_extract(:body, '$.data.id'))")} AS note_id,
  ${fromBody("json_extract(:body, '$.data.external_id')")} AS external_id`;

/** As text, since JavaScript cannot hold every 64-bit integer. */
function fromBody(expression: string): string {
  const body = "CAST(e.body AS TEXT)";
  return `CASE WHEN json_valid(${body}) THEN CAST(${expression.replaceAll(":body", body)} AS TEXT) END`;
}

/** Conditions on an event `e` alone. */
const fits = `(:type IS NULL OR e.type GLOB :type) AND (:text IS NULL OR instr(e.body, :text) > 0)`;

/** Conditions on an event `e` and its deliveries. */
const fitsWhole = `${fits}
  AND (:isRouted IS NULL OR :isRouted = EXISTS (SELECT 1 FROM deliveries WHERE event = e.seq AND ${isTarget("target")}))
  AND (:isNarrow = 0 OR EXISTS (SELECT 1 FROM deliveries
    WHERE event = e.seq AND ${
  isTarget("target")
} AND (:targets IS NULL OR target IN (SELECT value FROM json_each(:targets))) AND (:state IS NULL OR state = :state)))`;

/** Whether a delivery's event was received at or after a time, if one is given. */
const isSince = "(:since IS NULL OR (SELECT received_at FROM events WHERE seq = event) >= :since)";

export const operatorStatements = {
  targets: `SELECT * FROM lanes WHERE ${isTarget("name")}`,

  receivedAt: "SELECT received_at FROM events WHERE seq = ?",

  /** Every event, and whether it fits; the reader can stop at any row. */
  scanDown: `SELECT e.seq, (${fitsWhole}) AS fits FROM events e WHERE e.seq >= :from AND e.seq < :before
    ORDER BY e.seq DESC`,
  scanUp: `SELECT e.seq, (${fitsWhole}) AS fits FROM events e WHERE e.seq >= :from AND e.seq < :before ORDER BY e.seq`,
  fits: `SELECT (${fits}) AS fits FROM events e WHERE e.seq = :seq`,
  listed: `SELECT ${listed} FROM events e WHERE e.seq = ?`,
  event: "SELECT seq, id, source, type, received_at, headers, body FROM events WHERE seq = ?",

  eventsPending: `SELECT event FROM deliveries INDEXED BY deliveries_pending
    WHERE state = 'pending' AND target = :target LIMIT :limit`,
  eventsDead: `SELECT DISTINCT event FROM deliveries
    WHERE state = 'dead' AND target = :target AND reason IS :reason AND event >= :from AND event < :before
    ORDER BY event DESC LIMIT :limit`,

  storyBetween: `SELECT ${listed}, e.headers, e.body, e.secret_index FROM events e WHERE e.id BETWEEN ? AND ?`,
  findEvents: `SELECT e.id, e.type, e.received_at FROM events e WHERE e.id BETWEEN :first AND :last
    ORDER BY e.id LIMIT :limit`,
  findDeliveries: `SELECT e.id, e.type, e.received_at, d.number, d.target
    FROM events e CROSS JOIN deliveries d ON d.event = e.seq AND d.number BETWEEN :firstNumber AND :lastNumber
    WHERE e.id BETWEEN :first AND :last AND ${isTarget("d.target")} ORDER BY e.id, d.number LIMIT :limit`,
  note: "SELECT at, data, problem FROM notes WHERE event = ?",
  idOf: "SELECT id FROM events WHERE seq = ?",
  /** Whether another delivery of the same order key goes before it. */
  deliveries:
    `SELECT d.*, c.step AS begun_step, c.within_ms, c.until, order_key IS NOT NULL AND state = 'pending' AND EXISTS (SELECT 1 FROM deliveries o
      WHERE o.target = d.target AND o.order_key = d.order_key AND o.state = 'pending'
        AND (o.event, o.number) < (d.event, d.number)) AS is_behind
    FROM deliveries d LEFT JOIN chains c ON c.event = d.event AND c.chain = d.chain
    WHERE d.event = ? ORDER BY d.number`,
  attempts: "SELECT * FROM attempts WHERE event = ? AND number = ? ORDER BY attempt",
  receipts: `SELECT number, 'accepted' AS status, at, NULL AS failure FROM messages
      WHERE event = :event AND number = :number AND at IS NOT NULL
    UNION ALL SELECT m.number, r.status, r.at, r.failure FROM messages m JOIN receipts r ON r.message = m.message AND r.path = m.path
      WHERE m.event = :event AND m.number = :number`,

  dead: `SELECT event, number FROM deliveries
    WHERE state = 'dead' AND target = :target AND reason = :reason AND event >= :from AND ${isSince}
      AND (event, number) > (:event, :number) ORDER BY event, number LIMIT :limit`,

  activity: "SELECT target, state, bucket, count FROM activity WHERE hour = ?",

  /** It awaits the same delivery again if that is still missing. */
  retry: `UPDATE deliveries SET state = 'pending', due_at = ?, due_set_at = NULL, first_attempt = attempts,
      awaits = NULL, revision = revision + 1
    WHERE event = ? AND number = ? AND state IN ('pending', 'dead') RETURNING target, chain, step`,
  /** What is fetched for an event is fetched at once, unless it is already due. */
  retryAwaited: `UPDATE deliveries SET due_at = min(due_at, :now), due_set_at = iif(due_at > :now, NULL, due_set_at),
      first_attempt = iif(due_at > :now, attempts, first_attempt), revision = revision + (due_at > :now)
    WHERE event = :event AND state = 'pending' AND is_awaited = 1 AND NOT (${isTarget("target")}) RETURNING target`,
  lastNumber: "SELECT max(number) AS number FROM deliveries WHERE event = ?",
  tryAtOnce: "UPDATE lanes SET open_until = min(open_until, ?) WHERE name = ? AND open_until IS NOT NULL",

  pause: `INSERT INTO lanes (name, paused_at) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET paused_at = excluded.paused_at WHERE paused_at IS NULL`,
  resume: "UPDATE lanes SET paused_at = NULL WHERE name = ? AND paused_at IS NOT NULL",
  raiseChanges,

  /** However many there are, a bounded number of steps in an index, except for relay's own lanes. */
  totals: `SELECT
      (SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE state = 'pending' AND ${isTarget("target")} LIMIT :limit))
        AS waiting,
      (SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE state = 'dead' AND ${
    isTarget("target")
  } LIMIT :limit)) AS dead`,
} as const;
