-- How relays know of each other. Locks are advisory ones of a session: (the schema's number, that of a member or lane).

CREATE FUNCTION relay.lock_space() RETURNS INTEGER LANGUAGE sql STABLE AS $$
  -- An advisory lock's two numbers have a sign, an object's has none.
  SELECT (n.oid::BIGINT - CASE WHEN n.oid::BIGINT >= 2147483648 THEN 4294967296 ELSE 0 END)::INTEGER
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = 'relay.members'::regclass
$$;

-- Where relays are told that an operator changed something.
CREATE FUNCTION relay.channel() RETURNS TEXT LANGUAGE sql STABLE AS $$ SELECT 'relay ' || relay.lock_space() $$;

-- The numbers of all members and lanes whose locks are held, and by which server process.
CREATE FUNCTION relay.locks() RETURNS TABLE (number INTEGER, pid INTEGER) LANGUAGE sql STABLE AS $$
  SELECT l.objid::BIGINT::INTEGER, l.pid FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
    AND l.classid = (SELECT c.relnamespace FROM pg_class c WHERE c.oid = 'relay.members'::regclass)
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
$$;

-- A relay that was there before a move began, and goes on, writes nothing.
CREATE FUNCTION relay.refuse_moved() RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM relay.moves) THEN
    RAISE EXCEPTION 'the store is being moved, or was' USING ERRCODE = '55000';
  END IF;
END
$$;

-- Makes the relay of this session a member: of the name that it had, or of the first that is free of NAME, NAME-2, ...
-- `before` is the token of the start before. A session of the same start that is still there goes before this one.
CREATE FUNCTION relay.join_members(base TEXT, had TEXT, own_token TEXT, own_knows INTEGER, old_pid INTEGER)
RETURNS TABLE (number INTEGER, name TEXT, before TEXT, pid INTEGER) LANGUAGE plpgsql AS $$
DECLARE
  one relay.members;
  candidate TEXT := coalesce(had, base);
  count INTEGER := 1;
BEGIN
  PERFORM relay.refuse_moved();
  LOOP
    IF NOT EXISTS (SELECT 1 FROM relay.members m WHERE m.name = candidate) THEN
      INSERT INTO relay.members (name) VALUES (candidate) ON CONFLICT DO NOTHING;
    END IF;
    SELECT * INTO one FROM relay.members m WHERE m.name = candidate;
    EXIT WHEN pg_try_advisory_lock(relay.lock_space(), one.number);
    IF one.token = own_token THEN
      -- Its session was lost on the way here, and the server does not know yet.
      PERFORM pg_terminate_backend(l.pid) FROM relay.locks() l WHERE l.number = one.number AND l.pid = old_pid;
      RAISE EXCEPTION 'its session before is still there' USING ERRCODE = '57P03';
    END IF;
    count := count + 1;
    candidate := base || '-' || count;
  END LOOP;
  -- Machines with names by chance leave a row each.
  DELETE FROM relay.members m WHERE m.heard_at < relay.now_ms() - 7 * 86400000::BIGINT AND m.number <> one.number
    AND NOT EXISTS (SELECT 1 FROM relay.locks() l WHERE l.number = m.number);
  EXECUTE format('LISTEN %I', relay.channel());
  UPDATE relay.members m SET token = own_token, knows = own_knows, is_leaving = false WHERE m.number = one.number;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'another relay took its row for an old one' USING ERRCODE = '57P03';
  END IF;
  RETURN QUERY SELECT one.number, one.name, one.token, pg_backend_pid();
END
$$;

-- Says a word in the session of a member, and gives a row for each member that is there, and one for each lane that it holds.
CREATE FUNCTION relay.meet(
  me TEXT, own_version TEXT, own_lanes TEXT[], leaving BOOLEAN, take TEXT[], release TEXT[]
)
RETURNS TABLE (
  kind TEXT, name TEXT, number INTEGER, version TEXT, lanes TEXT[], is_leaving BOOLEAN,
  epoch BIGINT, token TEXT, given_up BOOLEAN, pid INTEGER
) LANGUAGE plpgsql AS $$
DECLARE
  space INTEGER := relay.lock_space();
  numbers INTEGER[];
  pids INTEGER[];
BEGIN
  UPDATE relay.members m SET version = own_version, lanes = own_lanes, is_leaving = leaving
    WHERE m.name = me AND (m.version, m.lanes, m.is_leaving) IS DISTINCT FROM (own_version, own_lanes, leaving);
  INSERT INTO relay.lanes (name)
    SELECT t FROM unnest(take) t WHERE NOT EXISTS (SELECT 1 FROM relay.lanes l WHERE l.name = t)
    ORDER BY t ON CONFLICT DO NOTHING;
  PERFORM pg_advisory_unlock(space, l.number) FROM relay.lanes l WHERE l.name = ANY (release);
  SELECT array_agg(k.number), array_agg(k.pid) INTO numbers, pids FROM relay.locks() k;
  -- A session that takes a lock twice has to let go of it twice.
  PERFORM pg_try_advisory_lock(space, l.number) FROM relay.lanes l WHERE l.name = ANY (take)
    AND NOT EXISTS (SELECT 1 FROM unnest(numbers, pids) k(number, pid) WHERE k.number = l.number AND k.pid = pg_backend_pid());
  IF FOUND THEN
    SELECT array_agg(k.number), array_agg(k.pid) INTO numbers, pids FROM relay.locks() k;
  END IF;
  RETURN QUERY
    WITH locks AS MATERIALIZED (SELECT * FROM unnest(numbers, pids) k(number, pid))
    SELECT 'member', m.name, m.number, m.version, m.lanes, m.is_leaving,
        NULL::BIGINT, m.token, NULL::BOOLEAN, pg_backend_pid()
      FROM relay.members m JOIN locks USING (number)
    UNION ALL
    SELECT 'lane', l.name, l.number, NULL, NULL, NULL, l.epoch, l.token, l.given_up, pg_backend_pid()
      FROM relay.lanes l JOIN locks k USING (number) WHERE k.pid = pg_backend_pid();
END
$$;
