-- Sessions of the operator's pages that were signed out; each is kept until it would have ended by itself.
CREATE TABLE ended_sessions (
  id TEXT PRIMARY KEY,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
