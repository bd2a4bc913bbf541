/** Real PostgreSQL servers, each in a folder of its own, on loopback alone. */

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "./folder.ts";
import { freePort } from "./port.ts";
import { guard } from "./postgres/guard.ts";
import { canRun, newestPostgres, type PostgresVersion, programsOf } from "./postgres/programs.ts";
import { environment, serverProcess } from "./postgres/process.ts";
import { giveAway, withoutRoot } from "./postgres/user.ts";
import { type Database, databaseAt } from "./postgres/database.ts";

export interface PostgresOptions {
  /** Default: the newest. */
  version?: PostgresVersion;
  /** Lines of `postgresql.conf`. `ALTER SYSTEM` overrides them. */
  settings?: Record<string, string>;
  /** How a client shows who it is. Default: not at all. */
  auth?: "scram-sha-256" | "trust";
  /** Certificate and key in PEM: with them it also speaks TLS. */
  tls?: { cert: string; key: string };
  /** Where its data is to lie, in a new folder; everybody may enter it. Default: among temporary files. */
  folder?: string;
}

/** How a server ends: "fast" ends its sessions and writes all down, "immediate" is as a power cut to it. */
export type StopMode = "fast" | "immediate";

export interface Postgres extends Database {
  /** Of the server's main process. */
  readonly pid: number;
  /** What it has logged. */
  log(): string;
  /** Ends it and waits until it has ended. */
  stop(mode?: StopMode): Promise<void>;
  /** Starts it again, on the same folder and port. */
  start(): Promise<void>;
  /** Ends it if it runs, and removes its folder. */
  close(): Promise<void>;
}

/** What every server here is told: tests are about crashes of the server, not of the machine. */
const defaults = { fsync: "off", unix_socket_directories: "", listen_addresses: "127.0.0.1", max_connections: "200" };

/** Starts a server on an empty folder. The superuser is `postgres`. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const { version = newestPostgres, settings = {}, auth = "trust", tls } = options;
  const folder = makeFolder();
  const port = await freePort();
  const data = mkdtempSync(join(options.folder ?? folder.path, "data-"));
  const endGuard = guard([folder.path, data], join(data, "postmaster.pid"));
  const password = auth === "trust" ? undefined : randomBytes(12).toString("hex");
  const programs = runnable(programsOf(version), folder.path);
  giveAway(folder.path);
  giveAway(data);
  makeData({ version, programs, folder: folder.path, data, auth, password });
  writeSettings(data, { ...defaults, port: String(port), ...tls && writeTls(data, tls), ...settings });

  const database = databaseAt({ port, version, password });
  const command = [join(programs, "bin/postgres"), "-D", data];
  const server = serverProcess(`PostgreSQL ${version}`, command, join(folder.path, "log"));

  const start = () => server.start(() => database.query("SELECT").then(() => true, () => false));
  const stop = (mode: StopMode = "fast") => server.end(mode === "fast" ? "SIGINT" : "SIGQUIT");
  const close = async () => {
    await stop("immediate");
    endGuard();
    for (const path of [folder.path, data]) rmSync(path, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ...database,
    get pid() {
      return server.pid;
    },
    log: server.log,
    stop,
    start,
    close,
  };
}

/** The programs themselves, or a copy where the server's user can reach it. */
function runnable(programs: string, folder: string): string {
  if (canRun(programs)) return programs;
  const copy = join(folder, "programs");
  execFileSync("cp", ["-a", programs, copy]);
  return copy;
}

/** It sorts as people do, where no `COLLATE` says otherwise, as most databases do. */
const likePeople = ["--locale-provider=icu", "--icu-locale=pt-BR"]; // since version 15

interface DataOptions {
  version: PostgresVersion;
  programs: string;
  folder: string;
  data: string;
  auth: string;
  password: string | undefined;
}

function makeData({ version, programs, folder, data, auth, password }: DataOptions): void {
  const command = [join(programs, "bin/initdb"), "-D", data, "-U", "postgres", `--auth=${auth}`, "--no-sync"];
  if (version >= 15) command.push(...likePeople);
  if (password !== undefined) {
    const passwordFile = join(folder, "password");
    writeFileSync(passwordFile, password, { mode: 0o600 });
    giveAway(passwordFile);
    command.push(`--pwfile=${passwordFile}`);
  }
  const [program, ...args] = withoutRoot([...command, "--encoding=UTF8", "--locale=C"]);
  execFileSync(program, args, { stdio: "pipe", env: environment });
}

function writeTls(data: string, { cert, key }: { cert: string; key: string }): Record<string, string> {
  for (const [name, text] of [["server.crt", cert], ["server.key", key]] as const) {
    writeFileSync(join(data, name), text, { mode: 0o600 });
    giveAway(join(data, name));
  }
  return { ssl: "on" };
}

function writeSettings(data: string, settings: Record<string, string>): void {
  const quoted = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quoted(value)}\n`);
  appendFileSync(join(data, "postgresql.conf"), lines.join(""));
}
