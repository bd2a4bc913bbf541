-- Who owns lanes, how they are held, and what waits in them.

-- Takes lanes over. l_underway: how many attempts may be under way in a lane that was not given up, which count as begun
-- now. l_seen: the epoch that is to be taken over, NULL for any: a call that a network held back may come after another.
-- new_member: name of the new owner.
CREATE FUNCTION relay.own(
  at bigint, l_name text[], l_underway int[], l_seen bigint[], new_token text, new_member text
)
RETURNS TABLE (
  now bigint, name text, epoch bigint, was_given_up boolean, was_unclean boolean, starts bigint[], open_until bigint,
  throttled_until bigint, held_at bigint, paused_at bigint
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  lane record;
BEGIN
  PERFORM relay.refuse_moved();
  INSERT INTO relay.lanes (name)
  SELECT DISTINCT a.name FROM unnest(l_name) a(name)
    LEFT JOIN LATERAL (SELECT true AS is_there FROM relay.lanes l WHERE l.name = a.name LIMIT 1) l ON true
  WHERE l.is_there IS NULL ORDER BY a.name
  ON CONFLICT (name) DO NOTHING;
  PERFORM 1 FROM relay.lanes l WHERE l.name = ANY (l_name) ORDER BY l.number FOR NO KEY UPDATE;
  now := coalesce(at, relay.now_ms());
  FOR lane IN
    SELECT l.*, a.underway, a.seen FROM unnest(l_name, l_underway, l_seen) WITH ORDINALITY a(name, underway, seen, i),
      LATERAL (SELECT * FROM relay.lanes l WHERE l.name = a.name LIMIT 1) l ORDER BY a.i
  LOOP
    IF lane.epoch <> lane.seen THEN
      RAISE EXCEPTION '% was taken over meanwhile', lane.name;
    END IF;
    UPDATE relay.lanes l SET epoch = l.epoch + 1, token = new_token, member = new_member, given_up = false
    WHERE l.name = lane.name RETURNING l.epoch INTO epoch;
    -- Nobody had it before, or the same relay, which was started anew.
    IF lane.epoch > 0 AND new_member IS DISTINCT FROM lane.member THEN
      INSERT INTO relay.takeovers (lane, at, member, was_given_up) VALUES (lane.name, now, new_member, lane.given_up);
    END IF;
    -- A clock that was ahead wrote some; a second is within what clocks are put right by.
    UPDATE relay.lane_starts s SET at = now WHERE s.lane = lane.name AND s.at > now + 1000;
    IF NOT lane.given_up THEN
      INSERT INTO relay.lane_starts (lane, at) SELECT lane.name, now FROM generate_series(1, lane.underway);
    END IF;
    SELECT coalesce(array_agg(s.at ORDER BY s.at), '{}') INTO starts FROM relay.lane_starts s WHERE s.lane = lane.name;
    name := lane.name;
    was_given_up := lane.given_up;
    was_unclean := NOT lane.given_up AND EXISTS (SELECT 1 FROM relay.crashes c WHERE c.token = lane.token);
    open_until := lane.open_until;
    throttled_until := lane.throttled_until;
    held_at := lane.held_at;
    paused_at := lane.paused_at;
    RETURN NEXT;
  END LOOP;
  DELETE FROM relay.takeovers t WHERE t.at < now - 86400000;
END
$$;

-- Whether this is the epoch of the lane's owner, who stays that until the end of the transaction.
CREATE FUNCTION relay.holds_lane(l_name text, l_epoch bigint, l_token text) RETURNS boolean LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM relay.refuse_moved();
  PERFORM 1 FROM relay.lanes l WHERE l.name = l_name AND l.epoch = l_epoch AND l.token = l_token FOR NO KEY UPDATE;
  RETURN FOUND;
END
$$;

CREATE FUNCTION relay.give_up(l_name text[], l_epoch bigint[], l_token text[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
  PERFORM 1 FROM relay.lanes l WHERE l.name = ANY (l_name) ORDER BY l.number FOR NO KEY UPDATE;
  UPDATE relay.lanes l SET given_up = true FROM unnest(l_name, l_epoch, l_token) a(name, epoch, token)
  WHERE l.name = a.name AND l.epoch = a.epoch AND l.token = a.token;
END
$$;

CREATE FUNCTION relay.hold(
  at bigint, l_name text[], l_epoch bigint[], l_token text[], l_open_until bigint[], l_throttled_until bigint[]
) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
  PERFORM 1 FROM relay.lanes l WHERE l.name = ANY (l_name) ORDER BY l.number FOR NO KEY UPDATE;
  UPDATE relay.lanes l SET open_until = a.open_until, throttled_until = a.throttled_until,
    held_at = coalesce(at, relay.now_ms())
  FROM unnest(l_name, l_epoch, l_token, l_open_until, l_throttled_until) a(name, epoch, token, open_until, throttled_until)
  WHERE l.name = a.name AND l.epoch = a.epoch AND l.token = a.token;
END
$$;

CREATE FUNCTION relay.holds(at bigint) RETURNS TABLE (
  now bigint, name text, open_until bigint, throttled_until bigint, held_at bigint, paused_at bigint
) LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN QUERY SELECT coalesce(at, relay.now_ms()), l.name, l.open_until, l.throttled_until, l.held_at, l.paused_at
  FROM relay.lanes l;
END
$$;

-- Has deliveries wait for another of their event: the one in the lane of this name, which is made if it is not there.
CREATE FUNCTION relay.await(
  at bigint, l_name text, l_epoch bigint, l_token text, w_event bigint[], w_number int[], w_revision int[], w_lane text[],
  w_patience bigint[]
) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
  now bigint;
  there record;
  last int;
BEGIN
  IF NOT relay.holds_lane(l_name, l_epoch, l_token) THEN
    RETURN;
  END IF;
  now := coalesce(at, relay.now_ms());
  -- Whoever gives an event more deliveries, or records one that others await, holds the event as well.
  PERFORM 1 FROM (SELECT DISTINCT a.event FROM unnest(w_event) a(event) ORDER BY a.event) a,
    LATERAL (SELECT 1 FROM relay.events e WHERE e.seq = a.event FOR NO KEY UPDATE) e;
  FOR i IN 1..coalesce(cardinality(w_event), 0) LOOP
    PERFORM 1 FROM relay.deliveries d WHERE d.event = w_event[i]
      AND (d.number = w_number[i] OR (d.target = w_lane[i] AND d.is_awaited)) ORDER BY d.number FOR NO KEY UPDATE;
    SELECT d.number, d.state, d.expires_at INTO there FROM relay.deliveries d
    WHERE d.event = w_event[i] AND d.target = w_lane[i] AND d.is_awaited ORDER BY d.number LIMIT 1;
    IF there.state = 'delivered' THEN
      -- It has been fetched since this one was read, which did not await it.
      UPDATE relay.deliveries d SET awaits = there.number, due_at = now, due_set_at = NULL
      WHERE d.event = w_event[i] AND d.number = w_number[i] AND d.state = 'pending' AND d.revision = w_revision[i]
        AND d.awaits IS NULL AND EXISTS (SELECT 1 FROM relay.notes n WHERE n.event = w_event[i] AND n.data IS NOT NULL);
      CONTINUE WHEN FOUND;
      PERFORM 1 FROM relay.deliveries d WHERE d.event = w_event[i] AND d.number = w_number[i] AND d.awaits IS NULL
        AND EXISTS (SELECT 1 FROM relay.notes n WHERE n.event = w_event[i] AND n.data IS NOT NULL);
      CONTINUE WHEN FOUND;
    END IF;
    IF there.number IS NULL THEN
      SELECT d.number INTO last FROM relay.deliveries d WHERE d.event = w_event[i] ORDER BY d.number DESC LIMIT 1;
    END IF;
    UPDATE relay.deliveries d SET awaits = coalesce(there.number, last + 1), due_at = now + w_patience[i], due_set_at = now
    WHERE d.event = w_event[i] AND d.number = w_number[i] AND d.state = 'pending' AND d.revision = w_revision[i];
    CONTINUE WHEN NOT FOUND;
    IF there.number IS NULL THEN
      INSERT INTO relay.deliveries (event, number, target, state, due_at, is_awaited, expires_at)
      VALUES (w_event[i], last + 1, w_lane[i], 'pending', now, true, now + w_patience[i]);
    ELSIF there.state = 'pending' THEN
      -- One that waits for ever is among those that wait.
      UPDATE relay.deliveries d SET expires_at = CASE WHEN w_patience[i] IS NOT NULL AND d.expires_at IS NOT NULL
        THEN greatest(d.expires_at, now + w_patience[i]) END
      WHERE d.event = w_event[i] AND d.number = there.number;
    ELSE
      UPDATE relay.deliveries d SET state = 'pending', due_at = now, due_set_at = NULL, expires_at = now + w_patience[i],
        first_attempt = d.attempts, revision = d.revision + 1
      WHERE d.event = w_event[i] AND d.number = there.number;
    END IF;
  END LOOP;
END
$$;

-- Makes due what a clock that was ahead put off: of the next 2000 of a lane that are not due, behind (c_due_at, c_event,
-- c_number). Gives how many, and behind which one to go on; nothing if that was the last one.
CREATE FUNCTION relay.bring_forward(
  at bigint, l_name text, c_due_at bigint, c_event bigint, c_number int,
  OUT count int, OUT due_at bigint, OUT event bigint, OUT number int
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  now bigint := coalesce(at, relay.now_ms());
  seen int;
  ahead_event bigint[];
  ahead_number int[];
BEGIN
  count := 0;
  -- A second is within what clocks are put right by.
  WITH page AS MATERIALIZED (
    SELECT d.event, d.number, d.due_at, coalesce(d.due_set_at, d.due_at) > now + 1000 AS is_ahead FROM relay.deliveries d
    WHERE d.target = l_name AND d.state = 'pending' AND d.due_at > now
      AND (d.due_at, d.event, d.number) > (greatest(c_due_at, now), c_event, c_number)
    ORDER BY d.due_at, d.event, d.number LIMIT 2000
  ), ahead AS (
    SELECT p.event, p.number FROM page p WHERE p.is_ahead
  )
  SELECT (SELECT count(*) FROM page), array_agg(a.event ORDER BY a.event, a.number),
    array_agg(a.number ORDER BY a.event, a.number), p.due_at, p.event, p.number
  INTO seen, ahead_event, ahead_number, due_at, event, number
  FROM (SELECT p.due_at, p.event, p.number FROM page p ORDER BY p.due_at DESC, p.event DESC, p.number DESC LIMIT 1) p
    LEFT JOIN ahead a ON true GROUP BY p.due_at, p.event, p.number;
  IF seen IS NULL OR seen < 2000 THEN
    due_at := NULL;
    event := NULL;
    number := NULL;
  END IF;
  IF cardinality(array_remove(ahead_event, NULL)) > 0 THEN
    WITH held AS MATERIALIZED (
      SELECT d.tid FROM unnest(ahead_event, ahead_number) a(event, number), LATERAL (
        SELECT d.ctid AS tid FROM relay.deliveries d WHERE d.event = a.event AND d.number = a.number
          AND d.state = 'pending' AND d.due_at > now AND coalesce(d.due_set_at, d.due_at) > now + 1000
        FOR NO KEY UPDATE
      ) d
    )
    UPDATE relay.deliveries d SET due_at = now, due_set_at = NULL FROM held WHERE d.ctid = held.tid;
    GET DIAGNOSTICS count = ROW_COUNT;
  END IF;
END
$$;
