-- What vendors tell of messages that they had taken, each word once. Those of a message that is not known yet may have come
-- in before the attempt was recorded.
CREATE TABLE receipts (
  path TEXT NOT NULL, -- of the public listener, where the vendor tells
  message TEXT NOT NULL, -- the vendor's id
  status TEXT NOT NULL CHECK (status IN ('accepted', 'sent', 'failed', 'delivered', 'read')),
  at INTEGER NOT NULL, -- by the vendor's clock; of `accepted` by ours
  heard_at INTEGER NOT NULL,
  event INTEGER, -- of the delivery; NULL: not known
  number INTEGER,
  failure TEXT, -- JSON: what a failure means
  is_fresh INTEGER NOT NULL DEFAULT 0, -- it is still to be applied
  PRIMARY KEY (path, message, status)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_of ON receipts (event, number);
CREATE INDEX receipts_fresh ON receipts (event, number) WHERE is_fresh = 1 AND event IS NOT NULL;
CREATE INDEX receipts_unknown ON receipts (heard_at) WHERE event IS NULL;
