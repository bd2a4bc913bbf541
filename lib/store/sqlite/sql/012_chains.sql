-- Chains: deliveries of an event in steps, of which one begins after the other until one satisfies the chain.
ALTER TABLE deliveries ADD COLUMN chain INTEGER; -- number of the first delivery of its chain, if it is of one
ALTER TABLE deliveries ADD COLUMN step INTEGER; -- its step there, from 1; it awaits the step before until its own begins
ALTER TABLE deliveries ADD COLUMN has_proof INTEGER; -- of a step: only a receipt tells that it has arrived
ALTER TABLE deliveries ADD COLUMN receipt TEXT; -- the best word of a vendor: accepted, sent, failed, delivered or read; NULL without any

CREATE TABLE chains (
  event INTEGER NOT NULL,
  chain INTEGER NOT NULL, -- number of its first delivery
  step INTEGER NOT NULL, -- the last one that has begun
  within_ms INTEGER NOT NULL, -- how long a step has before the next one begins
  until TEXT NOT NULL CHECK (until IN ('delivered', 'read')),
  began_at INTEGER NOT NULL, -- when its last step began
  next_at INTEGER, -- when the next one begins, which is when its deliveries are due; NULL: there is none
  is_settled INTEGER NOT NULL DEFAULT 0, -- a step satisfied it
  PRIMARY KEY (event, chain)
) STRICT, WITHOUT ROWID;
CREATE INDEX chains_next ON chains (next_at) WHERE next_at IS NOT NULL;
