-- An event, once, as it was received. Its id is its dedupe key at once.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, -- order of acceptance
  id BLOB NOT NULL UNIQUE,
  source TEXT NOT NULL,
  type TEXT NOT NULL,
  received_at INTEGER NOT NULL, -- Unix milliseconds, as every time here
  secret_index INTEGER NOT NULL, -- which of the source's secrets had signed it
  headers TEXT NOT NULL, -- JSON: those that go on with the body
  body BLOB NOT NULL,
  problems TEXT -- JSON: what a function of the config threw over it
) STRICT;

-- An event on its way to one target.
CREATE TABLE deliveries (
  event INTEGER NOT NULL REFERENCES events (seq),
  number INTEGER NOT NULL, -- counts an event's deliveries from 1, replays included
  target TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'in_flight', 'delivered', 'dead')),
  attempts INTEGER NOT NULL DEFAULT 0,
  first_attempt INTEGER NOT NULL DEFAULT 0, -- attempts that were made before the retry schedule began anew
  due_at INTEGER, -- pending: the next attempt; in_flight: the end of the lease
  reason TEXT, -- of the last attempt that failed
  order_key TEXT,
  PRIMARY KEY (event, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_pending ON deliveries (target, due_at, event) WHERE state = 'pending';
CREATE INDEX deliveries_in_flight ON deliveries (due_at) WHERE state = 'in_flight';
CREATE INDEX deliveries_dead ON deliveries (target, event) WHERE state = 'dead';
CREATE INDEX deliveries_ordered ON deliveries (target, order_key, event)
  WHERE order_key IS NOT NULL AND state IN ('pending', 'in_flight');

-- What became of each attempt.
CREATE TABLE attempts (
  event INTEGER NOT NULL,
  number INTEGER NOT NULL,
  attempt INTEGER NOT NULL, -- counts a delivery's attempts from 1
  started_at INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('delivered', 'retry', 'dead')),
  reason TEXT,
  detail TEXT,
  status INTEGER,
  answer TEXT,
  PRIMARY KEY (event, number, attempt)
) STRICT, WITHOUT ROWID;
