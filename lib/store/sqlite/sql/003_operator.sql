-- What an operator asks for and does.

ALTER TABLE targets ADD COLUMN paused_at INTEGER; -- an operator holds it since then

DROP INDEX deliveries_dead;
CREATE INDEX deliveries_dead ON deliveries (target, reason, event) WHERE state = 'dead';

-- How many attempts ended in an hour, by what they left of their delivery and by how long they took.
CREATE TABLE activity (
  hour INTEGER NOT NULL, -- when it begins
  target TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
  bucket INTEGER NOT NULL, -- of the duration: 4 * log2(milliseconds), rounded
  count INTEGER NOT NULL,
  PRIMARY KEY (hour, target, state, bucket)
) STRICT, WITHOUT ROWID;
