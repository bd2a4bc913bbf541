-- Alarms that are watched, each by a key that tells its alert from others.
CREATE TABLE alarms (
  key TEXT PRIMARY KEY,
  watched_since INTEGER NOT NULL,
  since INTEGER -- it is on, and tells of what is so since then
) STRICT, WITHOUT ROWID;

-- When the last event of each type came in, also where the event itself is deleted.
CREATE TABLE types (
  name TEXT PRIMARY KEY,
  received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
