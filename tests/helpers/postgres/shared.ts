/** One PostgreSQL server for all tests of a process that need nothing of it but schemas of their own. */

import process from "node:process";
import { startPostgres } from "../postgres.ts";
import { type Database, databaseAt } from "./database.ts";
import { newestPostgres, type PostgresVersion } from "./programs.ts";

/** Where the process keeps each: every test file has modules of its own, but all have one environment. */
const placeOf = (version: PostgresVersion) => `RELAY_TESTS_POSTGRES_${version}`;

const shared = new Map<PostgresVersion, Promise<Database>>();

/** Starts it when it is first asked for; there is one of each version. It ends with the process. */
export function sharedPostgres(version = newestPostgres): Promise<Database> {
  const found = shared.get(version) ?? find(version);
  shared.set(version, found);
  return found;
}

async function find(version: PostgresVersion): Promise<Database> {
  const found = process.env[placeOf(version)];
  if (found !== undefined) return databaseAt(JSON.parse(found));
  const { port, password } = await startPostgres({ version });
  process.env[placeOf(version)] = JSON.stringify({ port, version, password });
  return databaseAt({ port, version, password });
}
