/** Which servers can have a store: PostgreSQL itself, and nothing else that speaks its protocol. */

import { StoreError } from "../../errors.ts";
import type { Phrase } from "../../locale/phrase.ts";
import { cannot } from "../fault.ts";
import type { Transaction } from "./connections.ts";
import { sqlStateOf } from "./error.ts";
import type { PostgresUrl } from "./url.ts";

/** The oldest PostgreSQL version that has everything that is used. */
const OLDEST = 14;

/** What other servers say in or beside their version text. */
const others =
  /cockroach|yugabyte|-yb-|redshift|greenplum|materialize|questdb|crate|risingwave|opengauss|gaussdb|cedar|ydb|dolt|spanner|vertica|immudb|duckdb|polardb|kingbase/i;

/** What a store needs and, of all these, only PostgreSQL has: session locks, and transactions identified by numbers. */
const needed = ["pg_try_advisory_lock", "pg_advisory_xact_lock", "pg_current_xact_id", "pg_snapshot_xmin", "hashtext"];

interface Server {
  text: string;
  number: number;
  encodings: string;
  isolation: string;
  functions: number;
  languages: number;
}

const ASK = `SELECT version() AS text, current_setting('server_version_num')::int AS number,
    current_setting('server_encoding') || ' ' || current_setting('client_encoding') AS encodings,
    current_setting('transaction_isolation') AS isolation,
    (SELECT count(DISTINCT proname) FROM pg_proc WHERE proname = ANY ($1::text[])
      AND pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'pg_catalog')) AS functions,
    (SELECT count(*) FROM pg_language WHERE lanname = 'plpgsql') AS languages`;

/** @throws {StoreError} if the server cannot have a store. Also what the driver throws. */
export async function checkServer({ query }: Transaction, url: PostgresUrl): Promise<void> {
  const server = await askServer(query);
  const refuse = (why: Phrase, hint: Phrase) =>
    new StoreError(cannot(({ store }) => store.doingTo.open(url.masked), why), hint);
  if (server === undefined) throw refuse(({ store }) => store.server.notPostgres, namePostgres);
  const { text, number, encodings, isolation, functions, languages } = server;
  const name = nameOf(text);
  if (others.test(text) || !/^PostgreSQL \d/.test(text)) {
    throw refuse(({ store }) => store.server.is(name), namePostgres);
  }
  if (Math.floor(number / 10_000) < OLDEST) {
    throw refuse(({ store }) => store.server.is(name), ({ store }) => store.server.upgrade(OLDEST));
  }
  if (functions < needed.length || languages < 1) throw refuse(({ store }) => store.server.isPart(name), namePostgres);
  if (encodings !== "UTF8 UTF8") {
    throw refuse(({ store }) => store.server.encodings(encodings), ({ store }) => store.server.createUtf8);
  }
  // What a function reads once it holds its locks must be what was committed by then.
  if (isolation !== "read committed") {
    const setting = "default_transaction_isolation";
    throw refuse(
      ({ store }) => store.server.setting(setting, isolation),
      () => `ALTER ROLE ${url.user} SET ${setting} = 'read committed'`,
    );
  }
}

const namePostgres: Phrase = ({ store }) => store.server.namePostgres(OLDEST);

/** `undefined` if the server cannot even answer the query. */
async function askServer(query: Transaction["query"]): Promise<Server | undefined> {
  try {
    return (await query<Server>(ASK, [needed]))[0];
  } catch (error) {
    if (/^(42|22|0A|XX)/.test(sqlStateOf(error) ?? "")) return undefined;
    throw error;
  }
}

/** The first words of a server's version text, which give its name and version. */
function nameOf(text: string): string {
  return text.split(/ on |,|\n/)[0]!.slice(0, 80);
}
