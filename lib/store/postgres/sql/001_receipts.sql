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

-- Keeps which message a vendor took for a delivery. Receipts of it may have come in before.
CREATE FUNCTION relay.receipt_accepted(moment bigint, of_event bigint, of_number integer, of_path text, of_message text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  now CONSTANT bigint := coalesce(moment, relay.now_ms());
  status text;
BEGIN
  PERFORM relay.refuse_moved();
  PERFORM 1 FROM relay.deliveries d WHERE d.event = of_event AND d.number = of_number FOR NO KEY UPDATE;
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
  -- Deliveries before their receipts, and in the order of whoever records attempts.
  PERFORM 1 FROM (SELECT DISTINCT f.event, f.number FROM unnest(f_event, f_number) f(event, number)
      WHERE f.event IS NOT NULL ORDER BY f.event, f.number) f,
    LATERAL (SELECT 1 FROM relay.deliveries d WHERE d.event = f.event AND d.number = f.number FOR NO KEY UPDATE) d;
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
  PERFORM 1 FROM relay.lanes l WHERE l.name = lane AND l.epoch = lane_epoch AND l.token = lane_token FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
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
END $$;
