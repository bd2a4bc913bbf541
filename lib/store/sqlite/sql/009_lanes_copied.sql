-- After the deliveries were copied.
DROP TABLE deliveries;
ALTER TABLE new_deliveries RENAME TO deliveries;

CREATE INDEX deliveries_pending ON deliveries (target, due_at, event) WHERE state = 'pending';
CREATE INDEX deliveries_dead ON deliveries (target, reason, event) WHERE state = 'dead';
CREATE INDEX deliveries_ordered ON deliveries (target, order_key, event)
  WHERE order_key IS NOT NULL AND state = 'pending';
CREATE INDEX deliveries_parked ON deliveries (target, order_key)
  WHERE order_key IS NOT NULL AND state = 'pending' AND due_at IS NULL AND awaits IS NULL;
