-- Deletes what is old enough of the next events. One that still has something to deliver stays, however old. Gives how many
-- it deleted, and where to go on.
CREATE FUNCTION relay.expire(after bigint, delivered_before bigint, dead_before bigint, most integer, most_bytes bigint,
  types_before bigint, at bigint, OUT deleted bigint, OUT next bigint)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
  moment CONSTANT bigint := coalesce(at, relay.now_ms());
  newest CONSTANT bigint := greatest(delivered_before, dead_before);
  looked record;
  old bigint[];
BEGIN
  PERFORM relay.refuse_moved();
  SELECT max(s.looked) AS count, count(*) AS taken, max(s.seq) AS last,
    (array_agg(s.received_at ORDER BY s.seq DESC))[1] AS last_at,
    array_agg(s.seq ORDER BY s.seq) FILTER (WHERE
      -- One of a clock that was ahead came in before what came in after it.
      CASE WHEN s.received_at <= moment THEN s.received_at ELSE least(s.received_at,
        (SELECT c.received_at FROM relay.clock_steps c WHERE c.seq > s.seq ORDER BY c.seq LIMIT 1)) END
      < CASE WHEN d.is_dead THEN dead_before ELSE delivered_before END AND d.is_waiting IS NOT TRUE) AS old
  INTO looked
  FROM (
    SELECT p.seq, p.received_at, count(*) OVER () AS looked, row_number() OVER (ORDER BY p.seq) AS place,
      sum(p.bytes) OVER (ORDER BY p.seq) AS bytes
    FROM (SELECT e.seq, e.received_at, octet_length(e.body)
        + coalesce((SELECT octet_length(n.data) FROM relay.notes n WHERE n.event = e.seq), 0) AS bytes
      FROM relay.events e WHERE e.seq > after ORDER BY e.seq LIMIT most) p) s
    -- All deliveries of the event: an index of those in a state is not in the order of events.
    CROSS JOIN LATERAL (SELECT bool_or(d.state = 'pending') AS is_waiting,
        bool_or(d.state = 'dead' AND NOT starts_with(d.target, 'relay::')) AS is_dead
      FROM relay.deliveries d WHERE d.event = s.seq) d
  WHERE s.bytes <= most_bytes OR s.place = 1;

  -- What an operator gives new attempts or deliveries meanwhile stays.
  PERFORM 1 FROM relay.events e WHERE e.seq = ANY (looked.old) ORDER BY e.seq FOR UPDATE;
  PERFORM 1 FROM relay.deliveries d WHERE d.event = ANY (looked.old) ORDER BY d.event, d.number FOR UPDATE;
  old := ARRAY(SELECT o FROM unnest(looked.old) o
    WHERE (SELECT bool_or(d.state = 'pending') FROM relay.deliveries d WHERE d.event = o) IS NOT TRUE);
  DELETE FROM relay.attempts WHERE event = ANY (old);
  DELETE FROM relay.deliveries WHERE event = ANY (old);
  DELETE FROM relay.chains WHERE event = ANY (old);
  DELETE FROM relay.notes WHERE event = ANY (old);
  DELETE FROM relay.receipts r USING relay.messages m WHERE m.event = ANY (old) AND r.message = m.message
    AND r.path = m.path;
  DELETE FROM relay.messages WHERE event = ANY (old);
  DELETE FROM relay.events WHERE seq = ANY (old);
  GET DIAGNOSTICS deleted = ROW_COUNT;

  DELETE FROM relay.activity WHERE hour < newest;
  DELETE FROM relay.types WHERE received_at < types_before;
  -- What follows was received later still, up to where the clock was set back.
  next := CASE
    WHEN looked.taken = 0 OR (looked.count < most AND looked.taken = looked.count) THEN NULL
    WHEN looked.last_at < newest THEN looked.last
    ELSE (SELECT c.seq - 1 FROM relay.clock_steps c WHERE c.seq > looked.last ORDER BY c.seq LIMIT 1) END;
  -- Steps before which no event is kept.
  DELETE FROM relay.clock_steps WHERE seq <= (SELECT coalesce(min(e.seq), 9223372036854775807) FROM relay.events e);
END $$;

-- Takes events into account: when the last one of each type was received, and before which the clock was set back. Nothing is
-- done if somebody else did so since these were read.
CREATE FUNCTION relay.observe(was_seq bigint, was_seen bigint, was_mark bigint, new_seq bigint, new_seen bigint,
  type_names text[], type_times bigint[], type_seqs bigint[], step_seqs bigint[], step_times bigint[], late_ms bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true); -- what is lost of it is done again
  UPDATE relay.observed SET seq = new_seq, seen = new_seen, mark = CASE WHEN new_seq = mark THEN new_seen ELSE mark END,
    horizon = CASE WHEN new_seq = mark THEN pg_snapshot_xmax(pg_current_snapshot())::text ELSE horizon END
  WHERE (seq, seen, mark) = (was_seq, was_seen, was_mark);
  IF NOT FOUND THEN
    RETURN;
  END IF;
  INSERT INTO relay.types AS t (name, received_at, seq) SELECT * FROM unnest(type_names, type_times, type_seqs)
    ON CONFLICT (name) DO UPDATE SET received_at = excluded.received_at, seq = excluded.seq
    WHERE excluded.seq > t.seq AND excluded.received_at NOT BETWEEN t.received_at - late_ms AND t.received_at;
  INSERT INTO relay.clock_steps (seq, received_at) SELECT * FROM unnest(step_seqs, step_times)
    ON CONFLICT (seq) DO UPDATE SET received_at = excluded.received_at;
END $$;
