-- Watches these alerts from now on, or as it did before, and forgets all others. Gives what is known of each.
CREATE FUNCTION relay.watch(keys text[], moment bigint) RETURNS SETOF relay.alarms LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM relay.alarms a WHERE a.key <> ALL (keys);
  INSERT INTO relay.alarms (key, watched_since) SELECT DISTINCT k, moment FROM unnest(keys) k ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT * FROM relay.alarms a ORDER BY a.key;
END $$;

-- How many dead letters there are, counted to a limit, whose events are of no such source.
CREATE FUNCTION relay.count_dead(most bigint, but_source text, OUT count bigint)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
BEGIN
  SELECT count(*) INTO count FROM (SELECT 1 FROM relay.deliveries d
    WHERE d.state = 'dead' AND NOT starts_with(d.target, 'relay::')
      AND (SELECT e.source FROM relay.events e WHERE e.seq = d.event) <> but_source LIMIT most) d;
END $$;

-- Turns an alarm on or off and accepts the event that tells of it, as relay.accept does, unless it is so already.
CREATE FUNCTION relay.turn_alarm(
  alarm text, its_since bigint,
  at bigint,
  e_id uuid[], e_source text[], e_type text[], e_received_at bigint[], e_secret_index int[], e_headers text[],
  e_problems text[], e_start int[], e_length int[], bodies bytea,
  d_event int[], d_number int[], d_target text[], d_order_key text[], d_awaits int[], d_wait bigint[],
  d_is_awaited boolean[], d_expiry bigint[], d_chains text, OUT was_turned boolean
) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM relay.refuse_moved();
  UPDATE relay.alarms SET since = its_since WHERE key = alarm AND (since IS NULL) <> (its_since IS NULL);
  was_turned := FOUND;
  IF was_turned THEN
    PERFORM relay.accept(at, e_id, e_source, e_type, e_received_at, e_secret_index, e_headers, e_problems, e_start,
      e_length, bodies, d_event, d_number, d_target, d_order_key, d_awaits, d_wait, d_is_awaited, d_expiry, d_chains);
  END IF;
END $$;
