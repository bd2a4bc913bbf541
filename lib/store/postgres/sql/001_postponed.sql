-- Deliveries that wait because their target takes none at that time.

-- Puts deliveries off that were read in this state. Says whether the lane still has this owner.
CREATE FUNCTION relay.postpone(
  at bigint, l_name text, l_epoch bigint, l_token text, p_event bigint[], p_number int[], p_revision int[], p_due_at bigint[]
) RETURNS boolean LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
  now bigint;
BEGIN
  IF NOT relay.holds_lane(l_name, l_epoch, l_token) THEN
    RETURN false;
  END IF;
  now := coalesce(at, relay.now_ms());
  WITH held AS MATERIALIZED (
    SELECT d.tid, p.due_at FROM (
      SELECT p.* FROM unnest(p_event, p_number, p_revision, p_due_at) p(event, number, revision, due_at)
      ORDER BY p.event, p.number
    ) p, LATERAL (
      SELECT d.ctid AS tid FROM relay.deliveries d
      WHERE d.event = p.event AND d.number = p.number AND d.state = 'pending' AND d.revision = p.revision
      FOR NO KEY UPDATE
    ) d
  )
  UPDATE relay.deliveries d SET due_at = held.due_at, due_set_at = now FROM held WHERE d.ctid = held.tid;
  RETURN true;
END
$$;

-- Makes due what was postponed beyond `latest`: of the next 2000 of the lane that are due later, behind (c_due_at, c_event,
-- c_number). Gives how many, and behind which one to go on; nothing if that was the last one.
-- A retry is put off at the end of an attempt, and later than that only by relay.postpone; so is a first attempt, unless
-- it awaits another delivery.
CREATE FUNCTION relay.recall(
  at bigint, l_name text, l_epoch bigint, l_token text, latest bigint, c_due_at bigint, c_event bigint, c_number int,
  OUT count int, OUT due_at bigint, OUT event bigint, OUT number int
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  now bigint;
  seen int := 0;
  one record;
  events bigint[] := '{}';
  numbers int[] := '{}';
BEGIN
  count := 0;
  IF NOT relay.holds_lane(l_name, l_epoch, l_token) THEN
    RETURN;
  END IF;
  now := coalesce(at, relay.now_ms());
  FOR one IN
    SELECT d.event, d.number, d.due_at, d.due_set_at < d.due_at
        AND (d.attempts = d.first_attempt OR d.due_set_at > (SELECT max(a.started_at + a.duration_ms)
          FROM relay.attempts a WHERE a.event = d.event AND a.number = d.number))
        AND (d.awaits IS NULL OR EXISTS (SELECT 1 FROM relay.deliveries a WHERE a.event = d.event
          AND a.number = d.awaits AND starts_with(a.target, 'relay::') AND a.state <> 'pending')) AS is_postponed
    FROM relay.deliveries d
    WHERE d.target = l_name AND d.state = 'pending' AND d.due_at > latest
      AND (d.due_at, d.event, d.number) > (c_due_at, c_event, c_number)
    ORDER BY d.due_at, d.event, d.number LIMIT 2000
  LOOP
    seen := seen + 1;
    due_at := one.due_at;
    event := one.event;
    number := one.number;
    IF one.is_postponed THEN
      events := events || one.event;
      numbers := numbers || one.number;
    END IF;
  END LOOP;
  IF seen < 2000 THEN
    due_at := NULL;
    event := NULL;
    number := NULL;
  END IF;
  IF cardinality(events) > 0 THEN
    WITH held AS MATERIALIZED (
      SELECT d.tid FROM (SELECT a.* FROM unnest(events, numbers) a(event, number) ORDER BY a.event, a.number) a, LATERAL (
        SELECT d.ctid AS tid FROM relay.deliveries d
        WHERE d.event = a.event AND d.number = a.number AND d.state = 'pending' AND d.due_at > latest
        FOR NO KEY UPDATE
      ) d
    )
    UPDATE relay.deliveries d SET due_at = now, due_set_at = NULL FROM held WHERE d.ctid = held.tid;
    GET DIAGNOSTICS count = ROW_COUNT;
  END IF;
END
$$;
