-- What an operator asks for. Each function locks in the same order as whoever records attempts: lanes by their numbers, then
-- events, then deliveries, and the count of changes last.

-- Ends whatever an operator changes, unless the store is being moved.
CREATE FUNCTION relay.raise_changes() RETURNS void LANGUAGE sql AS $$
  SELECT relay.refuse_moved();
  UPDATE relay.changes SET count = count + 1;
  SELECT pg_notify(relay.channel(), '')
$$;

CREATE FUNCTION relay.lock_lanes(names text[]) RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
BEGIN
  PERFORM 1 FROM relay.lanes l WHERE l.name = ANY (names) ORDER BY l.number FOR NO KEY UPDATE;
END $$;

-- A lane that is held by its circuit may be tried at this time, if not sooner.
CREATE FUNCTION relay.try_lanes(names text[], moment bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE relay.lanes SET open_until = moment WHERE name = ANY (names) AND open_until > moment
$$;

-- Gives deliveries a new set of attempts from now on; what they await they await anew, if that is not there by then. What is
-- fetched for their events is fetched at once, unless it is due already.
CREATE FUNCTION relay.retry(in_events bigint[], in_numbers integer[], given bigint, at bigint, OUT retried bigint)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
  moment CONSTANT bigint := least(given, coalesce(at, relay.now_ms()));
  locked record;
  chain record;
  tried text[];
  fetching text[];
  of_events bigint[];
BEGIN
  SELECT array_agg(f.event) AS events, array_agg(f.number) AS numbers, array_agg(DISTINCT f.target) AS lanes INTO locked
  FROM (
    SELECT d.event, d.number, d.target
    FROM unnest(in_events, in_numbers) r(event, number) JOIN relay.deliveries d USING (event, number)
    WHERE d.state IN ('pending', 'dead')
    UNION
    SELECT d.event, d.number, d.target
    FROM (SELECT DISTINCT e FROM unnest(in_events) e) r JOIN relay.deliveries d ON d.event = r.e
    WHERE d.is_awaited AND starts_with(d.target, 'relay::')) f;
  PERFORM relay.lock_lanes(locked.lanes || relay.chain_lanes(in_events, in_numbers));
  PERFORM relay.lock_chains(locked.events, locked.numbers);

  WITH changed AS (
    UPDATE relay.deliveries d SET state = 'pending', due_at = moment, due_set_at = NULL, first_attempt = d.attempts,
      awaits = NULL, revision = d.revision + 1
    FROM unnest(in_events, in_numbers) r(event, number)
    WHERE d.event = r.event AND d.number = r.number AND d.state IN ('pending', 'dead')
    RETURNING d.event, d.target)
  SELECT count(*), array_agg(DISTINCT event), array_agg(DISTINCT target) INTO retried, of_events, tried FROM changed;

  -- Whoever retries a step of a chain that waits has it begin, with those before it.
  FOR chain IN
    SELECT d.event, d.chain, max(d.step) AS step FROM unnest(in_events, in_numbers) r(event, number)
      JOIN relay.deliveries d USING (event, number)
    WHERE d.chain IS NOT NULL AND d.state = 'pending' GROUP BY d.event, d.chain
  LOOP
    tried := tried || relay.begin_chain(chain.event, chain.chain, chain.step, moment);
  END LOOP;

  WITH changed AS (
    UPDATE relay.deliveries d SET due_at = CASE WHEN d.due_at > moment THEN moment ELSE d.due_at END,
      due_set_at = CASE WHEN d.due_at > moment THEN NULL ELSE d.due_set_at END,
      first_attempt = CASE WHEN d.due_at > moment THEN d.attempts ELSE d.first_attempt END,
      revision = d.revision + CASE WHEN d.due_at > moment THEN 1 ELSE 0 END
    -- Said so that no index of all that waits is looked through for these events.
    WHERE d.event = ANY (of_events) AND d.state NOT IN ('delivered', 'dead', 'skipped') AND d.is_awaited
      AND starts_with(d.target, 'relay::')
    RETURNING d.target)
  SELECT array_agg(target) INTO fetching FROM changed;

  PERFORM relay.try_lanes(tried || fetching, moment);
  PERFORM relay.raise_changes();
END $$;

CREATE FUNCTION relay.pause(lane text, given bigint, at bigint, OUT has_changed boolean) LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM relay.lanes WHERE name = lane) THEN
    INSERT INTO relay.lanes (name) VALUES (lane) ON CONFLICT DO NOTHING;
  END IF;
  UPDATE relay.lanes SET paused_at = least(given, coalesce(at, relay.now_ms())) WHERE name = lane AND paused_at IS NULL;
  has_changed := FOUND;
  PERFORM relay.raise_changes();
END $$;

CREATE FUNCTION relay.resume(lane text, OUT has_changed boolean) LANGUAGE plpgsql AS $$
BEGIN
  UPDATE relay.lanes SET paused_at = NULL WHERE name = lane AND paused_at IS NOT NULL;
  has_changed := FOUND;
  PERFORM relay.raise_changes();
END $$;

-- Every target that has deliveries or had attempts, with how many wait and are dead, and since when the oldest waits, but for
-- steps of chains that have not begun: what came in at a time that lies ahead came in before what came in after it.
CREATE FUNCTION relay.targets(now bigint, OUT name text, OUT pending bigint, OUT dead bigint, OUT oldest_at bigint,
  OUT delivered_at bigint, OUT failed_at bigint, OUT reason text, OUT open_until bigint, OUT throttled_until bigint,
  OUT held_at bigint, OUT paused_at bigint) RETURNS SETOF record
LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
  SELECT coalesce(l.name, w.target, x.target), coalesce(w.count - coalesce(s.count, 0), 0), coalesce(x.count, 0),
    CASE WHEN e.received_at <= now THEN e.received_at
      WHEN e.received_at > now THEN (SELECT c.received_at FROM relay.clock_steps c WHERE c.seq > o.seq ORDER BY c.seq LIMIT 1)
    END,
    l.delivered_at, l.failed_at, l.reason, l.open_until, l.throttled_until, l.held_at, l.paused_at
  FROM (SELECT * FROM relay.lanes WHERE NOT starts_with(name, 'relay::')) l
    FULL JOIN (SELECT target, count(*), min(event) AS oldest FROM relay.deliveries
      WHERE state = 'pending' AND NOT starts_with(target, 'relay::') GROUP BY target) w ON w.target = l.name
    FULL JOIN (SELECT target, count(*) FROM relay.deliveries
      WHERE state = 'dead' AND NOT starts_with(target, 'relay::') GROUP BY target) x ON x.target = coalesce(l.name, w.target)
    LEFT JOIN (SELECT * FROM relay.steps_waiting()) s ON s.target = w.target
    LEFT JOIN LATERAL (SELECT CASE WHEN s.target IS NULL THEN w.oldest ELSE (
      SELECT min(d.event) FROM relay.deliveries d WHERE d.target = w.target AND d.state = 'pending' AND NOT EXISTS (
        SELECT 1 FROM relay.chains c WHERE c.event = d.event AND c.chain = d.chain AND c.step < d.step)
      ) END AS seq) o ON true
    LEFT JOIN LATERAL (SELECT v.received_at FROM relay.events v WHERE v.seq = o.seq LIMIT 1) e ON true
  ORDER BY 1
$$;

-- How many deliveries wait, and how many are dead, each counted to a limit: no more than so many steps in an index, however
-- many there are, but for those of relay's own lanes.
CREATE FUNCTION relay.totals(most bigint, OUT waiting bigint, OUT dead bigint)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
BEGIN
  SELECT count(*) INTO waiting FROM (SELECT 1 FROM relay.deliveries d
    WHERE d.state = 'pending' AND NOT starts_with(d.target, 'relay::') LIMIT most) d;
  SELECT count(*) INTO dead FROM (SELECT 1 FROM relay.deliveries d
    WHERE d.state = 'dead' AND NOT starts_with(d.target, 'relay::') LIMIT most) d;
END $$;

-- Dead letters by target and reason.
CREATE FUNCTION relay.dead_groups(in_targets text[], in_reason text, moment bigint, OUT target text, OUT reason text,
  OUT count bigint, OUT oldest_at bigint, OUT newest_at bigint) RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
DECLARE
  bottom bigint;
  from_time bigint;
BEGIN
  SELECT r.first, r.since INTO bottom, from_time FROM relay.range_since(moment) r;
  RETURN QUERY
    SELECT g.target, g.reason, g.count, o.received_at, n.received_at
    FROM (SELECT d.target, d.reason, count(*) AS count, min(d.event) AS oldest, max(d.event) AS newest
      FROM relay.deliveries d
      WHERE d.state = 'dead' AND NOT starts_with(d.target, 'relay::') AND d.event >= bottom
        AND (in_targets IS NULL OR d.target = ANY (in_targets)) AND (in_reason IS NULL OR d.reason = in_reason)
        AND (from_time IS NULL OR (SELECT e.received_at FROM relay.events e WHERE e.seq = d.event) >= from_time)
      GROUP BY d.target, d.reason) g
      CROSS JOIN LATERAL (SELECT e.received_at FROM relay.events e WHERE e.seq = g.oldest LIMIT 1) o
      CROSS JOIN LATERAL (SELECT e.received_at FROM relay.events e WHERE e.seq = g.newest LIMIT 1) n
    ORDER BY g.target, g.reason NULLS FIRST;
END $$;

-- Gives events, each once, further deliveries, due now: their numbers count on from the last one. Gives each event's id and
-- its last number before, in the order of the arguments; NULL for one that is gone.
-- d_event: which of the events a delivery is of; the other arguments as in relay.accept.
CREATE FUNCTION relay.redeliver(
  given bigint, at bigint, e_seq bigint[],
  d_event int[], d_number int[], d_target text[], d_order_key text[], d_awaits int[], d_wait bigint[],
  d_is_awaited boolean[], d_expiry bigint[], d_chains text, OUT id uuid, OUT last int
) RETURNS SETOF record LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
  moment CONSTANT bigint := least(given, coalesce(at, relay.now_ms()));
  ids uuid[];
  lasts int[];
  tried CONSTANT text[] := ARRAY(SELECT DISTINCT d.target
    FROM unnest(d_target, d_is_awaited) d(target, is_awaited) WHERE d.is_awaited IS NOT TRUE);
BEGIN
  PERFORM relay.lock_lanes(tried);
  -- Whoever else gives one of these events a delivery holds the event as well.
  PERFORM 1 FROM relay.events e WHERE e.seq = ANY (e_seq) ORDER BY e.seq FOR NO KEY UPDATE;
  SELECT array_agg(e.id ORDER BY a.i), array_agg(e.last ORDER BY a.i) INTO ids, lasts
  FROM unnest(e_seq) WITH ORDINALITY a(seq, i)
    LEFT JOIN LATERAL (
      SELECT e.id, coalesce((SELECT d.number FROM relay.deliveries d WHERE d.event = e.seq ORDER BY d.number DESC LIMIT 1), 0)
        AS last
      FROM relay.events e WHERE e.seq = a.seq LIMIT 1
    ) e ON true;
  INSERT INTO relay.deliveries
    (event, number, target, state, due_at, due_set_at, order_key, awaits, is_awaited, expires_at)
  SELECT e_seq[d.event], lasts[d.event] + d.number, d.target, 'pending',
    CASE WHEN d.awaits IS NULL THEN moment ELSE moment + d.wait END,
    CASE WHEN d.awaits IS NOT NULL THEN moment END,
    d.order_key, lasts[d.event] + d.awaits, coalesce(d.is_awaited, false), moment + d.expiry
  FROM unnest(d_event, d_number, d_target, d_order_key, d_awaits, d_wait, d_is_awaited, d_expiry)
    d(event, number, target, order_key, awaits, wait, is_awaited, expiry)
  WHERE lasts[d.event] IS NOT NULL;
  IF d_chains IS NOT NULL THEN
    PERFORM relay.add_chains(e_seq, lasts, array_fill(moment, ARRAY[cardinality(e_seq)]), d_chains);
  END IF;
  PERFORM relay.try_lanes(tried, moment);
  PERFORM relay.raise_changes();
  RETURN QUERY SELECT * FROM unnest(ids, lasts);
END $$;

-- Accepts an event of the relay's own, as relay.accept does.
CREATE FUNCTION relay.send(
  at bigint,
  e_id uuid[], e_source text[], e_type text[], e_received_at bigint[], e_secret_index int[], e_headers text[],
  e_problems text[], e_start int[], e_length int[], bodies bytea,
  d_event int[], d_number int[], d_target text[], d_order_key text[], d_awaits int[], d_wait bigint[],
  d_is_awaited boolean[], d_expiry bigint[], d_chains text, OUT is_new boolean
) LANGUAGE plpgsql AS $$
DECLARE
  seqs CONSTANT bigint[] := relay.accept(at, e_id, e_source, e_type, e_received_at, e_secret_index, e_headers, e_problems,
    e_start, e_length, bodies, d_event, d_number, d_target, d_order_key, d_awaits, d_wait, d_is_awaited, d_expiry, d_chains);
BEGIN
  is_new := seqs[1] <> 0;
  PERFORM relay.raise_changes();
END $$;
