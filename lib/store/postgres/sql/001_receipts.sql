-- Receipts: what vendors tell of messages that they had taken.

-- How good a receipt is: a later one is never lowered by an earlier one.
CREATE FUNCTION relay.receipt_rank(status text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_position('{accepted,sent,failed,delivered,read}'::text[], status)
$$;

-- Whether a message is its delivery's last one, as far as is known.
CREATE FUNCTION relay.is_last_message(of_path text, of_message text, of_event bigint, of_number integer)
RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT NOT EXISTS (SELECT 1 FROM relay.receipts o WHERE o.event = of_event AND o.number = of_number
    AND o.status = 'accepted' AND NOT (o.path = of_path AND o.message = of_message)
    AND o.at > coalesce((SELECT a.at FROM relay.receipts a
      WHERE a.path = of_path AND a.message = of_message AND a.status = 'accepted'), 0))
$$;

-- Says so of a delivery, if that is better than what is known of it.
CREATE FUNCTION relay.improve_receipt(of_path text, of_message text, of_event bigint, of_number integer, to_status text)
RETURNS void LANGUAGE sql AS $$
  UPDATE relay.deliveries d SET receipt = to_status WHERE d.event = of_event AND d.number = of_number
    AND (d.receipt IS NULL OR relay.receipt_rank(to_status) > relay.receipt_rank(d.receipt))
    AND (to_status <> 'failed' OR relay.is_last_message(of_path, of_message, of_event, of_number))
$$;

-- Locks these deliveries and their chains, in the order in which everybody locks them; their receipts come after.
CREATE FUNCTION relay.lock_for_receipts(in_events bigint[], in_numbers integer[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM relay.lock_lanes(relay.chain_lanes(in_events, in_numbers));
  PERFORM relay.lock_chains(in_events, in_numbers);
END $$;

-- Draws the consequences for the chains of these deliveries, which are locked. Gives whether there were any.
CREATE FUNCTION relay.settle_chains_of(in_events bigint[], in_numbers integer[], now bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  chain record;
  settled record;
  is_any boolean := false;
BEGIN
  FOR chain IN
    SELECT DISTINCT d.event, d.chain FROM unnest(in_events, in_numbers) r(event, number)
      CROSS JOIN LATERAL (
        SELECT d.event, d.chain FROM relay.deliveries d WHERE d.event = r.event AND d.number = r.number LIMIT 1
      ) d
    WHERE d.chain IS NOT NULL ORDER BY 1, 2
  LOOP
    SELECT * INTO settled FROM relay.settle_chain(chain.event, chain.chain, now);
    is_any := is_any OR settled.released IS NOT NULL OR settled.outdated IS NOT NULL;
  END LOOP;
  RETURN is_any;
END $$;

-- Keeps which message a vendor took for a delivery. Receipts of it may have come in before.
CREATE FUNCTION relay.receipt_accepted(moment bigint, of_event bigint, of_number integer, of_path text, of_message text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  now CONSTANT bigint := coalesce(moment, relay.now_ms());
  status text;
BEGIN
  PERFORM relay.refuse_moved();
  PERFORM relay.lock_for_receipts(ARRAY[of_event], ARRAY[of_number]);
  INSERT INTO relay.receipts (path, message, status, at, heard_at, event, number)
  VALUES (of_path, of_message, 'accepted', now, now, of_event, of_number) ON CONFLICT DO NOTHING;
  -- A message that failed says nothing of the next one.
  UPDATE relay.deliveries d SET receipt = 'accepted'
  WHERE d.event = of_event AND d.number = of_number AND d.receipt = 'failed' AND NOT EXISTS (
    SELECT 1 FROM relay.receipts r WHERE r.path = of_path AND r.message = of_message AND r.status = 'failed');
  PERFORM relay.improve_receipt(of_path, of_message, of_event, of_number, 'accepted');
  -- A failure that the vendor told of with the delivery's id may have been taken for that of an earlier message.
  UPDATE relay.receipts r SET event = of_event, number = of_number, is_fresh = true
  WHERE r.path = of_path AND r.message = of_message AND (r.event IS NULL OR r.status = 'failed');
  IF NOT FOUND THEN
    RETURN;
  END IF;
  FOR status IN SELECT r.status FROM relay.receipts r
    WHERE r.path = of_path AND r.message = of_message AND r.status <> 'accepted' LOOP
    PERFORM relay.improve_receipt(of_path, of_message, of_event, of_number, status);
  END LOOP;
  PERFORM relay.settle_chains_of(ARRAY[of_event], ARRAY[of_number], now);
  PERFORM relay.raise_changes();
END $$;

-- Keeps what a vendor told. r_first to r_last: the range of the event's id, and r_number: the delivery, where the vendor
-- gives them back. Gives how much of it is new.
CREATE FUNCTION relay.hear_receipts(moment bigint, kept_ms bigint, of_path text, of_targets text[], r_message text[], r_status text[],
  r_at bigint[], r_failure text[], r_first uuid[], r_last uuid[], r_number integer[], OUT fresh integer)
LANGUAGE plpgsql AS $$
DECLARE
  now CONSTANT bigint := coalesce(moment, relay.now_ms());
  i integer;
  f_event bigint[];
  f_number integer[];
BEGIN
  PERFORM relay.refuse_moved();
  -- The delivery of each: as it was accepted, or as the vendor says, if that is of one of the targets.
  SELECT array_agg(coalesce(k.event, d.event) ORDER BY r.i), array_agg(coalesce(k.number, d.number) ORDER BY r.i)
  INTO f_event, f_number
  FROM unnest(r_message, r_first, r_last, r_number) WITH ORDINALITY r(message, first, last, number, i)
    LEFT JOIN LATERAL (SELECT k.event, k.number FROM relay.receipts k
      WHERE k.path = of_path AND k.message = r.message AND k.event IS NOT NULL LIMIT 1) k ON true
    LEFT JOIN LATERAL (SELECT d.event, d.number FROM relay.events e
        JOIN relay.deliveries d ON d.event = e.seq AND d.number = r.number
      WHERE k.event IS NULL AND e.id BETWEEN r.first AND r.last
        AND regexp_replace(d.target, '/[^/]*$', '') = ANY (of_targets) LIMIT 1) d ON true;
  PERFORM relay.lock_for_receipts(f_event, f_number);
  fresh := 0;
  FOR i IN 1..cardinality(r_message) LOOP
    INSERT INTO relay.receipts (path, message, status, at, heard_at, event, number, failure, is_fresh)
    VALUES (of_path, r_message[i], r_status[i], r_at[i], now, f_event[i], f_number[i], r_failure[i], true)
    ON CONFLICT DO NOTHING;
    CONTINUE WHEN NOT FOUND;
    fresh := fresh + 1;
    IF f_event[i] IS NOT NULL THEN
      PERFORM relay.improve_receipt(of_path, r_message[i], f_event[i], f_number[i], r_status[i]);
    END IF;
  END LOOP;
  PERFORM relay.settle_chains_of(f_event, f_number, now);
  DELETE FROM relay.receipts r WHERE r.event IS NULL AND r.heard_at < now - kept_ms;
  IF fresh > 0 THEN
    PERFORM relay.raise_changes();
  END IF;
END $$;

-- Applies receipts in a lane. c_state: how the delivery changes; NULL where it does not. One whose delivery was changed since
-- it was read stays to be applied.
CREATE FUNCTION relay.apply_receipts(moment bigint, lane text, lane_epoch bigint, lane_token text, c_path text[],
  c_message text[], c_status text[], c_event bigint[], c_number integer[], c_revision integer[], c_state text[],
  c_reason text[], c_due_at bigint[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  now CONSTANT bigint := coalesce(moment, relay.now_ms());
  i integer;
BEGIN
  PERFORM relay.refuse_moved();
  PERFORM relay.lock_lanes(lane || relay.chain_lanes(c_event, c_number));
  PERFORM 1 FROM relay.lanes l WHERE l.name = lane AND l.epoch = lane_epoch AND l.token = lane_token;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM relay.lock_chains(c_event, c_number);
  FOR i IN 1..cardinality(c_path) LOOP
    IF c_state[i] IS NULL THEN
      PERFORM 1 FROM relay.deliveries d
      WHERE d.event = c_event[i] AND d.number = c_number[i] AND d.revision = c_revision[i] FOR NO KEY UPDATE;
    ELSE
      UPDATE relay.deliveries d SET state = c_state[i], reason = c_reason[i], due_at = c_due_at[i],
        due_set_at = CASE WHEN c_due_at[i] IS NOT NULL THEN now END, awaits = NULL, revision = d.revision + 1
      WHERE d.event = c_event[i] AND d.number = c_number[i] AND d.target = lane AND d.revision = c_revision[i];
    END IF;
    CONTINUE WHEN NOT FOUND;
    UPDATE relay.receipts r SET is_fresh = false
    WHERE r.path = c_path[i] AND r.message = c_message[i] AND r.status = c_status[i];
  END LOOP;
  IF relay.settle_chains_of(c_event, c_number, now) THEN
    PERFORM relay.raise_changes();
  END IF;
END $$;
