/** Relays with one store among them: several on a database, or one on a file. */

import type { MeasuredDatabase, Usage } from "./database.ts";
import { fill } from "./fill.ts";
import { freePort } from "../machine.ts";
import { delay } from "../processes.ts";
import {
  httpTarget,
  makePlace,
  type Place,
  type Relay,
  startRelay,
  storedEvents,
  waitingDeliveries,
} from "../relay.ts";

/** A store that relays are started on. */
export interface Site {
  /** Of the file. */
  place?: Place;
  /** Of the database. */
  url?: string;
  /** How many events it holds. */
  events(): Promise<number>;
  /** How many deliveries are not made. */
  waiting(): Promise<number>;
  /** What its server has done; `undefined` where none is needed. */
  usage(): Promise<Usage | undefined>;
  /** Before a measurement. */
  settle(): Promise<void>;
  remove(): Promise<void>;
}

/** A file. */
export function fileSite(): Site {
  const place = makePlace();
  return {
    place,
    events: () => Promise.resolve(storedEvents(place)),
    waiting: () => Promise.resolve(waitingDeliveries(place)),
    usage: () => Promise.resolve(undefined),
    settle: () => Promise.resolve(),
    remove: () => Promise.resolve(place.remove()),
  };
}

/** A schema that holds so many events. */
export async function databaseSite(database: MeasuredDatabase, size: number): Promise<Site> {
  const schema = await database.makeSchema();
  await fill(schema, size);
  const count = async (what: string) => {
    const [row] = await schema.query<{ count: string }>(`SELECT count(*) FROM ${schema.name}.${what}`);
    return Number(row!.count);
  };
  return {
    url: schema.url,
    events: async () => size + await count(`events WHERE seq > ${size}`),
    waiting: () => count("deliveries WHERE state = 'pending'"),
    usage: database.usage,
    settle: database.checkpoint,
    remove: schema.drop,
  };
}

/** Relays at work. */
export interface Relays {
  ports: number[];
  /** All their targets are what listens there. */
  sinkPort: number;
  /** CPU of all of them, in seconds. */
  cpu(): number | undefined;
  stop(): Promise<void>;
}

/** Targets: enough that each relay owns some. Each event goes to one of them. */
const TARGETS = 6;

/** Relays have found each other, and dealt out what there is to do, after so many milliseconds. */
const MEET_MS = 3_000;

/** Starts so many relays there, each with ports and a folder of its own. */
export async function startRelays(site: Site, count: number): Promise<Relays> {
  const sinkPort = await freePort();
  const names = Array.from({ length: TARGETS }, (_, index) => `t${index + 1}`);
  const routes = names.map((name, index) =>
    `{ on: "note.*", when: ({ data }) => Number(data.external_id.slice(-3)) % ${TARGETS} === ${index}, to: "${name}" }`
  ).join(", ");
  const targets = Object.fromEntries(names.map((name) => [name, httpTarget(sinkPort)]));
  const places: Place[] = [];
  const relays: Relay[] = [];
  const stop = async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    for (const place of places) if (place !== site.place) place.remove();
  };
  try {
    for (let index = 0; index < count; index++) {
      const place = site.place ?? makePlace();
      places.push(place);
      relays.push(await startRelay(place, targets, { routes, store: site.url, core: "any", hasAdmin: true }));
    }
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
  if (count > 1) await delay(MEET_MS);
  const ports = relays.map(({ port }) => port);
  return { ports, sinkPort, cpu: () => sum(relays.map((relay) => relay.cpuSeconds())), stop };
}

function sum(values: readonly (number | undefined)[]): number | undefined {
  return values.reduce<number | undefined>(
    (total, value) => total === undefined || value === undefined ? undefined : total + value,
    0,
  );
}
