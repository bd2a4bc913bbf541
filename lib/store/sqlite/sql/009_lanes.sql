-- Deliveries belong to lanes, each of which has one owner at a time. Nothing here says that one is under way: what is
-- pending and not recorded is made again. The rows are copied from `deliveries`, which this takes the place of.
CREATE TABLE new_deliveries (
  event INTEGER NOT NULL REFERENCES events (seq),
  number INTEGER NOT NULL, -- counts an event's deliveries from 1, replays included
  target TEXT NOT NULL, -- its lane
  state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead', 'skipped')),
  attempts INTEGER NOT NULL DEFAULT 0,
  first_attempt INTEGER NOT NULL DEFAULT 0, -- attempts that were made before the retry schedule began anew
  due_at INTEGER, -- pending: the next attempt; NULL: parked behind another of its order key, or awaiting one of its event
  due_set_at INTEGER, -- when due_at was set; NULL: due_at itself, it was due at once
  reason TEXT, -- of the last attempt that failed
  order_key TEXT,
  revision INTEGER NOT NULL DEFAULT 0, -- raised by whatever changes it but the record of an attempt
  awaits INTEGER, -- number of the delivery of the same event that it awaits, or did until its next record
  is_awaited INTEGER NOT NULL DEFAULT 0,
  expires_at INTEGER, -- whatever awaits it goes without it from then on
  PRIMARY KEY (event, number)
) STRICT, WITHOUT ROWID;

-- What is known of a lane beside its deliveries.
ALTER TABLE targets RENAME TO lanes;
ALTER TABLE lanes RENAME COLUMN paused_until TO throttled_until;
ALTER TABLE lanes ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0; -- counts its owners
ALTER TABLE lanes ADD COLUMN token TEXT; -- random, of the last one
ALTER TABLE lanes ADD COLUMN given_up INTEGER NOT NULL DEFAULT 1; -- nothing of it is under way

-- When attempts began of late in lanes that have a rate.
CREATE TABLE lane_starts (
  lane TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX lane_starts_at ON lane_starts (lane, at);
INSERT INTO lane_starts SELECT 'relay::connectvets ' || account, at FROM note_requests;
DROP TABLE note_requests;
INSERT INTO lanes (name, throttled_until, held_at)
  SELECT 'relay::connectvets ' || account, until, set_at FROM note_holds WHERE true
  ON CONFLICT (name) DO UPDATE SET throttled_until = excluded.throttled_until, held_at = excluded.held_at;
DROP TABLE note_holds;

ALTER TABLE notes ADD COLUMN outcome TEXT; -- JSON: of the attempt to fetch it that failed

-- What was under way when the process ended, if it was written down before.
CREATE TABLE underway (
  event INTEGER NOT NULL,
  number INTEGER NOT NULL,
  crashes INTEGER NOT NULL DEFAULT 0, -- processes in a row that ended over it without having been asked to
  alone INTEGER NOT NULL DEFAULT 0, -- those in which nothing else was under way
  is_alone INTEGER NOT NULL, -- nothing else is
  PRIMARY KEY (event, number)
) STRICT, WITHOUT ROWID;

-- Counts what operators, and other programs, change of deliveries and lanes. One row.
CREATE TABLE changes (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  count INTEGER NOT NULL
) STRICT;
INSERT INTO changes VALUES (1, 0);

-- The last event that was taken into account in `types` and `clock_steps`. One row.
CREATE TABLE observed (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  seq INTEGER NOT NULL
) STRICT;
INSERT INTO observed SELECT 1, coalesce(max(seq), 0) FROM events;
