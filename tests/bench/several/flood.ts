/** Load over all relays that share a store, and what it costs them and their database. */

import { answersColumn, sustainedColumn, used } from "../flood.ts";
import { CONNECTIONS, load, type Loaded, type Records } from "../load.ts";
import { benchFile, bun } from "../machine.ts";
import { delay, run } from "../processes.ts";
import { startSink } from "../relay.ts";
import type { Bench } from "../suites/suite.ts";
import type { Relays, Site } from "./relays.ts";

export const relayCpuColumn = "relays' CPU µs";
export const databaseCpuColumn = "database's CPU µs";
const walColumn = "WAL bytes";
const arrivedColumn = "arrived p99 ms";

/** The wait for the last deliveries asks after so many milliseconds. */
const LOOK_MS = 20;

/** Longest wait for the last deliveries, in milliseconds. */
const LAST_MS = 90_000;

/** What an event costs, and how long it takes, by column. */
type Cost = Record<string, number | undefined>;

/**
 * Floods relays. CPU, WAL and the sustained rate count from the first request until everything that was accepted is
 * delivered and recorded.
 * @param from Requests of the file that the store may have had already.
 * @throws {Error} if the relays did not do what they answered.
 */
export async function flood({ plan, genuine }: Bench, site: Site, relays: Relays, from: number): Promise<Cost> {
  const sink = await startSink(relays.sinkPort);
  const settled = async (events: number) => {
    const giveUpAt = performance.now() + LAST_MS;
    while (await sink.count() < events || await site.waiting() > 0) {
      if (performance.now() > giveUpAt) throw new Error(`${await site.waiting()} deliveries are not made`);
      await delay(LOOK_MS);
    }
  };
  try {
    const first = await site.events();
    const warmUp = await loadAll(relays.ports, genuine, plan.warmUpSeconds, from);
    await settled(warmUp.answers);
    await site.settle();
    const before = {
      stored: await site.events(),
      arrived: await sink.count(),
      relays: relays.cpu(),
      usage: await site.usage(),
    };

    const startedAt = performance.now();
    const loaded = await loadAll(relays.ports, genuine, plan.seconds, warmUp.most);
    await settled(before.arrived + loaded.answers);
    const seconds = (performance.now() - startedAt) / 1000;
    const [usage, relaysCpu] = [await site.usage(), relays.cpu()];

    const events = await site.events() - before.stored;
    const accepted = before.stored - first + events;
    const answers = warmUp.answers + loaded.answers;
    if (accepted < answers || accepted > answers + 2 * CONNECTIONS) {
      throw new Error(`${accepted} stored, and ${answers} answered as stored`);
    }
    const each = (total: number | undefined, unit = 1) => total && total / events * unit;
    return {
      [answersColumn]: loaded.answers / loaded.seconds,
      [sustainedColumn]: events / seconds,
      "p99 ms": loaded.p99Ms,
      [relayCpuColumn]: each(used(before.relays, relaysCpu), 1e6),
      [databaseCpuColumn]: usage && each(used(before.usage!.cpu, usage.cpu), 1e6),
      [walColumn]: usage && each(usage.walBytes - before.usage!.walBytes),
      "transactions": usage && each(usage.transactions - before.usage!.transactions),
    };
  } finally {
    await sink.stop();
  }
}

/** What all loads of a time came to: the worst 99th percentile, and how far into its part of the file one may have come. */
interface LoadedAll extends Pick<Loaded, "answers" | "seconds" | "p99Ms"> {
  most: number;
}

/** Loads all relays at the same time: each has its share of the connections and of the requests, from `offset` on there. */
async function loadAll(
  ports: readonly number[],
  records: Records,
  seconds: number,
  offset: number,
): Promise<LoadedAll> {
  const connections = Math.floor(CONNECTIONS / ports.length);
  const share = Math.floor(records.count / ports.length);
  const all = await Promise.all(
    ports.map((port, index) =>
      load({ port, records, seconds, mode: "each", connections, offset: index * share + offset })
    ),
  );
  const most = offset + Math.max(...all.map(({ answers }) => answers)) + 2 * CONNECTIONS;
  if (most > share || all.some((one) => one.refused + one.failed + one.exhausted > 0)) {
    throw new Error(`a load was not whole: ${JSON.stringify(all)}`);
  }
  return {
    answers: all.reduce((total, one) => total + one.answers, 0),
    seconds: Math.max(...all.map((one) => one.seconds)),
    p99Ms: Math.max(...all.map((one) => one.p99Ms)),
    most,
  };
}

/**
 * Sends events at a steady rate over all relays, and measures how long each takes from there to its target.
 * @param from Requests of the file that the store may have had already.
 */
export async function arrivals({ plan, genuine }: Bench, relays: Relays, rate: number, from: number): Promise<Cost> {
  const numbers = [relays.ports.join(","), relays.sinkPort, rate, plan.steadySeconds].map(String);
  const output = await run("load", [bun, benchFile("load/steady.ts"), ...numbers, genuine.path, String(from)]);
  const { sent, refused, late, p50Ms, p99Ms } = JSON.parse(output);
  if (refused + late > 0) throw new Error(`${refused} of ${sent} refused, ${late} late`);
  return { "arrived p50 ms": p50Ms, [arrivedColumn]: p99Ms };
}
