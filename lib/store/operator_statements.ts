/** The statements of the SQLite store that an operator needs, by name. */

import { firstInOrder } from "./statements.ts";

/** What a list shows of an event `e`; its body, which may be large, is looked into only here. */
const listed = `e.seq, e.id, e.source, e.type, e.received_at, e.problems,
  ${fromBody("coalesce(json_extract(:body, '$.data.note_id'), json_extract(:body, '$.data.id'))")} AS note_id,
  ${fromBody("json_extract(:body, '$.data.external_id')")} AS external_id`;

/** As text, since an integer of 64 bits is none that JavaScript can take. */
function fromBody(expression: string): string {
  const body = "CAST(e.body AS TEXT)";
  return `CASE WHEN json_valid(${body}) THEN CAST(${expression.replaceAll(":body", body)} AS TEXT) END`;
}

/** What is asked of an event `e` itself. */
const fits = `(:type IS NULL OR e.type GLOB :type) AND (:text IS NULL OR instr(e.body, :text) > 0)`;

/** What is asked of an event `e` and its deliveries. */
const fitsWhole = `${fits}
  AND (:isRouted IS NULL OR :isRouted = EXISTS (SELECT 1 FROM deliveries WHERE event = e.seq))
  AND (:isNarrow = 0 OR EXISTS (SELECT 1 FROM deliveries
    WHERE event = e.seq AND (:target IS NULL OR target = :target) AND (:state IS NULL OR state = :state)))`;

/** Events that have a delivery in a state whose deliveries an index holds; the planner would scan all for the order. */
const eventsIn = (state: string) =>
  `SELECT event FROM deliveries INDEXED BY deliveries_${state}
    WHERE state = '${state}' AND (:target IS NULL OR target = :target) AND event >= :from AND event < :before
    ORDER BY event DESC LIMIT :limit`;

/** Whether the event of a delivery was received at or after a time, if one is given. */
const isSince = "(:since IS NULL OR (SELECT received_at FROM events WHERE seq = event) >= :since)";

export const operatorStatements = {
  targets: `WITH
      waiting AS (SELECT target AS name, count(*) AS pending, min(event) AS oldest
        FROM deliveries WHERE state = 'pending' GROUP BY target),
      flying AS (SELECT target AS name, count(*) AS in_flight, min(event) AS oldest
        FROM deliveries WHERE state = 'in_flight' GROUP BY target),
      lost AS (SELECT target AS name, count(*) AS dead FROM deliveries WHERE state = 'dead' GROUP BY target),
      names AS (SELECT name FROM targets UNION SELECT name FROM waiting UNION SELECT name FROM flying UNION SELECT name FROM lost)
    SELECT names.name, pending, in_flight, dead, delivered_at, failed_at, reason, open_until, paused_until, held_at,
      paused_at,
      (SELECT CASE WHEN received_at <= :now THEN received_at ELSE
          (SELECT received_at FROM clock_steps WHERE seq > events.seq ORDER BY seq LIMIT 1) END
        FROM events WHERE seq =
          min(coalesce(waiting.oldest, flying.oldest), coalesce(flying.oldest, waiting.oldest))) AS oldest_at
    FROM names LEFT JOIN waiting USING (name) LEFT JOIN flying USING (name) LEFT JOIN lost USING (name)
      LEFT JOIN targets USING (name)
    ORDER BY names.name`,

  listDown: `SELECT ${listed} FROM events e WHERE e.seq >= :from AND e.seq < :before AND ${fitsWhole}
    ORDER BY e.seq DESC LIMIT :limit`,
  listUp: `SELECT e.seq, e.id, e.source, e.type, e.received_at, e.headers, e.body FROM events e
    WHERE e.seq >= :from AND e.seq < :before AND ${fitsWhole} ORDER BY e.seq LIMIT :limit`,
  listOne: `SELECT ${listed} FROM events e WHERE e.seq = :seq AND ${fits}`,

  eventsPending: eventsIn("pending"),
  eventsInFlight: eventsIn("in_flight"),
  eventsDead: eventsIn("dead"),

  storyBetween: `SELECT ${listed}, e.headers, e.body, e.secret_index FROM events e WHERE e.id BETWEEN ? AND ?`,
  note: "SELECT at, data, problem FROM notes WHERE event = ?",
  idOf: "SELECT id FROM events WHERE seq = ?",
  deliveries: "SELECT * FROM deliveries WHERE event = ? ORDER BY number",
  attempts: "SELECT * FROM attempts WHERE event = ? AND number = ? ORDER BY attempt",

  deadGroups: `SELECT target, reason, count,
      (SELECT received_at FROM events WHERE seq = oldest) AS oldest_at,
      (SELECT received_at FROM events WHERE seq = newest) AS newest_at
    FROM (SELECT target, reason, count(*) AS count, min(event) AS oldest, max(event) AS newest FROM deliveries
      WHERE state = 'dead' AND event >= :from AND ${isSince}
        AND (:target IS NULL OR target = :target) AND (:reason IS NULL OR reason = :reason)
      GROUP BY target, reason)
    ORDER BY target, reason`,
  dead: `SELECT event, number FROM deliveries
    WHERE state = 'dead' AND target = :target AND reason = :reason AND event >= :from AND ${isSince}
      AND (event, number) > (:event, :number) ORDER BY event, number LIMIT :limit`,

  activity: `SELECT hour, target, state, bucket, count FROM activity WHERE hour BETWEEN ? AND ? ORDER BY hour`,

  retry: `UPDATE deliveries SET state = 'pending', due_at = ?, due_set_at = NULL, first_attempt = attempts
    WHERE event = ? AND number = ? AND state IN ('pending', 'dead') RETURNING target, order_key`,
  lastNumber: "SELECT max(number) AS number FROM deliveries WHERE event = ?",
  /** Of the deliveries of one target and order key, only the first that is not done has its turn. */
  holdBack: `UPDATE deliveries SET due_at = NULL, due_set_at = NULL
    WHERE target = :target AND order_key = :orderKey AND state = 'pending' AND (event, number) <> (${firstInOrder})`,
  tryAtOnce: "UPDATE targets SET open_until = min(open_until, ?) WHERE name = ? AND open_until IS NOT NULL",

  pause: `INSERT INTO targets (name, paused_at) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET paused_at = excluded.paused_at WHERE paused_at IS NULL`,
  resume: "UPDATE targets SET paused_at = NULL WHERE name = ? AND paused_at IS NOT NULL",
} as const;
