-- Whether the store can be written to, and how large it is.

-- Writes, and changes nothing. room: how many bytes the disk must have room for besides: so small a write works where a
-- larger one does not. Who may make no temporary table is not asked for room.
CREATE FUNCTION relay.probe(room bigint) RETURNS void LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE relay.meta SET version = version WHERE id = 1;
  IF room > 0 AND has_database_privilege(current_database(), 'TEMPORARY') THEN
    CREATE TEMPORARY TABLE relay_room (bytes bytea) ON COMMIT DROP;
    ALTER TABLE relay_room ALTER COLUMN bytes SET STORAGE EXTERNAL;
    INSERT INTO relay_room SELECT convert_to(repeat('x', 1048576), 'UTF8') FROM generate_series(1, room / 1048576 + 1);
  END IF;
END
$$;

-- Size of the schema's tables and indexes on the server's disk.
CREATE FUNCTION relay.bytes() RETURNS bigint LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c
  WHERE c.relkind = 'r' AND c.relnamespace = (SELECT m.relnamespace FROM pg_class m WHERE m.oid = 'relay.meta'::regclass);
END;
