-- Recording attempts, beside accepting events.

-- Accepts events, as relay.accept does, and records attempts.
-- l_*: lanes, with the epoch of whoever records; l_kept: for how long starts of attempts are kept. r_*: records, in the
-- order of (r_event, r_number); r_place: their order of arrival. r_lane: which of the lanes one is of. r_bucket: of the
-- duration, NULL for what is not counted. r_flags: 1 others await it, 2 it was written down as it began, 4 an attempt was
-- made, 8 another record here is of the same delivery, 16 it is of a chain. r_failure: the outcome as JSON, of one that others await and that
-- failed; r_fetched: what one fetched that others await. flags: all of r_flags.
-- fates: a letter for each record: r recorded, h history, k known, g gone. head_*: of its order key; NULL without keys.
CREATE FUNCTION relay.write(
  at bigint,
  e_id uuid[], e_source text[], e_type text[], e_received_at bigint[], e_secret_index int[], e_headers text[],
  e_problems text[], e_start int[], e_length int[], bodies bytea,
  d_event int[], d_number int[], d_target text[], d_order_key text[], d_awaits int[], d_wait bigint[],
  d_is_awaited boolean[], d_expiry bigint[], d_chains text,
  l_name text[], l_epoch bigint[], l_token text[], l_open_until bigint[], l_throttled_until bigint[], l_kept bigint[],
  r_place int[], r_lane int[], r_event bigint[], r_number int[], r_revision int[], r_attempt int[], r_started_at bigint[],
  r_duration bigint[], r_bucket int[], r_outcome text[], r_state text[], r_due_at bigint[], r_reason text[],
  r_detail text[], r_status int[], r_answer text[], r_order_key text[], r_flags int[], r_failure text[],
  r_fetched bytea[], flags int,
  OUT now bigint, OUT seqs bigint[], OUT fates text, OUT head_event bigint[], OUT head_number int[], OUT released text[],
  OUT outdated text[], OUT lost int[]
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
  owned boolean[];
  fate text[];
  tids tid[];
  usual bigint;
  inserted bigint;
  others int[];
BEGIN
  PERFORM relay.refuse_moved();
  IF flags & 16 <> 0 THEN
    -- A chain that goes on or ends changes deliveries in other lanes, too.
    PERFORM relay.lock_lanes(l_name || relay.chain_lanes(r_event, r_number));
  END IF;
  -- Lanes first, by their numbers: until the end of this transaction nobody takes one of them over.
  IF cardinality(l_name) = 1 THEN
    SELECT ARRAY[l.epoch = l_epoch[1] AND l.token = l_token[1]] INTO owned FROM relay.lanes l WHERE l.name = l_name[1]
    FOR NO KEY UPDATE;
    owned := coalesce(owned, '{f}');
    IF NOT owned[1] THEN
      lost := '{1}';
    END IF;
  ELSIF cardinality(l_name) > 1 THEN
    WITH locked AS MATERIALIZED (
      SELECT l.name, l.epoch, l.token FROM relay.lanes l WHERE l.name = ANY (l_name)
      ORDER BY l.number FOR NO KEY UPDATE
    )
    SELECT array_agg(k.name IS NOT NULL ORDER BY a.i), array_agg(a.i ORDER BY a.i) FILTER (WHERE k.name IS NULL)
    INTO owned, lost
    FROM unnest(l_name, l_epoch, l_token) WITH ORDINALITY a(name, epoch, token, i)
      LEFT JOIN locked k ON k.name = a.name AND k.epoch = a.epoch AND k.token = a.token;
  END IF;
  IF cardinality(e_id) > 0 THEN
    seqs := relay.accept(at, e_id, e_source, e_type, e_received_at, e_secret_index, e_headers, e_problems, e_start,
      e_length, bodies, d_event, d_number, d_target, d_order_key, d_awaits, d_wait, d_is_awaited, d_expiry, d_chains);
  END IF;
  now := coalesce(at, relay.now_ms());
  IF cardinality(l_name) = 0 THEN
    RETURN;
  END IF;

  IF cardinality(r_event) > 0 THEN
    IF flags & 1 <> 0 THEN
      -- Whoever has a delivery await one of these holds the event as well.
      PERFORM 1 FROM (
        SELECT DISTINCT r.event FROM unnest(r_event, r_flags) r(event, flags) WHERE r.flags & 1 <> 0 ORDER BY r.event
      ) r, LATERAL (SELECT 1 FROM relay.events e WHERE e.seq = r.event FOR NO KEY UPDATE) e;
    END IF;

    IF flags & 16 <> 0 THEN
      PERFORM relay.lock_chains(r_event, r_number);
    END IF;

    -- Each delivery as it is now, which nobody changes until the end of this transaction.
    SELECT array_agg(d.tid),
      array_agg(CASE WHEN d.tid IS NULL THEN 'g' WHEN r.flags & 25 <> 0 THEN '?' WHEN owned[r.lane] AND d.is_same THEN 'r'
        ELSE 'h' END),
      count(*) FILTER (WHERE d.tid IS NOT NULL AND r.flags & 25 = 0)
    INTO tids, fate, usual
    FROM unnest(r_event, r_number, r_revision, r_lane, r_flags) r(event, number, revision, lane, flags)
      LEFT JOIN LATERAL (
        SELECT d.ctid AS tid, d.state = 'pending' AND d.revision = r.revision AS is_same FROM relay.deliveries d
        WHERE d.event = r.event AND d.number = r.number FOR NO KEY UPDATE
      ) d ON true;

    INSERT INTO relay.attempts
      (event, number, attempt, epoch, started_at, duration_ms, outcome, reason, detail, status, answer)
    SELECT r.event, r.number, r.attempt, l_epoch[r.lane], r.started_at, r.duration, r.outcome, r.reason, r.detail,
      r.status, r.answer
    FROM unnest(r_event, r_number, r_attempt, r_lane, r_started_at, r_duration, r_outcome, r_reason, r_detail, r_status,
        r_answer, fate)
      r(event, number, attempt, lane, started_at, duration, outcome, reason, detail, status, answer, fate)
    WHERE r.fate IN ('r', 'h')
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS inserted = ROW_COUNT;
    IF inserted < usual THEN
      -- Some are known, or another owner made an attempt of their number. Those of this transaction are not.
      SELECT array_agg(CASE WHEN r.fate IN ('r', 'h') AND a.is_own IS NULL THEN '?' ELSE r.fate END) INTO fate
      FROM unnest(r_event, r_number, r_attempt, fate) r(event, number, attempt, fate)
        LEFT JOIN LATERAL (
          SELECT true AS is_own FROM relay.attempts a WHERE a.event = r.event AND a.number = r.number
            AND a.attempt = r.attempt AND a.xmin = pg_current_xact_id()::xid LIMIT 1
        ) a ON true;
    END IF;

    -- Attempts of the history that changed nothing are none of the present set.
    UPDATE relay.deliveries d SET state = r.state, attempts = r.attempt,
      first_attempt = d.first_attempt + r.attempt - d.attempts - 1, due_at = r.due_at,
      due_set_at = CASE WHEN r.due_at IS NOT NULL THEN r.started_at + r.duration END, reason = r.reason, awaits = NULL
    FROM unnest(tids, fate, r_state, r_attempt, r_due_at, r_started_at, r_duration, r_reason)
      r(tid, fate, state, attempt, due_at, started_at, duration, reason)
    WHERE d.ctid = r.tid AND r.fate = 'r';

    IF flags & 25 <> 0 OR inserted < usual THEN
      SELECT array_agg(r.i::int ORDER BY r.place) INTO others
      FROM unnest(fate, r_place) WITH ORDINALITY r(fate, place, i) WHERE r.fate = '?';
      SELECT * INTO fate, released, outdated FROM relay.record_others(now, others, fate, owned, l_epoch, r_lane, r_event, r_number,
        r_revision, r_attempt, r_started_at, r_duration, r_outcome, r_state, r_due_at, r_reason, r_detail, r_status,
        r_answer, r_flags, r_failure, r_fetched);
    END IF;
    fates := array_to_string(fate, '');

    IF flags & 2 <> 0 THEN
      DELETE FROM relay.underway u USING unnest(r_event, r_number, r_flags, fate) r(event, number, flags, fate)
      WHERE u.event = r.event AND u.number = r.number AND r.flags & 2 <> 0 AND r.fate <> 'k';
    END IF;
    IF cardinality(array_remove(r_order_key, NULL)) > 0 THEN
      SELECT * INTO head_event, head_number
      FROM relay.heads_after(l_name, r_lane, r_order_key, r_state, r_started_at, r_duration, fate);
    END IF;
  END IF;

  PERFORM relay.describe_lanes(now, owned, l_name, l_open_until, l_throttled_until, l_kept, r_place, r_lane, r_started_at,
    r_duration, r_bucket, r_outcome, r_state, r_reason, r_flags, fate);
  IF outdated IS NOT NULL THEN
    PERFORM relay.raise_changes(); -- the owners of these lanes may have read what was skipped
  END IF;
END
$$;
