/** Floods: 64 connections that send as fast as they are answered, and what that costs until everything is done. */

import { CONNECTIONS, load, type Loaded, type Mode, type Records } from "./load.ts";
import { type Peer, withPeer } from "./peers.ts";
import { delay } from "./processes.ts";
import {
  heldTarget,
  httpTarget,
  makePlace,
  type Place,
  startRelay,
  startSink,
  storedEvents,
  waitingDeliveries,
} from "./relay.ts";
import type { Bench } from "./suites/suite.ts";

/** What a flood came to; {@link cpuColumn} is the CPU of an event. */
export type Flooded = Record<string, number | undefined>;

export const cpuColumn = "CPU µs";
export const sustainedColumn = "sustained/s";
export const answersColumn = "answers/s";
export const keptUpColumn = "delivered of accepted";

/** What floods a relay. */
export interface Flood {
  /** How many targets each event goes to, or one that holds its deliveries back. */
  targets: number | "held";
  mode: Mode;
  records: Records;
}

/** What the wait for the last deliveries looks at the store, in milliseconds. */
const LOOK_MS = 10;

/** Longest wait for the last deliveries, in milliseconds. */
const LAST_MS = 90_000;

/**
 * Floods a relay that stores nothing yet. CPU and the sustained rate count from the first request until everything that
 * was accepted is delivered and recorded.
 * @throws {Error} if the relay did not do what it answered.
 */
export async function floodRelay({ plan }: Bench, { targets, mode, records }: Flood): Promise<Flooded> {
  const sink = await startSink();
  const place = makePlace();
  const deliveries = targets === "held" ? 0 : targets;
  const target = deliveries > 0 ? httpTarget(sink.port) : heldTarget;
  const named = Array.from({ length: deliveries || 1 }, (_, index) => [`t${index + 1}`, target]);
  const relay = await startRelay(place, Object.fromEntries(named), targets === 0 ? { routes: "" } : {});
  try {
    const common = { port: relay.port, records, mode };
    const warmUp = await load({ ...common, seconds: plan.warmUpSeconds });
    await settled(place, deliveries, sink.count, warmUp.answers);
    const before = { events: storedEvents(place), arrived: await sink.count(), cpu: relay.cpuSeconds() };

    const loaded = await load({ ...common, seconds: plan.seconds, offset: after(warmUp) });
    const endedAt = performance.now();
    const arrived = await sink.count() - before.arrived;
    await settled(place, deliveries, sink.count, before.events + loaded.answers);
    const lastMs = performance.now() - endedAt;
    const cpu = used(before.cpu, relay.cpuSeconds());

    check(place, mode, [warmUp, loaded]);
    const events = mode === "each" ? storedEvents(place) - before.events : loaded.answers;
    return {
      [cpuColumn]: cpu && cpu / events * 1e6,
      [sustainedColumn]: targets === "held" ? undefined : events / (loaded.seconds + lastMs / 1000),
      ...answersOf(loaded),
      [keptUpColumn]: deliveries > 0 ? arrived / (loaded.answers * deliveries) : undefined,
    };
  } finally {
    await relay.stop();
    await sink.stop();
    place.remove();
  }
}

/** Floods a receiver that stores nothing: what it has answered is done. */
export async function floodPeer({ plan, genuine }: Bench, peer: Peer): Promise<Flooded> {
  return await withPeer(peer, async (port, cpuSeconds) => {
    await load({ port, records: genuine, seconds: plan.warmUpSeconds, mode: "wrap" });
    const before = cpuSeconds();
    const loaded = await load({ port, records: genuine, seconds: plan.seconds, mode: "wrap" });
    const cpu = used(before, cpuSeconds());
    if (loaded.refused > 0) throw new Error(`${peer.name} refused ${loaded.refused} of ${loaded.answers} events`);
    return {
      [cpuColumn]: cpu && cpu / loaded.answers * 1e6,
      [sustainedColumn]: loaded.answers / loaded.seconds,
      ...answersOf(loaded),
    };
  });
}

/** CPU between two looks at it. */
export function used(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : after - before;
}

/** The first request of the file that a load which sends each once has not sent: some of its last were not answered. */
export function after({ answers }: Loaded): number {
  return answers + 2 * CONNECTIONS;
}

function answersOf({ answers, seconds, p50Ms, p99Ms }: Loaded): Flooded {
  return { [answersColumn]: answers / seconds, "p50 ms": p50Ms, "p99 ms": p99Ms };
}

/** Waits until so many events at least, and all that are stored, are delivered and recorded. */
async function settled(place: Place, deliveries: number, arrived: () => Promise<number>, events: number) {
  if (deliveries === 0) return;
  const giveUpAt = performance.now() + LAST_MS;
  while (await arrived() < events * deliveries || waitingDeliveries(place) > 0) {
    if (performance.now() > giveUpAt) throw new Error(`${waitingDeliveries(place)} deliveries are not made`);
    await delay(LOOK_MS);
  }
}

/** A figure counts only if the relay did what it answered. */
function check(place: Place, mode: Mode, loads: readonly Loaded[]): void {
  const fail = (problem: string) => {
    throw new Error(`${problem}; ${JSON.stringify(loads)}`);
  };
  const sum = (key: keyof Loaded) => loads.reduce((total, one) => total + one[key], 0);
  if (sum("exhausted") > 0) fail("there were not enough signed requests");
  if (sum("failed") > 0) fail("connections failed");
  const refused = mode === "wrap" ? sum("answers") : 0;
  if (sum("refused") !== refused) fail(`${sum("refused")} refused, and ${refused} should be`);
  const stored = storedEvents(place);
  // What was being answered as the load ended is stored, and not counted as answered.
  const expected = mode === "each" ? sum("answers") : mode === "same" ? loads.length : 0;
  const more = mode === "each" ? loads.length * CONNECTIONS : 0;
  if (stored < expected || stored > expected + more) fail(`${stored} stored, and ${expected} answered as stored`);
}
