/** One of a cluster's relays: its process, and its own way to the database. */

import type { ChildProcess } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { API_KEY } from "../../helpers/connectvets_api.ts";
import { offTime } from "../../helpers/faketime.ts";
import { freePort } from "../../helpers/port.ts";
import { executable, type RunningRelay, startRelay } from "../../helpers/relay.ts";
import type { Backend } from "./balancer.ts";
import { clusterConfig, type Version } from "./config.ts";
import type { ClusterDatabase } from "./database.ts";
import { type DatabaseProxy, startDatabaseProxy } from "./database_proxy.ts";

export interface ClusterRelay extends Backend {
  /** Between it and the database. */
  proxy: DatabaseProxy;
  /** Path of the executable that it is started with. */
  program: string;
  /** The process, as it runs now; `undefined` while it does not. */
  running?: RunningRelay;
  /** Starts it, and waits until it listens. */
  start(config?: Version): Promise<void>;
  /** Sends a signal that ends it, and waits until it has. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
  /** Sends a signal that does not. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  /** Ends it if it runs, and its proxy. */
  close(): Promise<void>;
}

export interface ClusterRelayOptions {
  name: string;
  /** Where its folder is made. */
  root: string;
  /** How far its clock is off, such as `-3m`. */
  clock: string;
  database: ClusterDatabase;
  sink: string;
  api: string;
  /** The folder that its output is written into. */
  logs?: string;
  /** Called if it ends without having been told to. */
  died(name: string, output: string): void;
}

/** SQL that commits something of an event or a delivery. */
const COMMITS = /\bwrite(_\d+)?"?\s*\(/;

/** How much of its output is kept, in bytes. */
const MAX_OUTPUT = 262_144;

/** Makes one, which does not run yet. */
export async function makeClusterRelay(options: ClusterRelayOptions): Promise<ClusterRelay> {
  const { name, root, clock, database, sink, api, logs, died } = options;
  const proxy = await startDatabaseProxy({ port: database.port, commits: COMMITS });
  const [port, adminPort] = [await freePort(), await freePort()];
  const parts = { name, port, adminPort, sink, api, store: database.url(proxy.port) };
  const folder = join(root, name);
  mkdirSync(folder);
  const log = logs === undefined ? undefined : createWriteStream(join(logs, `${name}.log`));

  const relay: ClusterRelay = {
    name,
    port,
    adminPort,
    proxy,
    program: executable,
    async start(config = "usual") {
      const running = await startRelay(clusterConfig(parts, config), {
        folder,
        command: [relay.program],
        env: { KEY: API_KEY, ...offTime(clock) },
        maxOutput: MAX_OUTPUT,
        spawned(child) {
          endWithProcess(child);
          for (const stream of [child.stdout, child.stderr]) if (log) stream!.pipe(log, { end: false });
        },
      });
      relay.running = running;
      running.exited.then(() => {
        if (relay.running !== running) return;
        relay.running = undefined;
        died(name, running.output().slice(-2_000));
      });
    },
    end(signal) {
      const { running } = relay;
      relay.running = undefined;
      return running!.end(signal);
    },
    signal: (signal) => process.kill(relay.running!.child.pid!, signal),
    async close() {
      const { running } = relay;
      relay.running = undefined;
      await running?.close();
      await proxy.close();
      log?.end();
    },
  };
  return relay;
}

/** Kills a relay, which may stand still, when this process ends before it. */
function endWithProcess(child: ChildProcess): void {
  const kill = () => process.kill(child.pid!, "SIGKILL");
  process.once("exit", kill);
  child.once("close", () => process.off("exit", kill));
}
