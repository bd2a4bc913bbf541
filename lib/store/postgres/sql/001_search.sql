-- What a list shows of an event's body, which may be large, or be no JSON at all.

-- JSON whose escapes are all characters: a NUL and half a surrogate pair are none.
CREATE FUNCTION relay.mended(doc text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT regexp_replace(regexp_replace(regexp_replace(doc,
      '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g'),
      '(?<!\\)((?:\\\\)*)\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])', '\1\\ufffd', 'g'),
      '(?<!\\)(?<!\\u[dD][89abAB][0-9a-fA-F]{2})((?:\\\\)*)\\u[dD][c-fC-F][0-9a-fA-F]{2}', '\1\\ufffd', 'g')
$$;

-- A value of JSON as a text: as SQLite has it, so that a list is the same wherever the store is.
CREATE FUNCTION relay.text_of(value json) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE json_typeof(value)
    WHEN 'null' THEN NULL
    WHEN 'string' THEN value #>> '{}'
    WHEN 'boolean' THEN (value::text = 'true')::integer::text
    WHEN 'number' THEN
      CASE WHEN value::text ~ '^-?\d+$' THEN value::text
      ELSE regexp_replace(value::text::double precision::text, '^-?\d+$', '\&.0') END
    ELSE regexp_replace(value::text, '("(?:[^"\\]|\\.)*")|\s+', '\1', 'g')
  END
$$;

-- The ids of a note that a body gives; none where it is no JSON.
CREATE FUNCTION relay.ids_in(body bytea, OUT note_id text, OUT external_id text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  doc text;
  data json;
BEGIN
  FOR tries IN 1..2 LOOP
    BEGIN
      doc := CASE tries WHEN 1 THEN convert_from(body, 'UTF8') ELSE relay.mended(doc) END;
      data := doc::json -> 'data';
      IF json_typeof(data) = 'object' THEN
        note_id := coalesce(relay.text_of(data -> 'note_id'), relay.text_of(data -> 'id'));
        external_id := relay.text_of(data -> 'external_id');
      END IF;
      RETURN;
    EXCEPTION WHEN data_exception OR statement_too_complex THEN
      note_id := NULL;
      external_id := NULL;
      EXIT WHEN doc IS NULL OR doc !~ '\\u(?:0000|[dD][89a-fA-F])';
    END;
  END LOOP;
END $$;

-- Deliveries of an event, as rows of JSON. One with an order key waits behind the key's first.
CREATE FUNCTION relay.deliveries_of(of_event bigint) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(json_agg(s ORDER BY s.number), '[]')::text FROM (
    SELECT d.event, d.number, d.target, d.state, d.attempts, d.due_at, d.due_set_at, d.reason, d.awaits, d.receipt,
      d.chain, d.step, c.step AS begun_step, c.within_ms, c.until,
      d.state = 'pending' AND d.order_key IS NOT NULL AND (
        SELECT (o.event, o.number) < (d.event, d.number) FROM relay.deliveries o
        WHERE o.target = d.target AND o.order_key = d.order_key AND o.state = 'pending'
        ORDER BY o.event, o.number LIMIT 1) AS is_behind
    FROM relay.deliveries d LEFT JOIN relay.chains c ON c.event = d.event AND c.chain = d.chain
    WHERE d.event = of_event) s
$$;

-- Events that have a delivery in a state whose deliveries an index holds, if these are few; NULL if not.
CREATE FUNCTION relay.few_in(in_state text, in_targets text[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
DECLARE
  few CONSTANT integer := 5000; -- events among more are soon met anyway
  events bigint[];
BEGIN
  IF in_state = 'pending' THEN
    events := ARRAY(SELECT event FROM relay.deliveries WHERE state = 'pending'
      AND (in_targets IS NULL OR target = ANY (in_targets)) AND NOT starts_with(target, 'relay::') LIMIT few + 1);
  ELSIF in_state = 'dead' THEN
    events := ARRAY(SELECT event FROM relay.deliveries WHERE state = 'dead'
      AND (in_targets IS NULL OR target = ANY (in_targets)) AND NOT starts_with(target, 'relay::') LIMIT few + 1);
  END IF;
  RETURN CASE WHEN cardinality(events) <= few THEN ARRAY(SELECT DISTINCT e FROM unnest(events) e) END;
END $$;

-- Looks for events that fit, the newest first or in the order of acceptance, from beyond a sequence on, for so long.
-- Gives them with their types and the sizes of their bodies, up to where it looked, and where there is no more.
CREATE FUNCTION relay.search(is_down boolean, moment bigint, beyond bigint, pattern text, part bytea, is_routed boolean,
  is_narrow boolean, in_targets text[], in_state text, most integer, budget_ms integer,
  OUT sequences bigint[], OUT types text[], OUT sizes integer[], OUT reached bigint, OUT edge bigint)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
  ends_at CONSTANT timestamptz := clock_timestamp() + budget_ms * interval '1 ms';
  size integer := greatest(least(most, 500), 20); -- events that are looked at between two looks at the clock
  began_at timestamptz := clock_timestamp();
  few CONSTANT bigint[] := relay.few_in(in_state, in_targets);
  bottom bigint;
  top bigint;
  from_time bigint;
  page bigint[];
  found record;
BEGIN
  SELECT r.first, r.since INTO bottom, from_time FROM relay.range_since(moment) r;
  SELECT coalesce(max(e.seq), 0) INTO top FROM relay.events e;
  edge := CASE WHEN is_down THEN bottom ELSE top END;
  reached := CASE WHEN is_down THEN least(beyond, top + 1) ELSE greatest(beyond, bottom - 1) END;
  sequences := '{}';
  types := '{}';
  sizes := '{}';
  LOOP
    IF few IS NOT NULL THEN
      page := ARRAY(SELECT s FROM unnest(few) s
        WHERE s BETWEEN bottom AND top AND CASE WHEN is_down THEN s < reached ELSE s > reached END
        ORDER BY CASE WHEN is_down THEN -s ELSE s END LIMIT size);
    ELSIF is_down THEN
      page := ARRAY(SELECT e.seq FROM relay.events e WHERE e.seq >= bottom AND e.seq < reached ORDER BY e.seq DESC LIMIT size);
    ELSE
      page := ARRAY(SELECT e.seq FROM relay.events e WHERE e.seq > reached AND e.seq <= top ORDER BY e.seq LIMIT size);
    END IF;
    SELECT array_agg(w.seq ORDER BY w.place) AS sequences, array_agg(w.type ORDER BY w.place) AS types,
      array_agg(w.size ORDER BY w.place) AS sizes INTO found
    FROM (SELECT p.place, e.seq, e.type, octet_length(e.body) AS size
      FROM unnest(page) WITH ORDINALITY p(seq, place) JOIN relay.events e ON e.seq = p.seq
      WHERE CASE
        WHEN e.received_at < from_time OR e.type NOT LIKE pattern THEN false
        WHEN is_routed <> EXISTS (SELECT 1 FROM relay.deliveries d
          WHERE d.event = e.seq AND NOT starts_with(d.target, 'relay::')) THEN false
        -- All deliveries of the event: an index of those in a state is not in the order of events.
        WHEN is_narrow AND (SELECT bool_or((in_targets IS NULL OR d.target = ANY (in_targets))
            AND (in_state IS NULL OR d.state = in_state)) FROM relay.deliveries d
          WHERE d.event = e.seq AND NOT starts_with(d.target, 'relay::')) IS NOT TRUE THEN false
        ELSE part IS NULL OR position(part IN e.body) > 0
      END
      ORDER BY p.place LIMIT most - cardinality(sequences)) w;
    sequences := sequences || found.sequences;
    types := types || found.types;
    sizes := sizes || found.sizes;
    IF cardinality(sequences) = most THEN
      reached := sequences[most];
      EXIT;
    END IF;
    IF cardinality(page) < size THEN
      reached := edge;
      EXIT;
    END IF;
    reached := page[size];
    EXIT WHEN clock_timestamp() >= ends_at;
    -- Bodies may be large.
    size := CASE WHEN clock_timestamp() - began_at < (ends_at - clock_timestamp()) / 8 THEN least(size * 2, 5000)
      ELSE greatest(size / 2, 10) END;
    began_at := clock_timestamp();
  END LOOP;
END $$;
