/** The database of a cluster, and what a test does to it. */

import pg from "pg";
import { type Postgres, startPostgres } from "../../helpers/postgres.ts";
import { makeSmallDisk, type SmallDisk } from "./small_disk.ts";

export interface ClusterDatabase extends Pick<Postgres, "port" | "query" | "stop" | "start" | "close"> {
  /**
   * The URL of the relays' store.
   * @param port Default: the server's own; another is a proxy's.
   */
  url(port?: number): string;
  /** Where the relays' data is; `undefined` where a small disk cannot be made, and it is with all the rest. */
  disk: SmallDisk | undefined;
  /** Reads from the relays' database, as superuser. */
  read<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]>;
  /** Ends those of the sessions from these ports of this machine that hold locks of relays, or all. Says how many. */
  terminate(ports: readonly number[], which: "locks" | "all"): Promise<number>;
  /** Says whether transactions are read-only from now on. */
  readOnly(isSo: boolean): Promise<void>;
  /** Takes every connection that is left, and each that becomes free, until what this gives is called. */
  takeConnections(): Promise<() => Promise<void>>;
}

/** The relays' own role, which is no superuser: the server keeps some connections for those. */
const ROLE = "relay";

/** Most connections of the server. */
const MAX_CONNECTIONS = 80;

/** Of the small disk, in bytes. */
const DISK_BYTES = 512 * 2 ** 20;

/** Time between two tries to take a connection, in milliseconds. */
const TAKE_EVERY_MS = 5;

export async function startClusterDatabase(): Promise<ClusterDatabase> {
  const postgres = await startPostgres({ settings: { max_connections: String(MAX_CONNECTIONS) } });
  const { query, stop, start, close } = postgres;
  const disk = makeSmallDisk(DISK_BYTES);
  await query(`CREATE ROLE ${ROLE} LOGIN`);
  await query("CREATE ROLE others LOGIN");
  if (disk) await query(`CREATE TABLESPACE small LOCATION '${disk.path}'`);
  await query(`CREATE DATABASE ${ROLE} OWNER ${ROLE} ${disk ? "TABLESPACE small" : ""}`);
  const url = (port?: number, user = ROLE) => postgres.url({ user, database: ROLE, ...port && { port } });
  return {
    port: postgres.port,
    query,
    stop,
    start,
    disk,
    async close() {
      await close();
      disk?.close();
    },
    url,
    read: (sql) => query(sql, [], ROLE),
    async terminate(ports, which) {
      const locks = "AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')";
      const ended = await query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE usename = '${ROLE}' AND client_port = ANY($1) ${which === "locks" ? locks : ""}`,
        [ports],
      );
      return ended.length;
    },
    async readOnly(isSo) {
      await query(`ALTER SYSTEM SET default_transaction_read_only = ${isSo ? "on" : "off"}`);
      await query("SELECT pg_reload_conf()");
    },
    async takeConnections() {
      const taken: pg.Client[] = [];
      let isOver = false;
      const taking = (async () => {
        while (!isOver) {
          const client = new pg.Client({ connectionString: url(undefined, "others") });
          client.on("error", () => {});
          const isTaken = await client.connect().then(() => true, () => false);
          if (isTaken) taken.push(client);
          else await new Promise((resolve) => setTimeout(resolve, TAKE_EVERY_MS));
        }
      })();
      return async () => {
        isOver = true;
        await taking;
        await Promise.all(taken.map((client) => client.end().catch(() => {})));
      };
    },
  };
}
