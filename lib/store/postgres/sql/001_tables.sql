-- The schema's name stands for `relay`. Times are Unix milliseconds, by the clock of the database. What a state or outcome
-- may be is said in comments: a CHECK is read anew by each statement, which makes a record a tenth dearer.

-- What the schema is: its version, and the oldest version of which a relay can work with it. One row.
CREATE TABLE relay.meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL,
  needs INTEGER NOT NULL
);

-- Where the store is moved to or from: nobody else writes to it meanwhile, nor to one that was moved away. At most one row.
CREATE TABLE relay.moves (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  role TEXT COLLATE "C" NOT NULL CHECK (role IN ('source', 'destination')),
  move TEXT COLLATE "C" NOT NULL, -- random, and the same in both stores
  other TEXT COLLATE "C" NOT NULL, -- the other store, as people are shown it
  is_done BOOLEAN NOT NULL
);

-- An event, once, as it was received. Its id is its dedupe key at once.
CREATE TABLE relay.events (
  seq BIGINT PRIMARY KEY, -- order of acceptance
  id UUID NOT NULL UNIQUE,
  source TEXT COLLATE "C" NOT NULL,
  type TEXT COLLATE "C" NOT NULL,
  received_at BIGINT NOT NULL,
  secret_index INTEGER NOT NULL, -- which of the source's secrets had signed it
  headers TEXT COLLATE "C" NOT NULL, -- JSON: those that go on with the body
  body BYTEA NOT NULL,
  problems TEXT COLLATE "C" -- JSON: what a function of the config threw over it
);
CREATE SEQUENCE relay.events_seq OWNED BY relay.events.seq;
ALTER TABLE relay.events ALTER COLUMN body SET STORAGE EXTERNAL; -- to compress what is read once costs more than it saves

-- An event on its way to one target.
CREATE TABLE relay.deliveries (
  event BIGINT NOT NULL,
  number INTEGER NOT NULL, -- counts an event's deliveries from 1, replays included
  target TEXT COLLATE "C" NOT NULL, -- its lane
  state TEXT COLLATE "C" NOT NULL, -- pending, delivered, dead or skipped
  attempts INTEGER NOT NULL DEFAULT 0,
  first_attempt INTEGER NOT NULL DEFAULT 0, -- attempts that were made before the retry schedule began anew
  due_at BIGINT, -- pending: the next attempt; NULL: parked behind another of its order key, or awaiting one of its event
  due_set_at BIGINT, -- when due_at was set; NULL: due_at itself, it was due at once
  reason TEXT COLLATE "C", -- of the last attempt that failed
  order_key TEXT COLLATE "C",
  revision INTEGER NOT NULL DEFAULT 0, -- raised by whatever changes it but the record of an attempt
  awaits INTEGER, -- number of the delivery of the same event that it awaits, or did until its next record
  is_awaited BOOLEAN NOT NULL DEFAULT false,
  expires_at BIGINT, -- whatever awaits it goes without it from then on
  chain INTEGER, -- number of the first delivery of its chain, if it is of one
  step INTEGER, -- its step there, from 1; it awaits the step before until its own begins
  has_proof BOOLEAN, -- of a step: only a receipt tells that it has arrived
  receipt TEXT COLLATE "C", -- the best word of a vendor: accepted, sent, failed, delivered or read; NULL without any
  PRIMARY KEY (event, number)
);
CREATE INDEX deliveries_pending ON relay.deliveries (target, due_at, event, number) WHERE state = 'pending';
CREATE INDEX deliveries_dead ON relay.deliveries (target, reason, event, number) WHERE state = 'dead';
CREATE INDEX deliveries_ordered ON relay.deliveries (target, order_key, event, number)
  WHERE order_key IS NOT NULL AND state = 'pending';
-- As a test of truth, in the same words, what is parked is found by this index and no other: the planner does not know that
-- it is pending.
CREATE INDEX deliveries_parked ON relay.deliveries (target, order_key)
  WHERE order_key IS NOT NULL AND (state = 'pending' AND due_at IS NULL AND awaits IS NULL) IS TRUE;

-- Deliveries of an event in steps, of which one begins after the other until one satisfies the chain.
CREATE TABLE relay.chains (
  event BIGINT NOT NULL,
  chain INTEGER NOT NULL, -- number of its first delivery
  step INTEGER NOT NULL, -- the last one that has begun
  within_ms BIGINT NOT NULL, -- how long a step has before the next one begins
  until TEXT COLLATE "C" NOT NULL, -- delivered or read
  began_at BIGINT NOT NULL, -- when its last step began
  next_at BIGINT, -- when the next one begins, which is when its deliveries are due; NULL: there is none
  is_settled BOOLEAN NOT NULL DEFAULT false, -- a step satisfied it
  PRIMARY KEY (event, chain)
);
CREATE INDEX chains_next ON relay.chains (next_at) WHERE next_at IS NOT NULL;

-- What became of each attempt.
CREATE TABLE relay.attempts (
  event BIGINT NOT NULL,
  number INTEGER NOT NULL,
  attempt INTEGER NOT NULL, -- counts a delivery's attempts from 1
  epoch BIGINT, -- of the owner that made it, which tells what comes twice from what is another
  started_at BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL, -- delivered, retry or dead
  reason TEXT COLLATE "C",
  detail TEXT COLLATE "C",
  status INTEGER,
  answer TEXT COLLATE "C",
  PRIMARY KEY (event, number, attempt)
);

-- Messages that vendors took, by the ids that these gave them. That of a digest is of several deliveries.
CREATE TABLE relay.messages (
  message TEXT COLLATE "C" NOT NULL, -- the vendor's id
  path TEXT COLLATE "C" NOT NULL, -- of the public listener, where its receipts are told
  event BIGINT NOT NULL, -- of the delivery
  number INTEGER NOT NULL,
  at BIGINT, -- when the vendor took it; NULL: its answer never came, and a receipt named the delivery
  PRIMARY KEY (message, path, event, number)
);
CREATE INDEX messages_of ON relay.messages (event, number, at);

-- What vendors tell of messages, each word once: also of messages that are not known yet, or never will be.
CREATE TABLE relay.receipts (
  message TEXT COLLATE "C" NOT NULL,
  path TEXT COLLATE "C" NOT NULL, -- of the public listener, where it was told
  status TEXT COLLATE "C" NOT NULL, -- sent, failed, delivered or read
  at BIGINT NOT NULL, -- by the vendor's clock
  heard_at BIGINT NOT NULL,
  failure TEXT COLLATE "C", -- JSON: what a failure means
  is_fresh BOOLEAN NOT NULL DEFAULT true, -- it is still to be applied
  PRIMARY KEY (message, path, status)
);
CREATE INDEX receipts_fresh ON relay.receipts (heard_at) WHERE is_fresh;

-- Numbers of lanes and members, by which their owners' locks are known.
CREATE SEQUENCE relay.lock_numbers AS INTEGER;

-- What is known of a lane beside its deliveries.
CREATE TABLE relay.lanes (
  name TEXT COLLATE "C" PRIMARY KEY,
  number INTEGER NOT NULL UNIQUE DEFAULT nextval('relay.lock_numbers'),
  epoch BIGINT NOT NULL DEFAULT 0, -- counts its owners
  token TEXT COLLATE "C", -- random, of the last one
  member TEXT COLLATE "C", -- name of the last one
  given_up BOOLEAN NOT NULL DEFAULT true, -- nothing of it is under way
  delivered_at BIGINT, -- the last attempt that delivered
  failed_at BIGINT, -- the last attempt that did not
  reason TEXT COLLATE "C", -- of that
  open_until BIGINT, -- the circuit is open, and the next probe may be made then
  throttled_until BIGINT, -- the target asked for a pause
  held_at BIGINT, -- when open_until and throttled_until were written
  paused_at BIGINT -- an operator holds it since then
) WITH (fillfactor = 50);

-- When attempts began of late in lanes that have a rate.
CREATE TABLE relay.lane_starts (
  lane TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX lane_starts_at ON relay.lane_starts (lane, at);

-- Relays, each by its name.
CREATE TABLE relay.members (
  name TEXT COLLATE "C" PRIMARY KEY,
  number INTEGER NOT NULL UNIQUE DEFAULT nextval('relay.lock_numbers'),
  token TEXT COLLATE "C", -- random, of its last start
  knows INTEGER NOT NULL DEFAULT 1, -- version of the schema that it was made for
  version TEXT COLLATE "C" NOT NULL DEFAULT '',
  lanes TEXT[] COLLATE "C" NOT NULL DEFAULT '{}', -- what its config names
  is_leaving BOOLEAN NOT NULL DEFAULT false,
  -- What it said of itself last, as in `runs.ts`; NULL until it has.
  pid INTEGER,
  since BIGINT,
  heard_at BIGINT,
  stopped_at BIGINT,
  details TEXT COLLATE "C"
) WITH (fillfactor = 50);

-- Starts of relays that ended without having been asked to, under the same boot of their machine.
CREATE TABLE relay.crashes (
  token TEXT COLLATE "C" PRIMARY KEY, -- of the start
  at BIGINT NOT NULL
);

-- Lanes that went from one owner to another of late.
CREATE TABLE relay.takeovers (
  lane TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  member TEXT COLLATE "C" NOT NULL, -- name of the new owner
  was_given_up BOOLEAN NOT NULL
);
CREATE INDEX takeovers_at ON relay.takeovers (at);

-- How many attempts ended in an hour, by what they left of their delivery and by how long they took.
CREATE TABLE relay.activity (
  hour BIGINT NOT NULL, -- when it begins
  target TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL, -- pending, delivered or dead
  bucket INTEGER NOT NULL, -- of the duration: 4 * log2(milliseconds), rounded
  count BIGINT NOT NULL,
  PRIMARY KEY (hour, target, state, bucket)
) WITH (fillfactor = 50);

-- Alarms that are watched, each by a key that tells its alert from others.
CREATE TABLE relay.alarms (
  key TEXT COLLATE "C" PRIMARY KEY,
  watched_since BIGINT NOT NULL,
  since BIGINT -- it is on, and tells of what is so since then
);

-- When the last event of each type came in, also where the event itself is deleted.
CREATE TABLE relay.types (
  name TEXT COLLATE "C" PRIMARY KEY,
  received_at BIGINT NOT NULL,
  seq BIGINT NOT NULL DEFAULT 0 -- of that event: an earlier one changes nothing, whenever it is observed
);

-- What was fetched for an event, or why it could not be had.
CREATE TABLE relay.notes (
  event BIGINT PRIMARY KEY,
  at BIGINT NOT NULL, -- when that was
  data BYTEA, -- JSON, as the API gave it
  problem TEXT COLLATE "C",
  outcome TEXT COLLATE "C" -- JSON: of the attempt to fetch it that failed
);

-- How many requests were refused in a minute.
CREATE TABLE relay.refusals (
  minute BIGINT NOT NULL, -- when it begins
  source TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  count BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  PRIMARY KEY (minute, source, reason)
);

-- Events before which the clock was set back: in the order of acceptance, times rise from one of these to the next.
CREATE TABLE relay.clock_steps (
  seq BIGINT PRIMARY KEY, -- of the first event after it
  received_at BIGINT NOT NULL -- of that event
);

-- The time up to which what is old was deleted: it follows the clock, but no leap of it at once. One row.
CREATE TABLE relay.retention (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  time BIGINT NOT NULL
);

-- Sessions of the operator's pages that were signed out; each is kept until it would have ended by itself.
CREATE TABLE relay.ended_sessions (
  id TEXT COLLATE "C" PRIMARY KEY,
  until BIGINT NOT NULL
);

-- What was under way when a process ended, if it was written down before.
CREATE TABLE relay.underway (
  event BIGINT NOT NULL,
  number INTEGER NOT NULL,
  crashes INTEGER NOT NULL DEFAULT 0, -- processes in a row that ended over it without having been asked to
  alone INTEGER NOT NULL DEFAULT 0, -- those of the last of all in a row in which it was tried alone
  is_alone BOOLEAN, -- it is tried alone; NULL: it has not begun in this process
  has_survived BOOLEAN NOT NULL DEFAULT false, -- it was tried alone, and the process went on
  PRIMARY KEY (event, number)
);

-- Counts what operators, and other programs, change of deliveries and lanes. One row.
CREATE TABLE relay.changes (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  count BIGINT NOT NULL
);

-- What was taken into account in `types` and `clock_steps`: events up to `seen`, as far as they were there then. A
-- transaction may commit an earlier sequence late, so they are looked at once more: up to `seq` they were, and up to `mark`
-- they are as soon as every transaction before `horizon` has ended. One row.
CREATE TABLE relay.observed (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  seq BIGINT NOT NULL,
  seen BIGINT NOT NULL,
  mark BIGINT NOT NULL,
  horizon TEXT NOT NULL -- a number of a transaction
);

INSERT INTO relay.meta (id, version, needs) VALUES (1, 1, 1);
INSERT INTO relay.changes VALUES (1, 0);
INSERT INTO relay.observed VALUES (1, 0, 0, 0, '0');
