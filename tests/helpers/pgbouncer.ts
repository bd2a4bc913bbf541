/** A real PgBouncer, Debian's, in transaction mode before a PostgreSQL server of a test. */

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { makeFolder } from "./folder.ts";
import { freePort } from "./port.ts";
import { type Database, databaseAt, type UrlOptions } from "./postgres/database.ts";
import { guard } from "./postgres/guard.ts";
import { serverProcess } from "./postgres/process.ts";
import { giveAway } from "./postgres/user.ts";

const PROGRAM = "/usr/sbin/pgbouncer"; // not on the PATH of everybody

/** For tests that need it: they say so where it is missing. */
export const needsPgBouncer = { skip: existsSync(PROGRAM) ? false : "needs pgbouncer, of the package of that name" };

export interface PgBouncerOptions {
  /** Passwords by user, besides the superuser's. A user that it does not know it refuses. */
  users?: Record<string, string>;
  /** Lines of its `[pgbouncer]` section. */
  settings?: Record<string, string>;
}

export interface PgBouncer {
  readonly port: number;
  readonly pid: number;
  /** As {@link Database.url}, by way of PgBouncer, and with the server itself as `direct`. */
  url(options?: UrlOptions): string;
  /** What it answers to a command of its console, such as "SHOW POOLS". */
  show(command: string): Promise<Record<string, unknown>[]>;
  log(): string;
  /** Ends it at once, and all connections with it. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Starts one that knows the server's superuser, and whom the options name. */
export async function startPgBouncer(postgres: Database, options: PgBouncerOptions = {}): Promise<PgBouncer> {
  const folder = makeFolder();
  const endGuard = guard([folder.path], join(folder.path, "pid"));
  const port = await freePort();
  const users = { postgres: postgres.password ?? "", ...options.users };
  giveAway(folder.path);
  write(folder.path, "users.txt", usersText(users));
  write(folder.path, "pgbouncer.ini", configText(folder.path, port, postgres, options.settings));

  const { url } = databaseAt({ port, version: postgres.version, password: postgres.password });
  const server = serverProcess("PgBouncer", [PROGRAM, join(folder.path, "pgbouncer.ini")], join(folder.path, "log"));

  const show = async (command: string) => {
    const client = new pg.Client({ connectionString: url({ database: "pgbouncer" }), connectionTimeoutMillis: 10_000 });
    client.on("error", () => {}); // the query rejects, too
    try {
      await client.connect();
      return (await client.query(command)).rows;
    } finally {
      await client.end();
    }
  };
  const start = () => server.start(() => show("SHOW VERSION").then(() => true, () => false));
  const stop = () => server.end("SIGTERM");
  const close = async () => {
    await stop();
    endGuard();
    folder.remove();
  };
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    port,
    get pid() {
      return server.pid;
    },
    url: (more = {}) => url({ ...more, params: { direct: `127.0.0.1:${postgres.port}`, ...more.params } }),
    show,
    log: server.log,
    stop,
    start,
    close,
  };
}

function write(folder: string, name: string, text: string): void {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  giveAway(join(folder, name));
}

/** @see https://www.pgbouncer.org/config.html#authentication-file-format */
function usersText(users: Record<string, string>): string {
  const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
  return Object.entries(users).map(([user, password]) => `${quoted(user)} ${quoted(password)}\n`).join("");
}

/** @see https://www.pgbouncer.org/config.html */
function configText(folder: string, port: number, postgres: Database, settings: Record<string, string> = {}): string {
  const all = {
    listen_addr: "127.0.0.1",
    listen_port: String(port),
    unix_socket_dir: "",
    pidfile: join(folder, "pid"),
    auth_type: postgres.password === undefined ? "trust" : "scram-sha-256",
    auth_file: join(folder, "users.txt"),
    admin_users: "postgres",
    pool_mode: "transaction",
    max_client_conn: "500",
    default_pool_size: "20",
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`);
  return `[databases]\n* = host=127.0.0.1 port=${postgres.port}\n\n[pgbouncer]\n${lines.join("")}`;
}
