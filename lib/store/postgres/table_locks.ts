/** Takes the table locks that a schema change needs, so that no running relay fails because of it. */

/** Tables in the order in which relays lock them; all others come after these. */
const FIRST = ["members", "lanes", "events", "deliveries"];

/** Statements that lock a table against writers, and the table's name. */
const CHANGES = /\bALTER TABLE (?:ONLY )?relay\.(\w+)|\bINDEX (?:\w+ )?ON relay\.(\w+)/g;

/** How long one try waits for all locks, in milliseconds: less than the second before the server detects deadlocks. */
const WAIT_MS = 500;

/** Between two tries there is a pause of at most half a second. */
const TRIES = 100;

/**
 * SQL that locks all tables that the steps change, before the first change. While it waits for one table and holds
 * another, a relay may hold and want them the other way round, and the server would end one of the two. So it waits for
 * less time than the server takes to see that, releases all locks, and tries again. Empty if no table is changed.
 */
export function lockSql(steps: readonly string[]): string {
  const changed = new Set(steps.flatMap((sql) => [...sql.matchAll(CHANGES)].map(([, one, other]) => (one ?? other)!)));
  if (changed.size === 0) return "";
  const names = [...FIRST.filter((name) => changed.has(name)), ...[...changed].filter((name) => !FIRST.includes(name))];
  const tables = names.map((name) => `to_regclass('relay.${name}')`).join(", ");
  return `DO $lock$
DECLARE
  usual TEXT := current_setting('lock_timeout');
  names TEXT := (
    SELECT string_agg(t::TEXT, ', ' ORDER BY i) FROM unnest(ARRAY[${tables}]) WITH ORDINALITY u(t, i) WHERE t IS NOT NULL
  );
BEGIN
  FOR try IN 1..${TRIES} LOOP
    EXIT WHEN names IS NULL; -- the steps make them
    BEGIN
      PERFORM set_config('lock_timeout', '${Math.floor(WAIT_MS / names.length)}', true);
      EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', names);
      PERFORM set_config('lock_timeout', usual, true);
      RETURN;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      IF try = ${TRIES} THEN
        RAISE;
      END IF;
      PERFORM pg_sleep(random() / 2);
    END;
  END LOOP;
END
$lock$;`;
}
