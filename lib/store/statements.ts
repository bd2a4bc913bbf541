/** The statements of the SQLite store that the way of an event needs, by name. */

export const isWaiting = "state IN ('pending', 'in_flight')";

/** Whether a delivery of a target was put off by a clock that was ahead. By the index, of those that are not due yet. */
const isAhead = `target = :target AND state = 'pending' AND due_at > :now AND coalesce(due_set_at, due_at) > :latest`;

/** The first delivery of a target and order key that is not done. */
export const firstInOrder = `SELECT event, number FROM deliveries
  WHERE target = :target AND order_key = :orderKey AND ${isWaiting} ORDER BY event, number LIMIT 1`;

export const statements = {
  insertEvent: `INSERT INTO events (id, source, type, received_at, secret_index, headers, body, problems)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,

  insertDelivery: `INSERT INTO deliveries (event, number, target, state, due_at)
    VALUES (?, ?, ?, 'pending', ?)`,

  /** Due at once if no other of its key waits, else without a due time. */
  insertOrdered: `INSERT INTO deliveries (event, number, target, state, due_at, order_key)
    VALUES (:event, :number, :target, 'pending', CASE WHEN EXISTS (${firstInOrder}) THEN NULL ELSE :dueAt END, :orderKey)`,

  selectDue: `SELECT d.event, d.number, d.attempts, d.first_attempt, d.due_at, d.order_key,
      e.id, e.source, e.type, e.received_at, e.headers, e.body
    FROM deliveries d JOIN events e ON e.seq = d.event
    WHERE d.target = ? AND d.state = 'pending' AND d.due_at <= ?
    ORDER BY d.due_at, d.event LIMIT ?`,

  lease: "UPDATE deliveries SET state = 'in_flight', due_at = ? WHERE event = ? AND number = ?",

  settle: `UPDATE deliveries SET state = ?, attempts = ?, due_at = ?, due_set_at = ?, reason = ?
    WHERE event = ? AND number = ? AND state = 'in_flight'`,

  /** Gives the next delivery of a key its turn, after the one before it was done. */
  nextInOrder:
    `UPDATE deliveries SET due_at = :dueAt, due_set_at = NULL WHERE (event, number) = (${firstInOrder}) AND due_at IS NULL`,

  insertAttempt: `INSERT INTO attempts
      (event, number, attempt, started_at, duration_ms, outcome, reason, detail, status, answer)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,

  /** What came last is the later one, also where the clock was set back in between. */
  noteTarget: `INSERT INTO targets (name, delivered_at, failed_at, reason, open_until, paused_until, held_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET
      delivered_at = coalesce(excluded.delivered_at, min(delivered_at, coalesce(excluded.failed_at - 1, delivered_at))),
      failed_at = coalesce(excluded.failed_at, min(failed_at, coalesce(excluded.delivered_at - 1, failed_at))),
      reason = coalesce(excluded.reason, reason),
      open_until = excluded.open_until,
      paused_until = excluded.paused_until,
      held_at = excluded.held_at`,

  hold: "UPDATE targets SET open_until = ?, paused_until = ?, held_at = ? WHERE name = ?",

  countAttempts: `INSERT INTO activity (hour, target, state, bucket, count) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (hour, target, state, bucket) DO UPDATE SET count = count + excluded.count`,

  release: `UPDATE deliveries SET state = 'pending', due_at = ?, due_set_at = ?
    WHERE event = ? AND number = ? AND state = 'in_flight'`,

  takeOver: "UPDATE deliveries SET state = 'pending', due_at = ?, due_set_at = NULL WHERE state = 'in_flight'",

  isAhead: `SELECT 1 FROM deliveries WHERE ${isAhead} LIMIT 1`,
  bringForward: `UPDATE deliveries SET due_at = :now, due_set_at = NULL WHERE ${isAhead}`,

  nextDue: `SELECT due_at FROM deliveries
    WHERE target = ? AND state = 'pending' AND due_at IS NOT NULL ORDER BY due_at LIMIT 1`,

  /** However many there are, no more than so many steps in an index. */
  totals: `SELECT
      (SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE state = 'pending' LIMIT :limit)) AS pending,
      (SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE state = 'in_flight' LIMIT :limit)) AS in_flight,
      (SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE state = 'dead' LIMIT :limit)) AS dead`,

  holds: "SELECT name, open_until, paused_until, held_at, paused_at FROM targets",

  /** One step in the index for each name, however many deliveries wait. */
  waitingTargets: `WITH RECURSIVE names (name) AS (
      SELECT min(target) FROM deliveries WHERE state = 'pending'
      UNION ALL
      SELECT (SELECT min(target) FROM deliveries WHERE state = 'pending' AND target > name) FROM names WHERE name IS NOT NULL
    ) SELECT name FROM names WHERE name IS NOT NULL`,
} as const;
