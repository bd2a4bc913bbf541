-- Where a time lies among the stored events. Sequences and times rise together only from one step of the clock to the next,
-- so it is looked for between each two of them.

-- The first place from `low` on, and before `high`, behind which events were received at or after a time; NULL without one.
CREATE FUNCTION relay.first_since(moment bigint, low bigint, high bigint) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
DECLARE
  bottom bigint := low;
  top bigint := high;
  middle bigint;
  found_seq bigint;
  found_at bigint;
BEGIN
  WHILE bottom < top LOOP
    middle := (bottom + top) / 2;
    SELECT seq, received_at INTO found_seq, found_at FROM relay.events WHERE seq >= middle ORDER BY seq LIMIT 1;
    IF found_seq IS NULL OR found_seq >= high OR found_at >= moment THEN
      top := middle;
    ELSE
      bottom := found_seq + 1;
    END IF;
  END LOOP;
  RETURN CASE WHEN top < high THEN top END;
END $$;

-- The parts of the order of acceptance in which times rise: each from `low` on, and before `high`.
CREATE FUNCTION relay.rising(OUT low bigint, OUT high bigint) RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT s.seq, coalesce(lead(s.seq) OVER (ORDER BY s.seq), (SELECT coalesce(max(e.seq), 0) + 1 FROM relay.events e))
  FROM (SELECT coalesce((SELECT min(o.seq) FROM relay.events o), 1) AS seq UNION ALL SELECT c.seq FROM relay.clock_steps c) s ORDER BY s.seq
$$;

-- Events that were received since a time: those from `first` on; of these, where `since` is given, the ones as late as it.
CREATE FUNCTION relay.range_since(moment bigint, OUT first bigint, OUT since bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  part record;
BEGIN
  first := 1;
  IF moment IS NULL THEN
    RETURN;
  END IF;
  FOR part IN SELECT r.low, r.high, row_number() OVER (ORDER BY r.low DESC) = 1 AS is_last FROM relay.rising() r ORDER BY r.low
  LOOP
    first := relay.first_since(moment, part.low, part.high);
    IF first IS NOT NULL THEN
      since := CASE WHEN NOT part.is_last THEN moment END;
      RETURN;
    END IF;
    first := part.high;
  END LOOP;
END $$;

-- How many events were received in each hour. Holes in the order count as events.
CREATE FUNCTION relay.received_by_hour(since bigint, until bigint, OUT at bigint, OUT count bigint) RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  hour CONSTANT bigint := 3600000;
  late CONSTANT bigint := 60000; -- by so much an event may be older than the one before it
  oldest bigint;
  places bigint[];
  next_places bigint[];
  tops bigint[];
BEGIN
  SELECT array_agg(r.high ORDER BY r.low), min(e.received_at) INTO tops, oldest
  FROM relay.rising() r
    LEFT JOIN LATERAL (SELECT v.received_at FROM relay.events v WHERE v.seq >= r.low ORDER BY v.seq LIMIT 1) e ON true;
  IF oldest IS NULL THEN
    RETURN;
  END IF;
  at := greatest(since, oldest - late);
  at := at - at % hour;
  SELECT array_agg(coalesce(relay.first_since(at, r.low, r.high), r.high) ORDER BY r.low) INTO places FROM relay.rising() r;
  WHILE at <= until LOOP
    SELECT array_agg(coalesce(relay.first_since(at + hour, p.place, p.top), p.top) ORDER BY p.number)
    INTO next_places FROM unnest(places, tops) WITH ORDINALITY p(place, top, number);
    SELECT sum(p.next - p.place) INTO count FROM unnest(places, next_places) p(place, next);
    IF count > 0 THEN
      RETURN NEXT;
    END IF;
    places := next_places;
    at := at + hour;
  END LOOP;
END $$;
