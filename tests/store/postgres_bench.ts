/** Stores in schemas of their own on a server that all tests of a process share. */

import { test } from "node:test";
import process from "node:process";
import type { Clock } from "../../lib/clock.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { inSchema } from "../../lib/store/postgres/sql_text.ts";
import { parsePostgresUrl } from "../../lib/store/postgres/url.ts";
import { newestPostgres, oldestPostgres } from "../helpers/postgres/programs.ts";
import { sharedPostgres } from "../helpers/postgres/shared.ts";
import type { StoreBench } from "./contract.ts";

/** Each runtime proves another version: the suite passes on the oldest and on the newest. */
const version = process.versions.bun ? oldestPostgres : newestPostgres;

/** An empty store whose clock this is. */
export async function makePostgresBench(time: Clock): Promise<StoreBench> {
  const server = await sharedPostgres(version);
  const url = server.url({ freshSchema: true });
  const open = () => openPostgres(url, systemClock, { time, member: "test" });
  return {
    store: open(),
    reopen: async () => open(),
    remove: async () => void await server.query(`DROP SCHEMA IF EXISTS "${parsePostgresUrl(url).schema}" CASCADE`),
  };
}

/** A new store whose clock is the server's, and what a test reaches its database by. */
export interface PostgresBench {
  store: Store;
  url: string;
  /** Runs SQL in a session of its own, in which the schema's name is `relay`. */
  sql: <Row extends Record<string, unknown>>(text: string) => Promise<Row[]>;
}

/** How often so far the server ended one of two transactions that waited for each other. */
export async function deadlocks(sql: PostgresBench["sql"]): Promise<number> {
  const [row] = await sql<{ count: string }>(
    "SELECT deadlocks AS count FROM pg_stat_database WHERE datname = current_database()",
  );
  return Number(row!.count);
}

/** Waits until all sessions but this one have ended, which is when they tell of their deadlocks at the latest. */
export async function sessionsEnded(sql: PostgresBench["sql"]): Promise<void> {
  for (;;) {
    const [row] = await sql<{ count: string }>(`SELECT count(*), pg_sleep(0.02) FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`);
    if (Number(row!.count) === 0) return;
  }
}

/** A test with a store of its own. */
export function testInPostgres(name: string, work: (bench: PostgresBench) => Promise<void>): void {
  test(name, async () => {
    const server = await sharedPostgres(version);
    const url = server.url({ freshSchema: true });
    const schema = `"${parsePostgresUrl(url).schema}"`;
    const sql: PostgresBench["sql"] = (text) => server.query(inSchema(text, schema));
    const store = openPostgres(url, systemClock, { member: "test" });
    try {
      await store.serve();
      await work({ store, url, sql });
    } finally {
      await store.close();
      await sql(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    }
  });
}
