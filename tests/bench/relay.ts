/** The relay that is measured, in a folder of its own. */

import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SECRET } from "./events.ts";
import { benchFile, bun, type Core, executable, freePort, workFolder } from "./machine.ts";
import { answering, run, type Running, start } from "./processes.ts";

/** A folder with a store. */
export interface Place {
  folder: string;
  store: string;
  remove(): void;
}

/** Makes a folder on the disk that is measured. */
export function makePlace(): Place {
  mkdirSync(workFolder, { recursive: true });
  const folder = mkdtempSync(join(workFolder, "relay-"));
  return { folder, store: join(folder, "relay.db"), remove: () => rmSync(folder, { recursive: true }) };
}

/** Fills a place's store, which is not there yet, with so many events. */
export async function seed(place: Place, state: "delivered" | "pending", count: number): Promise<void> {
  await run("load", [bun, benchFile("load/seed.ts"), place.store, String(count), state]);
}

/** A place with a copy of a store that no relay serves. */
export function copyOf({ store }: Place): Place {
  const place = makePlace();
  copyFileSync(store, place.store);
  return place;
}

/** A relay at work. */
export interface Relay extends Running {
  port: number;
  /** From its start to the first answer, in milliseconds. */
  startMs: number;
}

export interface RelayOptions {
  /** Source text of its routes, in their list. Default: every event goes to all targets. */
  routes?: string;
  /** The config's store. Default: the place's. */
  store?: string;
  /** Default: "server". */
  core?: Core;
  /** With an admin listener. */
  hasAdmin?: boolean;
}

/**
 * Starts a relay there.
 * @param targets Source text of its targets, by name.
 */
export async function startRelay(
  place: Place,
  targets: Record<string, string>,
  options: RelayOptions = {},
): Promise<Relay> {
  const { routes = `{ on: "note.*", to: ${JSON.stringify(Object.keys(targets))} }`, store, core = "server" } = options;
  const port = await freePort();
  const named = Object.entries(targets).map(([name, target]) => `${name}: ${target}`);
  writeFileSync(
    join(place.folder, "relay.config.ts"),
    `import { connectvets, defineConfig, http, script } from "relay";
export default defineConfig({
  listen: { host: "127.0.0.1", port: ${port} },
  admin: ${options.hasAdmin ? `{ port: ${await freePort()} }` : false},${store ? `\n  store: "${store}",` : ""}
  sources: { connectvets: connectvets({ path: "/webhook", secret: "${SECRET}" }) },
  targets: { ${named.join(", ")} },
  routes: [${routes}],
});
`,
  );
  const running = start(core, [executable, "serve"], { cwd: place.folder });
  await answering(running, port, "/healthz");
  const startMs = performance.now() - running.startedAt;
  return { ...running, port, startMs };
}

/** A target that is delivered to. */
export function httpTarget(port: number, concurrency?: number): string {
  return `http({ url: "http://127.0.0.1:${port}/", ${concurrency ? `concurrency: ${concurrency}` : ""} })`;
}

/** A target that holds its deliveries back, so that accepting alone is measured. */
export const heldTarget = `http({ url: "http://127.0.0.1:9/", rate: { per: "1h", limit: 1 } })`;

/** A place where deliveries go, which counts them. */
export interface Sink extends Running {
  port: number;
  count(): Promise<number>;
}

export async function startSink(port?: number): Promise<Sink> {
  port ??= await freePort();
  const running = start("load", [bun, benchFile("load/sink.ts"), String(port)]);
  await answering(running, port, "/");
  return {
    ...running,
    port,
    count: async () => Number(await (await fetch(`http://127.0.0.1:${port}/`)).text()),
  };
}

/** How many events a store holds. */
export function storedEvents(place: Place): number {
  return query(place, "SELECT count(*) AS answer FROM events");
}

/** How many deliveries of a store are not made. */
export function waitingDeliveries(place: Place): number {
  return query(place, "SELECT count(*) AS answer FROM deliveries WHERE state IN ('pending', 'in_flight')");
}

function query(place: Place, sql: string): number {
  const db = new DatabaseSync(place.store);
  try {
    db.exec("PRAGMA busy_timeout = 5000");
    return (db.prepare(sql).get() as { answer: number }).answer;
  } finally {
    db.close();
  }
}

/** Size of a store on disk, in bytes, once its relay has ended. */
export function storeBytes(place: Place): number {
  return statSync(place.store).size;
}
