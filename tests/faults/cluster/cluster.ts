/** Some relays that share a database, under load: each behind the balancer, and each reaching the database by a proxy. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { API_KEY, type ConnectvetsApi, startConnectvetsApi } from "../../helpers/connectvets_api.ts";
import { makeFolder } from "../../helpers/folder.ts";
import { type Run, runRelay } from "../../helpers/relay.ts";
import type { Random } from "../random.ts";
import { type Balancer, startBalancer } from "./balancer.ts";
import { type ClusterRelay, makeClusterRelay } from "./cluster_relay.ts";
import { writeConfig } from "./config.ts";
import { type ClusterDatabase, startClusterDatabase } from "./database.ts";
import type { Fault, History, Hold } from "./judge/mod.ts";
import { type ClusterLoad, startClusterLoad } from "./load.ts";
import { makeNewerRelay, type NewerRelay } from "./newer.ts";
import { type ClusterSink, startClusterSink } from "./sink.ts";
import { isFor, LATER, later } from "./targets.ts";

/** How far the relays' clocks are off, in minutes. */
const CLOCKS = [0, 4, -3];

const MINUTE_MS = 60_000;

const nameOf = (index: number) => `relay${index + 1}`;

export interface Cluster {
  relays: ClusterRelay[];
  database: ClusterDatabase;
  balancer: Balancer;
  sink: ClusterSink;
  api: ConnectvetsApi;
  load: ClusterLoad;
  history: History;
  /** A newer version of the relay, if it was asked for. */
  newer: NewerRelay | undefined;
  /** Relays that ended without having been told to. */
  died: { relay: string; at: number; output: string }[];
  /** Whether an event that is sent now may, or must, reach the target that only one of the configs has. */
  reach: "none" | "may" | "must";
  /** Notes that something is done to these relays from now on, until `to` is set. */
  fault(name: string, relays: readonly ClusterRelay[], parts?: Partial<Fault>): Fault;
  /** Notes that a target is held from now on, until `to` is set. */
  hold(target: string): Hold;
  /** Runs a verb as an operator does, on a machine of its own. */
  verb(...args: string[]): Promise<Run>;
  close(): Promise<void>;
}

export interface ClusterOptions {
  random: Random;
  /** Events a second. Default: 20. */
  perSecond?: number;
  /** Where the relays' output is written; not at all by default. */
  logs?: string;
  /** How many relays, three at most. Default: 3. */
  size?: number;
  /** A newer version of the relay is made as well, before all else. */
  withNewer?: boolean;
}

/** Starts it all, and the load. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { random, perSecond = 20, logs, size = CLOCKS.length, withNewer = false } = options;
  const parts: { close(): unknown }[] = [];
  const close = async () => {
    for (const part of parts.toReversed()) await part.close();
  };
  const open = async <Part extends { close(): unknown }>(starting: Promise<Part>): Promise<Part> => {
    const part = await starting;
    parts.push(part);
    return part;
  };
  try {
    const { path: root, remove } = makeFolder();
    parts.push({ close: remove });
    if (logs !== undefined) mkdirSync(logs, { recursive: true });
    const newer = withNewer ? await open(makeNewerRelay()) : undefined;
    const database = await open(startClusterDatabase());
    const clockOf = (relay: string) => MINUTE_MS * (CLOCKS.find((_, index) => nameOf(index) === relay) ?? 0);
    const sink = await open(startClusterSink(random, clockOf));
    const api = await open(startConnectvetsApi());
    const places = { sink: sink.url, api: api.url };

    const died: Cluster["died"] = [];
    const relays = await Promise.all(
      CLOCKS.slice(0, size).map((clock, index) =>
        open(makeClusterRelay({
          ...places,
          name: nameOf(index),
          root,
          clock: `${clock < 0 ? "" : "+"}${clock}m`,
          database,
          logs,
          died: (relay, output) => died.push({ relay, at: Date.now(), output }),
        }))
      ),
    );
    const operator = join(root, "operator");
    writeConfig(operator, { ...places, name: "operator", port: 0, adminPort: 0, store: database.url() });
    await Promise.all(relays.map((relay) => relay.start()));
    const balancer = await open(startBalancer(relays));

    const load = startClusterLoad(
      `${balancer.url}/webhook`,
      { perSecond, clients: 8, random },
      (number) => cluster.reach === "none" || !isFor(number, later) ? {} : { [cluster.reach]: [LATER] },
    );
    parts.push({ close: () => load.stop(0) });
    const cluster: Cluster = {
      relays,
      database,
      balancer,
      sink,
      api,
      load,
      history: {
        posted: load.posted,
        arrivals: sink.arrivals,
        faults: [],
        holds: [],
        replays: [],
        get calls() {
          return api.requests.map(({ at }) => at);
        },
      },
      newer,
      died,
      reach: "none",
      fault(name, struck, parts) {
        const fault = { name, relays: struck.map((one) => one.name), from: Date.now(), to: Infinity, ...parts };
        this.history.faults.push(fault);
        return fault;
      },
      hold(target) {
        const hold = { target, from: Date.now() };
        this.history.holds.push(hold);
        return hold;
      },
      verb: (...args) => runRelay(args, { cwd: operator, env: { KEY: API_KEY } }),
      close,
    };
    return cluster;
  } catch (error) {
    await close();
    throw error;
  }
}
