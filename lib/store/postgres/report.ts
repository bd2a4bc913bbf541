/** What a database is, and what about it would hinder a relay. It is only read, never changed. */

import type { Clock } from "../../clock.ts";
import { sayExplained } from "../../errors.ts";
import type { ConfigWarning, Warning } from "../../warnings.ts";
import { Connections, type Transaction } from "./connections.ts";
import { storeError } from "./error.ts";
import { SCHEMA_VERSION, versionOf } from "./schema.ts";
import { checkServer } from "./server.ts";
import type { PostgresUrl } from "./url.ts";

/** Connections that a relay and its verbs may have at a time. */
const CONNECTIONS = 10;

/** How far the server's clock may be from this machine's before people are warned, in milliseconds. */
const MAX_APART_MS = 2_000;

/** What is known about a database. */
export interface DatabaseReport {
  /** Such as `PostgreSQL 15.18`; absent if the server could not be asked. */
  server?: string;
  /** Version of the store's schema; 0 if there is none yet. */
  schema?: number;
  warnings: ConfigWarning["warning"][];
}

interface Facts {
  server: string;
  now: number;
  synchronous_commit: string;
  max_connections: number;
  free_connections: number;
  may_make: boolean;
  is_read_only: boolean;
}

const FACTS = `SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) AS server,
    floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('max_connections')::int AS max_connections,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'
          -- Of other users' sessions no more is to be seen.
          OR (backend_type IS NULL AND usesysid IS NOT NULL AND datid IS NOT NULL))::int AS free_connections,
    has_database_privilege(current_database(), 'CREATE') AS may_make,
    pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS is_read_only`;

/** The tables and sequences on which the user lacks a right that a relay needs. */
const FORBIDDEN = `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND CASE c.relkind
    WHEN 'r' THEN NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
      AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
    WHEN 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE')
  END ORDER BY 1`;

/**
 * Inspects the database of a store. It never rejects: what cannot be found out is a warning.
 * @param limitMs How long it may take.
 */
export async function reportOn(url: PostgresUrl, clock: Clock, limitMs: number): Promise<DatabaseReport> {
  const late = new AbortController();
  const report = await Promise.race([
    look(url, clock),
    clock.sleep(limitMs, late.signal).then((): DatabaseReport => ({
      warnings: [(words) => words.database.noAnswer(url.masked, limitMs / 1000)],
    })),
  ]);
  late.abort();
  return report;
}

async function look(url: PostgresUrl, clock: Clock): Promise<DatabaseReport> {
  const connections = new Connections(url);
  try {
    const warnings = await directWarnings(url);
    return await connections.transaction(async (transaction) => {
      await checkServer(transaction, url);
      const sentAt = clock.now();
      const [facts] = await transaction.query<Facts>(FACTS);
      const apartMs = Math.round(facts!.now - (sentAt + clock.now()) / 2);
      const schema = await versionOf(transaction, connections);
      warnings.push(...factWarnings(facts!, apartMs, schema, url), ...await rightWarnings(transaction, schema, url));
      return { server: facts!.server, schema, warnings };
    });
  } catch (error) {
    return { warnings: [problemOf(storeError("useStore", error, url))] };
  } finally {
    connections.end().catch(() => {});
  }
}

function factWarnings(facts: Facts, apartMs: number, schema: number, url: PostgresUrl): Warning[] {
  const { synchronous_commit: commit, max_connections: most, free_connections: free } = facts;
  return [
    ...(facts.is_read_only ? [(({ database }) => database.readOnly) satisfies Warning] : []),
    ...(schema < SCHEMA_VERSION && !facts.may_make && schema === 0
      ? [(({ database }) => database.noSchema(url.schema, url.user)) satisfies Warning]
      : []),
    ...(commit !== "on" && commit !== "remote_apply"
      ? [(({ database }) => database.asynchronous(commit)) satisfies Warning]
      : []),
    ...(Math.abs(apartMs) >= MAX_APART_MS
      ? [(({ database }) => database.clock(Math.round(apartMs / 1000))) satisfies Warning]
      : []),
    ...(free < CONNECTIONS
      ? [(({ database }) => database.connections(free, most, CONNECTIONS)) satisfies Warning]
      : []),
  ];
}

async function rightWarnings({ query }: Transaction, schema: number, url: PostgresUrl): Promise<Warning[]> {
  if (schema === 0) return [];
  const names = (await query<{ name: string }>(FORBIDDEN, [url.schema])).map(({ name }) => name);
  return names.length === 0 ? [] : [({ database }) => database.noRights(url.user, `${url.schema}.${names[0]}`)];
}

function problemOf(error: unknown): ConfigWarning["warning"] {
  const problem = sayExplained(error);
  return ({ database }, words) => database.problem(problem(words));
}

/** Warnings about the server itself, which a relay needs besides a pooler. */
async function directWarnings(url: PostgresUrl): Promise<ConfigWarning["warning"][]> {
  if (!url.direct) return [];
  const direct = new Connections({ ...url, hosts: [url.direct], direct: undefined });
  try {
    await direct.query("SELECT 1");
    return [];
  } catch (error) {
    return [problemOf(storeError("useDirect", error, url))];
  } finally {
    direct.end().catch(() => {});
  }
}
