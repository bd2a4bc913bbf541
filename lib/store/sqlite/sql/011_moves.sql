-- Where the store is moved to or from: nobody else writes to it meanwhile, nor to one that was moved away. At most one row.
CREATE TABLE moves (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  role TEXT NOT NULL CHECK (role IN ('source', 'destination')),
  move TEXT NOT NULL, -- random, and the same in both stores
  other TEXT NOT NULL, -- the other store, as people are shown it
  is_done INTEGER NOT NULL
) STRICT;
