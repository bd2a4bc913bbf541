-- Accepting events. What the planner is told with each function: what these look up lies in indexes, however large or small
-- a table is just now; and a plan of a session's first calls is kept, whatever they were called with.

-- The server's clock, in Unix milliseconds.
CREATE FUNCTION relay.now_ms() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint;

-- Inserts events, each with an id of its own, and their deliveries. Gives their sequences in the order of the arguments,
-- and 0 for one that is there already.
-- at: the time, NULL for the server's. e_start, e_length: where in `bodies` an event's body is.
-- d_event: which of the events a delivery is of. d_wait: how long one waits that awaits another. d_expiry: when whatever
-- awaits this one goes without it. Both count from when the event is due, in milliseconds, NULL for ever. d_chains: JSON, as
-- relay.add_chains takes it, NULL without chains.
CREATE FUNCTION relay.accept(
  at bigint,
  e_id uuid[], e_source text[], e_type text[], e_received_at bigint[], e_secret_index int[], e_headers text[],
  e_problems text[], e_start int[], e_length int[], bodies bytea,
  d_event int[], d_number int[], d_target text[], d_order_key text[], d_awaits int[], d_wait bigint[],
  d_is_awaited boolean[], d_expiry bigint[], d_chains text
) RETURNS bigint[] LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET jit = off
AS $$
DECLARE
  seqs bigint[];
  due_at bigint[];
  new_count bigint;
  inserted bigint;
BEGIN
  -- A transaction has its number before it draws a sequence, so that whoever knows which numbers are still in use knows
  -- which sequences may still come.
  PERFORM pg_current_xact_id();
  SELECT array_agg(CASE WHEN e.is_there THEN 0 ELSE nextval('relay.events_seq') END),
    count(*) FILTER (WHERE e.is_there IS NULL),
    -- A clock that is a little ahead of the server's delays nothing.
    array_agg(CASE WHEN at IS NULL THEN least(a.received_at, relay.now_ms()) ELSE a.received_at END)
  INTO seqs, new_count, due_at
  FROM unnest(e_id, e_received_at) a(id, received_at)
    LEFT JOIN LATERAL (SELECT true AS is_there FROM relay.events e WHERE e.id = a.id LIMIT 1) e ON true;
  IF new_count = 0 THEN
    RETURN seqs;
  END IF;

  -- In the order of their ids: of two transactions with the same events, one waits for the other, and never both.
  INSERT INTO relay.events (seq, id, source, type, received_at, secret_index, headers, body, problems)
  SELECT seqs[a.i], a.id, e_source[a.i], e_type[a.i], e_received_at[a.i], e_secret_index[a.i], e_headers[a.i],
    substring(bodies FROM e_start[a.i] FOR e_length[a.i]), e_problems[a.i]
  FROM (
    SELECT one.id, one.i::int AS i FROM unnest(e_id, seqs) WITH ORDINALITY one(id, seq, i) WHERE one.seq <> 0
    ORDER BY one.id OFFSET 0
  ) a
  ON CONFLICT (id) DO NOTHING;
  GET DIAGNOSTICS inserted = ROW_COUNT;
  IF inserted < new_count THEN
    -- Another transaction came first with some of them.
    SELECT array_agg(coalesce(e.seq, 0)) INTO seqs FROM unnest(seqs) a(seq)
      LEFT JOIN LATERAL (SELECT e.seq FROM relay.events e WHERE e.seq = a.seq LIMIT 1) e ON true;
  END IF;

  INSERT INTO relay.deliveries
    (event, number, target, state, due_at, due_set_at, order_key, awaits, is_awaited, expires_at)
  SELECT seqs[d.event], d.number, d.target, 'pending',
    CASE WHEN d.awaits IS NULL THEN due_at[d.event] ELSE due_at[d.event] + d.wait END,
    CASE WHEN d.awaits IS NOT NULL THEN due_at[d.event] END,
    d.order_key, d.awaits, coalesce(d.is_awaited, false), due_at[d.event] + d.expiry
  FROM unnest(d_event, d_number, d_target, d_order_key, d_awaits, d_wait, d_is_awaited, d_expiry)
    d(event, number, target, order_key, awaits, wait, is_awaited, expiry)
  WHERE seqs[d.event] <> 0;
  IF d_chains IS NOT NULL THEN
    PERFORM relay.add_chains(seqs, NULL, due_at, d_chains);
  END IF;
  RETURN seqs;
END
$$;
