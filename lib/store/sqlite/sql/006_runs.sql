-- What the relay that serves, or served last, said of itself. One row.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  pid INTEGER NOT NULL,
  version TEXT NOT NULL,
  since INTEGER NOT NULL,
  heard_at INTEGER NOT NULL, -- when it said this
  stopped_at INTEGER, -- it ended, as it was asked to
  details TEXT NOT NULL -- JSON: its config file, listeners, targets, and a reload that was refused
) STRICT;

-- How many requests were refused in a minute.
CREATE TABLE refusals (
  minute INTEGER NOT NULL, -- when it begins
  source TEXT NOT NULL,
  reason TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (minute, source, reason)
) STRICT, WITHOUT ROWID;
