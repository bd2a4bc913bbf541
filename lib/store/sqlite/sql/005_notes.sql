-- The note of an event in full, or why it could not be had.
CREATE TABLE notes (
  event INTEGER PRIMARY KEY REFERENCES events (seq),
  at INTEGER NOT NULL, -- when that was
  data BLOB, -- JSON, as the API gave it
  problem TEXT
) STRICT;

-- When requests were made of late to the API, which limits them, by account.
CREATE TABLE note_requests (
  account TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

-- Until when the API takes no request.
CREATE TABLE note_holds (
  account TEXT PRIMARY KEY,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
