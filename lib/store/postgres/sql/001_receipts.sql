-- Receipts: what vendors tell of messages that they had taken.

-- Keeps that a vendor took this message for these deliveries. Receipts of it may have come in before.
CREATE FUNCTION relay.receipt_accepted(moment bigint, of_path text, of_message text, of_events bigint[], of_numbers integer[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  now CONSTANT bigint := coalesce(moment, relay.now_ms());
BEGIN
  PERFORM relay.refuse_moved();
  PERFORM relay.lock_chains(of_events, of_numbers);
  INSERT INTO relay.messages AS m (message, path, event, number, at)
  SELECT of_message, of_path, r.event, r.number, now FROM unnest(of_events, of_numbers) r(event, number)
  ON CONFLICT (message, path, event, number) DO UPDATE SET at = coalesce(m.at, excluded.at);
  -- A message that failed says nothing of the next one.
  UPDATE relay.deliveries d SET receipt = 'accepted' FROM unnest(of_events, of_numbers) r(event, number)
  WHERE d.event = r.event AND d.number = r.number AND (d.receipt IS NULL OR d.receipt = 'failed');
END $$;

-- Keeps what a vendor told. r_event to r_number: the delivery, where the vendor gives its id back. Gives how much of it is
-- new.
CREATE FUNCTION relay.hear_receipts(moment bigint, kept_ms bigint, of_path text, r_message text[], r_status text[],
  r_at bigint[], r_failure text[], n_message text[], n_event bigint[], n_number integer[], OUT fresh integer)
LANGUAGE plpgsql AS $$
DECLARE
  now CONSTANT bigint := coalesce(moment, relay.now_ms());
  new_messages text[];
BEGIN
  PERFORM relay.refuse_moved();
  -- Sorted, so that two that tell the same never wait for each other.
  INSERT INTO relay.messages (message, path, event, number)
  SELECT n.message, of_path, n.event, n.number FROM unnest(n_message, n_event, n_number) n(message, event, number)
  ORDER BY 1, 3, 4 ON CONFLICT DO NOTHING;
  WITH kept AS (
    INSERT INTO relay.receipts (message, path, status, at, heard_at, failure)
    SELECT r.message, of_path, r.status, r.at, now, r.failure
    FROM unnest(r_message, r_status, r_at, r_failure) r(message, status, at, failure)
    ORDER BY 1, 3 ON CONFLICT DO NOTHING RETURNING message
  )
  SELECT count(*), array_agg(k.message) INTO fresh, new_messages FROM kept k;
  DELETE FROM relay.receipts r WHERE r.is_fresh AND r.heard_at < now - kept_ms
    AND NOT EXISTS (SELECT 1 FROM relay.messages m WHERE m.message = r.message AND m.path = r.path);
  IF EXISTS (SELECT 1 FROM relay.messages m WHERE m.message = ANY (new_messages) AND m.path = of_path) THEN
    PERFORM relay.raise_changes();
  END IF;
END $$;

-- Changes deliveries of a lane, and counts receipts as applied. c_shown: what is to be shown of a delivery, NULL leaves it;
-- c_state: how it changes, NULL where it does not. is_whole: all of it was done; if not, such as for a delivery that was
-- changed since it was read, the receipts stay to be applied.
CREATE FUNCTION relay.apply_receipts(moment bigint, lane text, lane_epoch bigint, lane_token text, c_event bigint[],
  c_number integer[], c_revision integer[], c_shown text[], c_state text[], c_reason text[], c_due_at bigint[],
  r_message text[], r_path text[], r_status text[], OUT is_whole boolean)
LANGUAGE plpgsql AS $$
DECLARE
  now CONSTANT bigint := coalesce(moment, relay.now_ms());
  done integer;
  chain record;
  settled record;
  is_any boolean := false;
BEGIN
  PERFORM relay.refuse_moved();
  PERFORM relay.lock_lanes(lane || relay.chain_lanes(c_event, c_number));
  is_whole := EXISTS (SELECT 1 FROM relay.lanes l WHERE l.name = lane AND l.epoch = lane_epoch AND l.token = lane_token);
  IF NOT is_whole THEN
    RETURN;
  END IF;
  PERFORM relay.lock_chains(c_event, c_number);
  UPDATE relay.deliveries d SET receipt = coalesce(c.shown, d.receipt), state = coalesce(c.state, d.state),
    reason = CASE WHEN c.state IS NULL THEN d.reason ELSE c.reason END,
    due_at = CASE WHEN c.state IS NULL THEN d.due_at ELSE c.due_at END,
    due_set_at = CASE WHEN c.state IS NULL THEN d.due_set_at WHEN c.due_at IS NOT NULL THEN coalesce((SELECT
      max(a.started_at + a.duration_ms) FROM relay.attempts a WHERE a.event = d.event AND a.number = d.number), now) END,
    awaits = CASE WHEN c.state IS NULL THEN d.awaits END,
    revision = d.revision + CASE WHEN c.state IS NULL THEN 0 ELSE 1 END
  FROM unnest(c_event, c_number, c_revision, c_shown, c_state, c_reason, c_due_at)
    c(event, number, revision, shown, state, reason, due_at)
  WHERE d.event = c.event AND d.number = c.number AND d.target = lane AND d.revision = c.revision;
  GET DIAGNOSTICS done = ROW_COUNT;
  is_whole := done = cardinality(c_event);
  IF is_whole THEN
    UPDATE relay.receipts r SET is_fresh = false
    FROM unnest(r_message, r_path, r_status) a(message, path, status)
    WHERE r.message = a.message AND r.path = a.path AND r.status = a.status;
  END IF;
  FOR chain IN
    SELECT * FROM relay.chains_of(c_event, c_number)
  LOOP
    SELECT * INTO settled FROM relay.settle_chain(chain.event, chain.chain, now);
    is_any := is_any OR settled.released IS NOT NULL OR settled.outdated IS NOT NULL;
  END LOOP;
  IF is_any THEN
    PERFORM relay.raise_changes();
  END IF;
END $$;
