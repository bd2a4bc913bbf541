/** The PostgreSQL server of relays that are measured: it keeps what it has committed, on the disk that is measured. */

import { mkdirSync } from "node:fs";
import { systemClock } from "../../../lib/clock.ts";
import { openPostgres } from "../../../lib/store/postgres/mod.ts";
import { type Postgres, startPostgres } from "../../helpers/postgres.ts";
import { childrenOf, cpuSeconds } from "../cpu.ts";
import { pin, workFolder } from "../machine.ts";
import { running } from "../processes.ts";

/**
 * What an administrator would set for it: memory, and checkpoints by time alone. All else is the server's default, so that
 * a commit is on the disk when it is answered, which is said once more, since tests set it otherwise.
 */
const settings = {
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  shared_buffers: "1GB",
  max_wal_size: "8GB",
};

/** In words. */
export const settingsLine = "PostgreSQL as it comes (fsync, synchronous_commit, full_page_writes on), " +
  `but shared_buffers ${settings.shared_buffers} and max_wal_size ${settings.max_wal_size}`;

/** Relays have a database of their own, whose statistics nobody else's queries are in. */
const DATABASE = "relay";

/** What a server has done since it was started. */
export interface Usage {
  /** CPU of all its processes, in seconds; `undefined` where there is no Linux to ask. */
  cpu: number | undefined;
  /** What it has written ahead, in bytes. */
  walBytes: number;
  /** Transactions of relays: each query of theirs is one. */
  transactions: number;
}

/** A schema of its own for one store. */
export interface Schema {
  name: string;
  /** As a config names it. */
  url: string;
  query<Row extends Record<string, unknown>>(sql: string): Promise<Row[]>;
  drop(): Promise<void>;
}

export interface MeasuredDatabase {
  usage(): Promise<Usage>;
  /** Makes a schema and, as a relay does, its tables. */
  makeSchema(): Promise<Schema>;
  /** Writes to the data files what is only in the log, so that no measurement pays for what was before it. */
  checkpoint(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a server, on whichever core is free. @throws {Error} if none can be had on this machine. */
export async function startDatabase(): Promise<MeasuredDatabase> {
  mkdirSync(workFolder, { recursive: true });
  const postgres = await startPostgres({ folder: workFolder, settings });
  for (const pid of [postgres.pid, ...childrenOf(postgres.pid)]) pin(pid, "any");
  const one = {
    async stop() {
      running.delete(one);
      await postgres.close();
    },
  };
  running.add(one); // its guard would not find it once the run's folder is gone
  await postgres.query(`CREATE DATABASE ${DATABASE}`);
  let schemas = 0;
  return {
    usage: () => usageOf(postgres),
    makeSchema: () => makeSchema(postgres, `store_${++schemas}`),
    checkpoint: async () => void await postgres.query("CHECKPOINT"),
    close: one.stop,
  };
}

async function usageOf(postgres: Postgres): Promise<Usage> {
  const [row] = await postgres.query<{ wal: string; transactions: string }>(
    `SELECT pg_current_wal_insert_lsn() - '0/0' AS wal, xact_commit + xact_rollback AS transactions
      FROM pg_stat_database WHERE datname = $1`,
    [DATABASE],
  );
  return {
    cpu: cpuSeconds([postgres.pid]),
    walBytes: Number(row!.wal),
    transactions: Number(row!.transactions),
  };
}

async function makeSchema(postgres: Postgres, name: string): Promise<Schema> {
  const url = postgres.url({ database: DATABASE, schema: name });
  const store = openPostgres(url, systemClock);
  await store.serve();
  await store.close();
  return {
    name,
    url,
    query: (sql) => postgres.query(sql, [], DATABASE),
    drop: async () => void await postgres.query(`DROP SCHEMA ${name} CASCADE`, [], DATABASE),
  };
}
