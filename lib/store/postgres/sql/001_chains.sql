-- Chains: deliveries of an event in steps, of which one begins after the other until one satisfies the chain. Whoever changes
-- one locks the lanes, the event and all deliveries of the chain before, in the order in which everybody locks them.

-- The lanes of the chains that these deliveries are of.
CREATE FUNCTION relay.chain_lanes(in_events bigint[], in_numbers int[]) RETURNS text[] LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
BEGIN
  RETURN ARRAY(
    SELECT DISTINCT m.target FROM unnest(in_events, in_numbers) r(event, number)
      CROSS JOIN LATERAL (SELECT d.chain FROM relay.deliveries d WHERE d.event = r.event AND d.number = r.number LIMIT 1) d
      CROSS JOIN LATERAL (SELECT m.target FROM relay.deliveries m WHERE m.event = r.event AND m.chain = d.chain OFFSET 0) m);
END
$$;

-- The chains that these deliveries are of, each once, in their order.
CREATE FUNCTION relay.chains_of(in_events bigint[], in_numbers int[]) RETURNS TABLE (event bigint, chain int) LANGUAGE plpgsql
STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT DISTINCT r.event, d.chain FROM unnest(in_events, in_numbers) r(event, number)
    CROSS JOIN LATERAL (SELECT d.chain FROM relay.deliveries d WHERE d.event = r.event AND d.number = r.number LIMIT 1) d
  WHERE d.chain IS NOT NULL ORDER BY 1, 2;
END
$$;

-- Locks these deliveries with all others of their chains, and the events of those that are of one. The lanes are locked.
CREATE FUNCTION relay.lock_chains(in_events bigint[], in_numbers int[]) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
  chained bigint[];
BEGIN
  SELECT array_agg(DISTINCT c.event) INTO chained FROM relay.chains_of(in_events, in_numbers) c;
  PERFORM 1 FROM (SELECT c.event FROM unnest(chained) c(event) ORDER BY c.event) c,
    LATERAL (SELECT 1 FROM relay.events e WHERE e.seq = c.event FOR NO KEY UPDATE) e;
  PERFORM 1 FROM (
    SELECT r.event, r.number FROM unnest(in_events, in_numbers) r(event, number)
    UNION
    SELECT m.event, m.number FROM unnest(chained) c(event), LATERAL (
      SELECT m.event, m.number FROM relay.deliveries m WHERE m.event = c.event AND m.chain IS NOT NULL OFFSET 0
    ) m
    ORDER BY 1, 2
  ) k, LATERAL (
    SELECT 1 FROM relay.deliveries d WHERE d.event = k.event AND d.number = k.number FOR NO KEY UPDATE
  ) d;
END
$$;

-- Adds the chains of inserted deliveries, whose first steps begin at e_at. e_last: the last number that an event had before,
-- NULL for one that had none. members: JSON, of each delivery of a chain, by the place of its event in the arguments.
CREATE FUNCTION relay.add_chains(e_seq bigint[], e_last int[], e_at bigint[], members text) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
BEGIN
  WITH placed AS MATERIALIZED (
    SELECT e_seq[m.event] AS event, coalesce(e_last[m.event], 0) + m.number AS number,
      coalesce(e_last[m.event], 0) + m.chain AS chain, m.step, m.has_proof, m.within_ms, m.until, e_at[m.event] AS at
    FROM json_to_recordset(members::json)
      m(event int, number int, chain int, step int, has_proof boolean, within_ms bigint, until text)
  ), marked AS (
    UPDATE relay.deliveries d SET chain = p.chain, step = p.step, has_proof = p.has_proof
    FROM placed p WHERE d.event = p.event AND d.number = p.number RETURNING p.*
  )
  INSERT INTO relay.chains (event, chain, step, within_ms, until, began_at, next_at)
  SELECT m.event, m.chain, 1, m.within_ms, m.until, m.at, m.at + m.within_ms FROM marked m WHERE m.number = m.chain;
END
$$;

-- Draws the consequences of any change of a chain's delivery, be it of its state or of its receipt: if a step satisfies the
-- chain, whatever still waits or is tried of it is skipped; if all deliveries of the step that began last are dead, the next
-- one begins. May be called at any time, and does nothing twice. Everything is locked before, as by relay.lock_lanes with
-- relay.chain_lanes, and then relay.lock_chains.
-- released: lanes in which more is due, now or later. outdated: lanes in which deliveries were skipped that had begun or that
-- others stood behind; whoever calls it raises the count of changes then, since their owners may have read them.
CREATE FUNCTION relay.settle_chain(of_event bigint, of_chain int, now bigint, OUT released text[], OUT outdated text[])
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
  chain record;
  keyed text[];
  keys text[];
BEGIN
  SELECT c.step, c.until INTO chain FROM relay.chains c
  WHERE c.event = of_event AND c.chain = of_chain AND NOT c.is_settled FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM 1 FROM relay.deliveries d WHERE d.event = of_event AND d.chain = of_chain AND d.state = 'delivered'
    AND CASE WHEN d.has_proof THEN d.receipt IN ('read', chain.until) ELSE chain.until = 'delivered' END;
  IF NOT FOUND THEN
    PERFORM 1 FROM relay.deliveries d
    WHERE d.event = of_event AND d.chain = of_chain AND d.step = chain.step AND d.state <> 'dead';
    IF NOT FOUND THEN
      released := relay.begin_chain(of_event, of_chain, chain.step + 1, now);
    END IF;
    RETURN;
  END IF;

  UPDATE relay.chains c SET is_settled = true, next_at = NULL WHERE c.event = of_event AND c.chain = of_chain;
  WITH skipped AS (
    UPDATE relay.deliveries d SET state = 'skipped', due_at = NULL, due_set_at = NULL, reason = NULL, awaits = NULL,
      revision = d.revision + 1
    WHERE d.event = of_event AND d.chain = of_chain AND d.state = 'pending' RETURNING d.target, d.step, d.order_key
  )
  SELECT array_agg(s.target) FILTER (WHERE s.step <= chain.step OR s.order_key IS NOT NULL),
    array_agg(s.target) FILTER (WHERE s.order_key IS NOT NULL),
    array_agg(s.order_key) FILTER (WHERE s.order_key IS NOT NULL)
  INTO outdated, keyed, keys FROM skipped s;
  released := keyed;
  -- What stood behind them is the head of its key now.
  UPDATE relay.deliveries d SET due_at = now, due_set_at = NULL
  FROM (
    SELECT h.tid FROM unnest(keyed, keys) k(target, order_key), LATERAL (
      SELECT d.ctid AS tid, d.due_at IS NULL AND d.awaits IS NULL AS is_parked FROM relay.deliveries d
      WHERE d.target = k.target AND d.order_key = k.order_key AND d.state = 'pending' ORDER BY d.event, d.number LIMIT 1
    ) h
    WHERE h.is_parked
  ) h
  WHERE d.ctid = h.tid;
END
$$;

-- Begins the steps of a chain up to this one that have not begun; the time of the step after it runs from now on. Everything
-- is locked before. Gives the lanes in which more is due, now or later.
CREATE FUNCTION relay.begin_chain(of_event bigint, of_chain int, to_step int, now bigint, OUT released text[])
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
  chain record;
  timed text[];
BEGIN
  SELECT c.step, c.within_ms INTO chain FROM relay.chains c
  WHERE c.event = of_event AND c.chain = of_chain AND NOT c.is_settled FOR NO KEY UPDATE;
  IF NOT FOUND OR to_step <= chain.step THEN
    RETURN;
  END IF;
  WITH begun AS (
    UPDATE relay.deliveries d SET due_at = now, due_set_at = NULL, awaits = NULL, revision = d.revision + 1
    WHERE d.event = of_event AND d.chain = of_chain AND d.step > chain.step AND d.step <= to_step AND d.state = 'pending'
    RETURNING d.target
  )
  SELECT array_agg(b.target) INTO released FROM begun b;
  IF released IS NULL THEN -- there is no such step
    UPDATE relay.chains c SET next_at = NULL WHERE c.event = of_event AND c.chain = of_chain;
    RETURN;
  END IF;
  WITH timed AS (
    UPDATE relay.deliveries d SET due_at = now + chain.within_ms, due_set_at = now
    WHERE d.event = of_event AND d.chain = of_chain AND d.step = to_step + 1 AND d.state = 'pending' RETURNING d.target
  )
  SELECT array_agg(t.target) INTO timed FROM timed t;
  UPDATE relay.chains c SET step = to_step, began_at = now,
    next_at = CASE WHEN timed IS NOT NULL THEN now + chain.within_ms END
  WHERE c.event = of_event AND c.chain = of_chain;
  released := released || timed;
END
$$;

-- Begins the next steps of chains whose time has come, unless they are satisfied: of the chains that these deliveries are of,
-- or, without any, of all, up to 500. Gives the lanes in which more is due, now or later.
CREATE FUNCTION relay.begin_steps(at bigint, in_events bigint[], in_numbers int[], OUT now bigint, OUT lanes text[])
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
  of_events bigint[] := in_events;
  of_numbers int[] := in_numbers;
  chain record;
  settled record;
  has_outdated boolean := false;
BEGIN
  now := coalesce(at, relay.now_ms());
  lanes := '{}';
  IF of_events IS NULL THEN
    SELECT array_agg(c.event), array_agg(c.chain) INTO of_events, of_numbers FROM (
      SELECT c.event, c.chain FROM relay.chains c WHERE c.next_at <= now ORDER BY c.next_at LIMIT 500
    ) c;
    IF of_events IS NULL THEN
      RETURN;
    END IF;
  END IF;
  PERFORM relay.refuse_moved();
  PERFORM relay.lock_lanes(relay.chain_lanes(of_events, of_numbers));
  PERFORM relay.lock_chains(of_events, of_numbers);
  FOR chain IN
    SELECT * FROM relay.chains_of(of_events, of_numbers)
  LOOP
    SELECT * INTO settled FROM relay.settle_chain(chain.event, chain.chain, now);
    lanes := lanes || settled.released;
    has_outdated := has_outdated OR settled.outdated IS NOT NULL;
    -- Its deliveries may be due sooner than its time, if a clock that was ahead had set that.
    lanes := lanes || (SELECT relay.begin_chain(c.event, c.chain, c.step + 1, now) FROM relay.chains c
      WHERE c.event = chain.event AND c.chain = chain.chain AND NOT c.is_settled AND (c.next_at <= now OR EXISTS (
        SELECT 1 FROM relay.deliveries d WHERE d.event = c.event AND d.chain = c.chain AND d.step = c.step + 1
          AND d.state = 'pending' AND d.due_at <= now)));
  END LOOP;
  IF has_outdated THEN
    PERFORM relay.raise_changes();
  END IF;
END
$$;

-- How many steps of chains have not begun, by target.
CREATE FUNCTION relay.steps_waiting(OUT target text, OUT count bigint) RETURNS SETOF record LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
  SELECT d.target, count(*) FROM relay.chains c CROSS JOIN LATERAL (
    SELECT d.target FROM relay.deliveries d
    WHERE d.event = c.event AND d.chain = c.chain AND d.step > c.step AND d.state NOT IN ('delivered', 'dead', 'skipped') OFFSET 0
  ) d
  WHERE c.next_at IS NOT NULL GROUP BY d.target
$$;
