-- What is under way in lanes, written down where a process may end over it.

-- Writes down what is about to begin; is_alone: which of them is tried alone.
CREATE FUNCTION relay.begin(
  l_name text, l_epoch bigint, l_token text, u_event bigint[], u_number int[], u_is_alone boolean[]
) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
BEGIN
  -- What a power cut may undo, as that is no unclean stop.
  PERFORM set_config('synchronous_commit', 'off', true);
  IF relay.holds_lane(l_name, l_epoch, l_token) THEN
    INSERT INTO relay.underway (event, number, is_alone)
    SELECT u.event, u.number, u.is_alone FROM unnest(u_event, u_number, u_is_alone) u(event, number, is_alone)
    ORDER BY u.event, u.number
    ON CONFLICT (event, number) DO UPDATE SET is_alone = excluded.is_alone;
  END IF;
END
$$;

CREATE FUNCTION relay.survived(l_name text, l_epoch bigint, l_token text, u_event bigint, u_number int) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off
AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  IF relay.holds_lane(l_name, l_epoch, l_token) THEN
    UPDATE relay.underway u SET is_alone = false, alone = 0, has_survived = true
    WHERE u.event = u_event AND u.number = u_number;
  END IF;
END
$$;

CREATE FUNCTION relay.forget_begun(l_name text, l_epoch bigint, l_token text, u_event bigint, u_number int) RETURNS void
LANGUAGE plpgsql SET enable_seqscan = off
AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  IF relay.holds_lane(l_name, l_epoch, l_token) THEN
    DELETE FROM relay.underway u WHERE u.event = u_event AND u.number = u_number;
  END IF;
END
$$;

-- Forgets what is under way and not pending any more.
CREATE FUNCTION relay.forget_done() RETURNS void LANGUAGE plpgsql
AS $$
BEGIN
  DELETE FROM relay.underway u USING (
    SELECT u.event, u.number FROM relay.underway u LEFT JOIN LATERAL (
      SELECT true AS is_pending FROM relay.deliveries d
      WHERE d.event = u.event AND d.number = u.number AND d.state = 'pending' LIMIT 1
    ) d ON true
    WHERE d.is_pending IS NULL
  ) g
  WHERE u.event = g.event AND u.number = g.number;
END
$$;

-- Counts one more crash for what was under way in these lanes, and gives that, lane by lane.
CREATE FUNCTION relay.count_crash(l_name text[])
RETURNS TABLE (event bigint, number int, lane text, crashes int, alone int, has_survived boolean) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  PERFORM relay.forget_done();
  RETURN QUERY
  WITH theirs AS MATERIALIZED (
    SELECT u.event, u.number, a.name, a.i FROM relay.underway u, LATERAL (
      SELECT d.target FROM relay.deliveries d WHERE d.event = u.event AND d.number = u.number LIMIT 1
    ) d, unnest(l_name) WITH ORDINALITY a(name, i)
    WHERE a.name = d.target
  ), counted AS (
    UPDATE relay.underway u SET crashes = u.crashes + CASE WHEN u.is_alone IS NULL THEN 0 ELSE 1 END,
      alone = CASE WHEN u.is_alone THEN u.alone + 1 ELSE 0 END, is_alone = NULL
    FROM theirs t WHERE u.event = t.event AND u.number = t.number
    RETURNING u.event, u.number, t.name, u.crashes, u.alone, u.has_survived, t.i
  )
  SELECT c.event, c.number, c.name, c.crashes, c.alone, c.has_survived FROM counted c ORDER BY c.i, c.event, c.number;
END
$$;

-- Forgets what was under way in these lanes.
CREATE FUNCTION relay.forget_underway(l_name text[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
BEGIN
  DELETE FROM relay.underway u USING (
    SELECT u.event, u.number FROM relay.underway u, LATERAL (
      SELECT d.target FROM relay.deliveries d WHERE d.event = u.event AND d.number = u.number LIMIT 1
    ) d
    WHERE d.target = ANY (l_name)
  ) g
  WHERE u.event = g.event AND u.number = g.number;
  PERFORM relay.forget_done();
END
$$;
