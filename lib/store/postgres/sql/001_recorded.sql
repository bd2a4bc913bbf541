-- What relay.write does besides, and it alone, so that its word to the planner holds here too.

-- Records those that are not usual, one after the other, in this order: others await them, they are of a chain, a record
-- before may be of the same delivery, or an attempt of their number is there.
CREATE FUNCTION relay.record_others(
  now bigint, others int[], INOUT fate text[], owned boolean[], l_epoch bigint[], r_lane int[], r_event bigint[],
  r_number int[], r_revision int[], r_attempt int[], r_started_at bigint[], r_duration bigint[], r_outcome text[],
  r_state text[], r_due_at bigint[], r_reason text[], r_detail text[], r_status int[], r_answer text[], r_flags int[],
  r_failure text[], r_fetched bytea[], OUT released text[], OUT outdated text[]
) LANGUAGE plpgsql
AS $$
DECLARE
  i int;
  made int;
  freed text[];
  settled record;
BEGIN
  FOREACH i IN ARRAY coalesce(others, '{}') LOOP
    -- Another owner may have made an attempt of the number that was meant.
    made := r_attempt[i];
    FOR tries IN 1..2 LOOP
      INSERT INTO relay.attempts
        (event, number, attempt, epoch, started_at, duration_ms, outcome, reason, detail, status, answer)
      VALUES (r_event[i], r_number[i], made, l_epoch[r_lane[i]], r_started_at[i], r_duration[i], r_outcome[i],
        r_reason[i], r_detail[i], r_status[i], r_answer[i])
      ON CONFLICT DO NOTHING;
      EXIT WHEN FOUND;
      PERFORM 1 FROM relay.attempts a WHERE a.event = r_event[i] AND a.number = r_number[i] AND a.attempt >= r_attempt[i]
        AND a.epoch = l_epoch[r_lane[i]] AND a.started_at = r_started_at[i] AND a.duration_ms = r_duration[i];
      IF FOUND THEN
        made := NULL;
        EXIT;
      END IF;
      SELECT a.attempt + 1 INTO made FROM relay.attempts a WHERE a.event = r_event[i] AND a.number = r_number[i]
      ORDER BY a.attempt DESC LIMIT 1;
    END LOOP;
    IF made IS NULL THEN
      fate[i] := 'k';
      CONTINUE;
    END IF;

    fate[i] := 'h';
    CONTINUE WHEN NOT owned[r_lane[i]];
    UPDATE relay.deliveries d SET state = r_state[i], attempts = made,
      first_attempt = d.first_attempt + made - d.attempts - 1, due_at = r_due_at[i],
      due_set_at = CASE WHEN r_due_at[i] IS NOT NULL THEN r_started_at[i] + r_duration[i] END, reason = r_reason[i],
      awaits = NULL
    WHERE d.event = r_event[i] AND d.number = r_number[i] AND d.state = 'pending' AND d.revision = r_revision[i];
    CONTINUE WHEN NOT FOUND;
    fate[i] := 'r';
    IF r_flags[i] & 16 <> 0 AND r_state[i] <> 'pending' THEN
      SELECT s.released, s.outdated INTO settled
      FROM relay.deliveries d, LATERAL (SELECT * FROM relay.settle_chain(d.event, d.chain, now)) s
      WHERE d.event = r_event[i] AND d.number = r_number[i];
      released := released || settled.released;
      outdated := outdated || settled.outdated;
    END IF;
    CONTINUE WHEN r_flags[i] & 1 = 0;

    -- Of an event that is gone nothing is kept.
    INSERT INTO relay.notes (event, at, data, problem, outcome)
    SELECT e.seq, now, r_fetched[i], r_detail[i], r_failure[i] FROM relay.events e WHERE e.seq = r_event[i]
    ON CONFLICT (event) DO UPDATE
      SET at = excluded.at, data = excluded.data, problem = excluded.problem, outcome = excluded.outcome;
    WITH let_go AS (
      UPDATE relay.deliveries d SET due_at = now, due_set_at = NULL
      WHERE d.event = r_event[i] AND d.awaits = r_number[i] AND d.state = 'pending' RETURNING d.target
    )
    SELECT array_agg(DISTINCT l.target) INTO freed FROM let_go l;
    released := released || freed;
  END LOOP;
END
$$;

-- Makes parked deliveries due that are the heads of their order keys now, and gives the head of each record's key.
CREATE FUNCTION relay.heads_after(
  l_name text[], r_lane int[], r_order_key text[], r_state text[], r_started_at bigint[], r_duration bigint[], fate text[],
  OUT head_event bigint[], OUT head_number int[]
) LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE relay.deliveries d SET due_at = h.ended_at, due_set_at = NULL
  FROM (
    SELECT h.tid, k.ended_at
    FROM (
      SELECT r.lane, r.order_key, max(r.started_at + r.duration) AS ended_at
      FROM unnest(r_lane, r_order_key, r_state, r_started_at, r_duration, fate)
        r(lane, order_key, state, started_at, duration, fate)
      WHERE r.order_key IS NOT NULL AND r.fate = 'r' AND r.state <> 'pending' GROUP BY r.lane, r.order_key
    ) k, LATERAL (
      SELECT d.ctid AS tid, d.due_at IS NULL AND d.awaits IS NULL AS is_parked FROM relay.deliveries d
      WHERE d.target = l_name[k.lane] AND d.order_key = k.order_key AND d.state = 'pending'
      ORDER BY d.event, d.number LIMIT 1
    ) h
    WHERE h.is_parked
  ) h
  WHERE d.ctid = h.tid;

  SELECT array_agg(h.event), array_agg(h.number) INTO head_event, head_number
  FROM unnest(r_lane, r_order_key) r(lane, order_key)
    LEFT JOIN LATERAL (
      SELECT d.event, d.number FROM relay.deliveries d
      WHERE d.target = l_name[r.lane] AND d.order_key = r.order_key AND d.state = 'pending'
      ORDER BY d.event, d.number LIMIT 1
    ) h ON true;
END
$$;

-- Writes what these records say of their lanes: a few rows, however many they are.
CREATE FUNCTION relay.describe_lanes(
  now bigint, owned boolean[], l_name text[], l_open_until bigint[], l_throttled_until bigint[], l_kept bigint[],
  r_place int[], r_lane int[], r_started_at bigint[], r_duration bigint[], r_bucket int[], r_outcome text[],
  r_state text[], r_reason text[], r_flags int[], fate text[]
) RETURNS void LANGUAGE plpgsql
AS $$
BEGIN
  IF fate IS NULL THEN
    UPDATE relay.lanes l SET open_until = a.open_until, throttled_until = a.throttled_until, held_at = now
    FROM unnest(l_name, l_open_until, l_throttled_until, owned) a(name, open_until, throttled_until, is_own)
    WHERE l.name = a.name AND a.is_own;
    RETURN;
  END IF;
  IF cardinality(array_remove(l_kept, NULL)) > 0 THEN
    INSERT INTO relay.lane_starts (lane, at)
    SELECT l_name[r.lane], r.started_at FROM unnest(r_lane, r_started_at, r_flags, fate) r(lane, started_at, flags, fate)
    WHERE r.flags & 4 <> 0 AND r.fate <> 'k' AND owned[r.lane] AND l_kept[r.lane] IS NOT NULL;
    DELETE FROM relay.lane_starts s USING (
      SELECT DISTINCT ON (r.lane) r.lane, r.started_at
      FROM unnest(r_lane, r_started_at, r_place, fate) r(lane, started_at, place, fate)
      WHERE r.fate <> 'k' AND owned[r.lane] AND l_kept[r.lane] IS NOT NULL ORDER BY r.lane, r.place DESC
    ) r
    WHERE s.lane = l_name[r.lane] AND s.at < r.started_at - l_kept[r.lane];
  END IF;

  -- What came last is the later one, also where the clock was set back in between.
  UPDATE relay.lanes l SET
    delivered_at = coalesce(h.delivered_at,
      CASE WHEN l.delivered_at >= h.failed_at THEN h.failed_at - 1 ELSE l.delivered_at END),
    failed_at = coalesce(h.failed_at,
      CASE WHEN l.failed_at >= h.delivered_at THEN h.delivered_at - 1 ELSE l.failed_at END),
    reason = coalesce(h.reason, l.reason),
    open_until = h.open_until, throttled_until = h.throttled_until, held_at = coalesce(h.ended_at, now)
  FROM (
    SELECT DISTINCT ON (a.name) a.name, a.open_until, a.throttled_until, r_started_at[r.last] + r_duration[r.last] AS ended_at,
      r_started_at[r.delivered] + r_duration[r.delivered] AS delivered_at,
      r_started_at[r.failed] + r_duration[r.failed] AS failed_at, r_reason[r.failed] AS reason
    FROM unnest(l_name, l_open_until, l_throttled_until) WITH ORDINALITY a(name, open_until, throttled_until, i)
      LEFT JOIN (
        -- The last one by its place, with where it stands here.
        SELECT r.lane, (max(r.place_i) & 1048575)::int AS last,
          (max(r.place_i) FILTER (WHERE r.outcome = 'delivered') & 1048575)::int AS delivered,
          (max(r.place_i) FILTER (WHERE r.outcome <> 'delivered') & 1048575)::int AS failed
        FROM (
          SELECT r.lane, r.outcome, (r.place::bigint << 20) + r.i AS place_i
          FROM unnest(r_lane, r_outcome, r_place, fate) WITH ORDINALITY r(lane, outcome, place, fate, i)
          WHERE r.fate = 'r'
        ) r
        GROUP BY r.lane
      ) r ON r.lane = a.i
    WHERE owned[a.i] ORDER BY a.name, a.i DESC
  ) h
  WHERE l.name = h.name;

  INSERT INTO relay.activity AS c (hour, target, state, bucket, count)
  SELECT g.hour, g.target, g.state, g.bucket, g.count
  FROM (
    SELECT (r.started_at + r.duration) / 3600000 * 3600000 AS hour, l_name[r.lane] AS target, r.state, r.bucket,
      count(*) AS count
    FROM unnest(r_lane, r_state, r_bucket, r_started_at, r_duration, fate)
      r(lane, state, bucket, started_at, duration, fate)
    WHERE r.fate = 'r' AND r.bucket IS NOT NULL GROUP BY 1, 2, 3, 4
  ) g
  ORDER BY 1, 2, 3, 4
  ON CONFLICT (hour, target, state, bucket) DO UPDATE SET count = c.count + excluded.count;
END
$$;
