-- Of the deliveries of one target and order key, only the first that is not done has a due time; the others wait for it.
UPDATE deliveries AS d SET due_at = NULL
WHERE state = 'pending' AND order_key IS NOT NULL AND EXISTS (
  SELECT 1 FROM deliveries o
  WHERE o.target = d.target AND o.order_key = d.order_key AND o.state IN ('pending', 'in_flight')
    AND (o.event, o.number) < (d.event, d.number));

-- What is known of a target beside its deliveries.
CREATE TABLE targets (
  name TEXT PRIMARY KEY,
  delivered_at INTEGER, -- the last attempt that delivered
  failed_at INTEGER, -- the last attempt that did not
  reason TEXT, -- of that
  open_until INTEGER, -- the circuit is open, and the next probe may be made then
  paused_until INTEGER -- the target asked for a pause
) STRICT, WITHOUT ROWID;
