-- Order keys: of the deliveries of a lane with the same key, only the first that is not done goes.

-- Takes the due time from what stands behind the heads of these keys, among the 2000 that have been due for longest. Says
-- whether there may be more.
CREATE FUNCTION relay.park(at bigint, l_name text, l_epoch bigint, l_token text, order_keys text[]) RETURNS boolean
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
  now bigint;
  seen int;
  events bigint[];
  numbers int[];
BEGIN
  IF NOT relay.holds_lane(l_name, l_epoch, l_token) THEN
    RETURN false;
  END IF;
  now := coalesce(at, relay.now_ms());
  WITH front AS MATERIALIZED (
    -- A step of a chain that waits for its time is not parked, as it would lose that.
    SELECT d.event, d.number, CASE WHEN d.chain IS NULL OR d.awaits IS NULL THEN d.order_key END AS order_key
    FROM relay.deliveries d
    WHERE d.target = l_name AND d.state = 'pending' AND d.due_at <= now ORDER BY d.due_at, d.event, d.number LIMIT 2000
  ), heads AS MATERIALIZED (
    SELECT k.order_key, h.event, h.number FROM unnest(order_keys) k(order_key), LATERAL (
      SELECT d.event, d.number FROM relay.deliveries d
      WHERE d.target = l_name AND d.order_key = k.order_key AND d.state = 'pending' ORDER BY d.event, d.number LIMIT 1
    ) h
  ), behind AS (
    SELECT f.event, f.number FROM front f
    -- As a test of truth it is no join, but a look at a hash table.
    WHERE (f.order_key IN (SELECT h.order_key FROM heads h)) IS TRUE
      AND (f.event, f.number) NOT IN (SELECT h.event, h.number FROM heads h)
    ORDER BY f.event, f.number
  )
  SELECT (SELECT count(*) FROM front), array_agg(b.event), array_agg(b.number) INTO seen, events, numbers FROM behind b;
  IF events IS NULL THEN
    RETURN false;
  END IF;
  WITH held AS MATERIALIZED (
    SELECT d.tid FROM unnest(events, numbers) b(event, number), LATERAL (
      SELECT d.ctid AS tid FROM relay.deliveries d
      WHERE d.event = b.event AND d.number = b.number AND d.state = 'pending' FOR NO KEY UPDATE
    ) d
  )
  UPDATE relay.deliveries d SET due_at = NULL, due_set_at = NULL, awaits = NULL FROM held WHERE d.ctid = held.tid;
  RETURN seen = 2000;
END
$$;

-- Makes parked deliveries due that are the heads of their order keys: of the next 2000 keys behind this one, or from the
-- first one on. Gives how many, and the last key that was looked at; nothing if there is no other.
CREATE FUNCTION relay.unpark(
  at bigint, l_name text, l_epoch bigint, l_token text, after text, OUT count int, OUT last text
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
  now bigint;
  key text := after;
  head record;
BEGIN
  count := 0;
  IF NOT relay.holds_lane(l_name, l_epoch, l_token) THEN
    RETURN;
  END IF;
  now := coalesce(at, relay.now_ms());
  FOR step IN 1..2000 LOOP
    SELECT d.order_key INTO key FROM relay.deliveries d
    WHERE d.target = l_name AND d.order_key > coalesce(key, '') AND d.order_key IS NOT NULL
      AND (d.state = 'pending' AND d.due_at IS NULL AND d.awaits IS NULL) IS TRUE
    ORDER BY d.order_key LIMIT 1;
    IF NOT FOUND THEN
      RETURN;
    END IF;
    SELECT d.event, d.number, d.due_at IS NULL AND d.awaits IS NULL AS is_parked INTO head FROM relay.deliveries d
    WHERE d.target = l_name AND d.order_key = key AND d.state = 'pending' ORDER BY d.event, d.number LIMIT 1;
    CONTINUE WHEN NOT head.is_parked;
    UPDATE relay.deliveries d SET due_at = now, due_set_at = NULL
    WHERE d.event = head.event AND d.number = head.number AND d.state = 'pending' AND d.due_at IS NULL
      AND d.awaits IS NULL;
    IF FOUND THEN
      count := count + 1;
    END IF;
  END LOOP;
  last := key;
END
$$;
