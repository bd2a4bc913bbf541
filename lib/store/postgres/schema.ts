/** The schema of a PostgreSQL store: created by the first program, and upgraded by any that knows a newer version. */

import { StoreError } from "../../errors.ts";
import { cannot } from "../fault.ts";
import type { Connections, Transaction } from "./connections.ts";
import { sqlStateOf } from "./error.ts";
import { type Migration, migrations as own } from "./migrations.ts";
import { checkServer } from "./server.ts";
import { inSchema, quotedName } from "./sql_text.ts";
import { lockSql } from "./table_locks.ts";

/** The version that this program was made for. */
export const SCHEMA_VERSION = own.length;

/** How long a step of an upgrade may take, in milliseconds: it may create an index on a large table. */
const UPGRADE_MS = 600_000;

/** The advisory lock of a program that changes the schema of this name; the number is arbitrary. */
const LOCK = "SELECT pg_advisory_xact_lock(1919251577, hashtext($1))";

/** What is in a schema. */
interface Found {
  /** The schema exists. */
  is_there: boolean;
  /** It holds something that is not relay's. */
  is_other: boolean;
  has_meta: boolean;
}

const FIND = `SELECT n.oid IS NOT NULL AS is_there,
    to_regclass(format('%I.meta', $1::text)) IS NOT NULL AS has_meta,
    EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid)
      AND to_regclass(format('%I.meta', $1::text)) IS NULL AS is_other
  FROM (SELECT 1) one LEFT JOIN pg_namespace n ON n.nspname = $1::text`;

const VERSION = "SELECT version, needs FROM relay.meta WHERE id = 1";

/**
 * Creates or upgrades the schema. Programs that do so at the same time do it only once.
 * @param isMade Without it, a missing schema is an error.
 * @throws {StoreError} if the server cannot have a store, or the schema is another program's, is too new for this
 * program, or may not be created by the user. Also what the driver throws.
 */
export async function prepareSchema(
  connections: Connections,
  migrations: readonly Migration[] = own,
  isMade = true,
): Promise<void> {
  const { schema, masked, user } = connections.url;
  const version = await connections.transaction(async (transaction) => {
    await checkServer(transaction, connections.url);
    return await versionOf(transaction, connections, migrations);
  });
  if (version >= migrations.length) return;
  if (version === 0 && !isMade) {
    throw new StoreError(
      cannot(({ store }) => store.doingTo.read(masked), ({ store }) => store.none),
      ({ store }) => store.startServe,
    );
  }
  try {
    await connections.transaction(async (transaction) => {
      await transaction.query(LOCK, [schema]);
      // Another program may have come first.
      const found = await versionOf(transaction, connections, migrations);
      if (found < migrations.length) await upgrade(transaction, found, schema, migrations);
    }, UPGRADE_MS);
  } catch (error) {
    if (sqlStateOf(error) !== "42501") throw error;
    const what = version === 0 ? "cannotMake" : "cannotUpgrade";
    throw new StoreError(
      ({ store }) => store.schema[what](schema, masked, user),
      ({ store }) => store.schema.runSql,
    );
  }
}

/** The schema's version; 0 if there is none yet. */
export async function versionOf(
  { query }: Transaction,
  { url }: Connections,
  migrations: readonly Migration[] = own,
): Promise<number> {
  const [found] = await query<Found>(FIND, [url.schema]);
  if (found!.is_other) {
    throw new StoreError(
      cannot(({ store }) => store.doingTo.open(url.masked), ({ store }) => store.schema.other(url.schema)),
      ({ store }) => store.schema.nameOther,
    );
  }
  if (!found!.has_meta) return 0;
  const [meta] = await query<{ version: number; needs: number }>(VERSION);
  if (meta!.needs <= migrations.length) return meta!.version;
  throw new StoreError(
    cannot(
      ({ store }) => store.doingTo.open(url.masked),
      ({ store }) => store.schema.newer(meta!.version, meta!.needs, migrations.length),
    ),
    ({ store }) => store.installNewer,
  );
}

async function upgrade(
  { query, run }: Transaction,
  version: number,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  const [found] = await query<Found>(FIND, [schema]);
  // CREATE SCHEMA needs the right to create it even if the schema exists.
  if (!found!.is_there) await run(`CREATE SCHEMA ${quotedName(schema)}`);
  const steps = migrations.slice(version).flatMap(({ add }) => add);
  for (const sql of [lockSql(steps), ...steps]) await run(sql);
  await run(`UPDATE relay.meta SET version = ${migrations.length}`);
}

/**
 * The SQL that creates or upgrades a store's schema, as one transaction for an administrator to run.
 * @param user Who gets the rights that a relay needs; absent: nobody.
 * @param from The version that exists.
 */
export function schemaSql(schema: string, user?: string, from = 0): string {
  const name = quotedName(schema);
  const role = user === undefined ? "" : quotedName(user);
  const steps = own.slice(from).flatMap(({ add }) => add);
  const parts = [
    "BEGIN;",
    from === 0 ? `CREATE SCHEMA IF NOT EXISTS ${name};` : "",
    from === 0 ? "" : inSchema(lockSql(steps), name),
    ...steps.map((sql) => inSchema(sql, name).trim()),
    `UPDATE ${name}.meta SET version = ${own.length};`,
    role && `GRANT USAGE ON SCHEMA ${name} TO ${role};`,
    role && `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${name} TO ${role};`,
    role && `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${name} TO ${role};`,
    role && `GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${name} TO ${role};`,
    "COMMIT;",
  ];
  return parts.filter((part) => part !== "").join("\n\n") + "\n";
}

/** Whether a relay that knows less than a version is connected: its session holds the lock of its number. */
const IS_OLDER_THERE = `SELECT EXISTS (
    SELECT 1 FROM relay.members JOIN relay.locks() USING (number) WHERE knows < $1
  ) AS is_there`;

/**
 * Removes what older relays need, if none of them is connected. Returns whether it did. Older relays refuse the store
 * from then on.
 */
export async function removeOld(connections: Connections, migrations: readonly Migration[] = own): Promise<boolean> {
  const { schema } = connections.url;
  return await connections.transaction(async ({ query, run }) => {
    await query(LOCK, [schema]);
    const [meta] = await query<{ version: number; needs: number }>(VERSION);
    const known = migrations.slice(0, meta!.version);
    const needs = known.findLastIndex(({ remove }, index) => remove !== undefined && index + 1 > meta!.needs) + 1;
    if (needs === 0) return false;
    const [older] = await query<{ is_there: boolean }>(IS_OLDER_THERE, [needs]);
    if (older!.is_there) return false;
    const steps = known.slice(meta!.needs, needs).flatMap(({ remove = [] }) => remove);
    for (const sql of [lockSql(steps), ...steps]) await run(sql);
    await run(`UPDATE relay.meta SET needs = ${needs}`);
    return true;
  }, UPGRADE_MS);
}
