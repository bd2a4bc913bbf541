-- What was put off knows since when, so that a clock that was wrong, and is right again, delays nothing.
ALTER TABLE deliveries ADD COLUMN due_set_at INTEGER; -- when due_at was set; NULL: due_at itself, it was due at once
ALTER TABLE targets ADD COLUMN held_at INTEGER; -- when open_until and paused_until were written
ALTER TABLE note_holds ADD COLUMN set_at INTEGER; -- when until was set

UPDATE deliveries AS d SET due_set_at = (
  SELECT max(started_at + duration_ms) FROM attempts a WHERE (a.event, a.number) = (d.event, d.number))
WHERE state = 'pending' AND due_at IS NOT NULL;

-- Events before which the clock was set back: in the order of acceptance, times rise from one of these to the next.
CREATE TABLE clock_steps (
  seq INTEGER PRIMARY KEY, -- of the first event after it
  received_at INTEGER NOT NULL -- of that event
) STRICT;

INSERT INTO clock_steps SELECT seq, received_at
FROM (SELECT seq, received_at, lag(received_at) OVER (ORDER BY seq) AS before FROM events)
WHERE received_at < before - 60000;

-- The time up to which what is old was deleted: it follows the clock, but no leap of it at once.
CREATE TABLE retention (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  time INTEGER NOT NULL
) STRICT;
