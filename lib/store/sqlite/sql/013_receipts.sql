-- Messages that vendors took, by the ids that these gave them. That of a digest is of several deliveries.
CREATE TABLE messages (
  message TEXT NOT NULL, -- the vendor's id
  path TEXT NOT NULL, -- of the public listener, where its receipts are told
  event INTEGER NOT NULL, -- of the delivery
  number INTEGER NOT NULL,
  at INTEGER, -- when the vendor took it; NULL: its answer never came, and a receipt named the delivery
  PRIMARY KEY (message, path, event, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_of ON messages (event, number, at);

-- What vendors tell of messages, each word once: also of messages that are not known yet, or never will be.
CREATE TABLE receipts (
  message TEXT NOT NULL,
  path TEXT NOT NULL, -- of the public listener, where it was told
  status TEXT NOT NULL CHECK (status IN ('sent', 'failed', 'delivered', 'read')),
  at INTEGER NOT NULL, -- by the vendor's clock
  heard_at INTEGER NOT NULL,
  failure TEXT, -- JSON: what a failure means
  is_fresh INTEGER NOT NULL DEFAULT 1, -- it is still to be applied
  PRIMARY KEY (message, path, status)
) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_fresh ON receipts (heard_at) WHERE is_fresh = 1;
