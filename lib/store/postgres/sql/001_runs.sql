-- Keeps what a relay says of itself, and adds what it refused. A loss of power may undo it.
CREATE FUNCTION relay.say(member text, its_pid integer, its_version text, its_since bigint, its_heard_at bigint,
  its_stopped_at bigint, its_details text, sources text[], reasons text[], counts bigint[], last_times bigint[],
  forget_before bigint, forget_after bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE relay.members SET pid = its_pid, version = its_version, since = its_since, heard_at = its_heard_at,
    stopped_at = its_stopped_at, details = its_details WHERE name = member;
  IF NOT FOUND THEN
    INSERT INTO relay.members (name, pid, version, since, heard_at, stopped_at, details)
    VALUES (member, its_pid, its_version, its_since, its_heard_at, its_stopped_at, its_details)
    ON CONFLICT (name) DO UPDATE SET pid = excluded.pid, version = excluded.version, since = excluded.since,
      heard_at = excluded.heard_at, stopped_at = excluded.stopped_at, details = excluded.details;
  END IF;
  -- In one order, so that two relays never wait for each other.
  INSERT INTO relay.refusals AS r (minute, source, reason, count, last_at)
    SELECT u.at - u.at % 60000, u.source, u.reason, sum(u.count), max(u.at)
    FROM unnest(sources, reasons, counts, last_times) u(source, reason, count, at) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (minute, source, reason)
    DO UPDATE SET count = r.count + excluded.count, last_at = greatest(r.last_at, excluded.last_at);
  DELETE FROM relay.refusals WHERE minute < forget_before;
  DELETE FROM relay.refusals WHERE minute > forget_after; -- of a clock that was ahead
END $$;
