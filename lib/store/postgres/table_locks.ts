/** The locks of tables that a change of the schema needs, taken so that no relay at work has to give way to it. */

/** Tables in the order in which relays lock them; any others come behind. */
const FIRST = ["members", "lanes", "events", "deliveries"];

/** What locks a table against those that write to it, and its name. */
const CHANGES = /\bALTER TABLE (?:ONLY )?relay\.(\w+)|\bINDEX (?:\w+ )?ON relay\.(\w+)/g;

/** How long it waits for all of them in one try, in milliseconds: less than the second after which the server looks for deadlocks. */
const WAIT_MS = 500;

/** Between two tries there is a pause of at most half a second. */
const TRIES = 100;

/**
 * SQL that locks the tables that steps change, all of them before the first is changed. Whoever waits for one table and
 * holds another could be waited for by a relay that has them the other way round, and the server would end either. So it
 * waits for less long than the server takes to see that, lets go of all, and tries again. Empty if no table is changed.
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
