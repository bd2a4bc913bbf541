-- Reading what is due.

-- What is due in these lanes, in one look at all of them.
-- l_most: how many to look at of each, l_limit: how many of these to give. l_from: what was due before is left out; NULL:
-- nothing is. k_event, k_number: those that are known, which are left out. most_bytes: bodies of so many bytes end what is
-- read of a lane, with the one that makes it so many.
-- Gives a row for each lane, whose `number` is NULL, with what was seen, known or not, and when the next one is due; and
-- behind them a row for each delivery, in their order.
CREATE FUNCTION relay.due(
  at bigint, l_name text[], l_most int[], l_limit int[], l_from bigint[], k_event bigint[], k_number int[],
  most_bytes bigint
) RETURNS TABLE (
  now bigint, lane int, seen int, fresh int, next_at bigint, event bigint, number int, attempts int, first_attempt int,
  due_at bigint, order_key text, reason text, revision int, is_awaited boolean, expires_at bigint, is_waiting boolean,
  awaited text, failing_since bigint, head_event bigint, head_number int, id uuid, source text, type text, received_at bigint,
  headers text, body bytea, fetched_at bigint, data bytea, problem text, outcome text, due_set_at bigint, step int
) LANGUAGE plpgsql STABLE ROWS 100
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  moment bigint := coalesce(at, relay.now_ms());
  f_lane int[];
  f_event bigint[];
  f_number int[];
  f_is_fresh boolean[];
  l_seen int[];
  l_fresh int[];
BEGIN
  -- From the index alone, as most of these may be known.
  SELECT array_agg(a.i::int), array_agg(f.event), array_agg(f.number), array_agg(true)
  INTO f_lane, f_event, f_number, f_is_fresh
  FROM unnest(l_name, l_most, l_from) WITH ORDINALITY a(name, most, since, i), LATERAL (
    SELECT d.event, d.number FROM relay.deliveries d
    WHERE d.target = a.name AND d.state = 'pending' AND d.due_at <= moment AND d.due_at >= coalesce(a.since, 0)
    ORDER BY d.due_at, d.event, d.number LIMIT a.most
  ) f;
  IF f_event IS NOT NULL THEN
    IF cardinality(k_event) > 0 THEN
      SELECT array_agg((f.event, f.number) NOT IN (SELECT k.event, k.number FROM unnest(k_event, k_number) k(event, number)))
      INTO f_is_fresh FROM unnest(f_event, f_number) f(event, number);
    END IF;
    SELECT array_agg(coalesce(f.seen, 0) ORDER BY a.i), array_agg(coalesce(f.fresh, 0) ORDER BY a.i) INTO l_seen, l_fresh
    FROM unnest(l_name) WITH ORDINALITY a(name, i) LEFT JOIN (
      SELECT f.lane, count(*)::int AS seen, count(*) FILTER (WHERE f.is_fresh)::int AS fresh
      FROM unnest(f_lane, f_is_fresh) f(lane, is_fresh) GROUP BY f.lane
    ) f ON f.lane = a.i;
  END IF;

  now := moment;
  FOR one IN 1..cardinality(l_name) LOOP
    lane := one;
    seen := coalesce(l_seen[one], 0);
    fresh := coalesce(l_fresh[one], 0);
    next_at := NULL;
    SELECT d.due_at INTO next_at FROM relay.deliveries d
    WHERE d.target = l_name[one] AND d.state = 'pending' AND d.due_at > moment ORDER BY d.due_at LIMIT 1;
    RETURN NEXT;
  END LOOP;
  IF f_event IS NULL THEN
    RETURN;
  END IF;

  RETURN QUERY
  SELECT NULL::bigint, p.lane, NULL::int, NULL::int, NULL::bigint, p.event, p.number, d.attempts, d.first_attempt, d.due_at,
    d.order_key, d.reason, d.revision, d.is_awaited, d.expires_at, d.is_waiting, d.awaited, d.failing_since, h.event, h.number, e.id,
    e.source, e.type, e.received_at, e.headers, e.body, n.at, n.data, n.problem, n.outcome, d.due_set_at, d.step
  FROM (
      SELECT f.lane, f.event, f.number, f.place, sum(s.size) OVER (PARTITION BY f.lane ORDER BY f.place) - s.size AS before
      FROM (
        SELECT f.*, row_number() OVER (PARTITION BY f.lane ORDER BY f.place) AS fresh_place
        FROM unnest(f_lane, f_event, f_number, f_is_fresh) WITH ORDINALITY f(lane, event, number, is_fresh, place)
        WHERE f.is_fresh
      ) f, LATERAL (
        SELECT octet_length(e.body) + coalesce((SELECT octet_length(n.data) FROM relay.notes n WHERE n.event = e.seq), 0)
          AS size
        FROM relay.events e WHERE e.seq = f.event LIMIT 1
      ) s
      WHERE f.fresh_place <= l_limit[f.lane] ORDER BY f.place OFFSET 0
    ) p
    CROSS JOIN LATERAL (
      SELECT d.*,
        CASE WHEN d.chain IS NOT NULL THEN
          (SELECT d.step > c.step AND NOT c.is_settled FROM relay.chains c WHERE c.event = d.event AND c.chain = d.chain)
          END AS is_waiting,
        CASE WHEN d.awaits IS NOT NULL THEN
          (SELECT a.target FROM relay.deliveries a WHERE a.event = d.event AND a.number = d.awaits) END AS awaited,
        CASE WHEN d.attempts <> d.first_attempt THEN
          (SELECT a.started_at FROM relay.attempts a WHERE a.event = d.event AND a.number = d.number
            AND a.attempt > d.first_attempt ORDER BY a.attempt LIMIT 1) END AS failing_since
      FROM relay.deliveries d WHERE d.event = p.event AND d.number = p.number LIMIT 1
    ) d
    CROSS JOIN LATERAL (SELECT * FROM relay.events e WHERE e.seq = p.event LIMIT 1) e
    LEFT JOIN LATERAL (SELECT * FROM relay.notes n WHERE n.event = p.event LIMIT 1) n ON true
    LEFT JOIN LATERAL (
      SELECT h.event, h.number FROM relay.deliveries h
      WHERE h.target = d.target AND h.order_key = d.order_key AND h.state = 'pending' ORDER BY h.event, h.number LIMIT 1
    ) h ON true
  WHERE p.before < most_bytes;
END
$$;

-- The lanes in which deliveries wait: one step in the index for each, however many wait.
CREATE FUNCTION relay.waiting() RETURNS TABLE (name text) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  last text := '';
BEGIN
  LOOP
    SELECT d.target INTO name FROM relay.deliveries d WHERE d.state = 'pending' AND d.target > last
    ORDER BY d.target LIMIT 1;
    EXIT WHEN NOT FOUND;
    RETURN NEXT;
    last := name;
  END LOOP;
END
$$;
