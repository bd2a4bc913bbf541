/** Drains: how fast a relay delivers what waited for it. */

import { cpuColumn, used } from "./flood.ts";
import { delay } from "./processes.ts";
import { httpTarget, type Place, startRelay, startSink } from "./relay.ts";

/** In flight at a time where the best rate is asked for. */
export const MANY = 64;

export const drainColumn = "deliveries/s";

/** Longest drain, in milliseconds. */
const GIVE_UP_MS = 60_000;

const LOOK_MS = 10;

/**
 * Starts a relay with so much to deliver to a sink. Counted from the first tenth, when all is warm, to the ninth: the last
 * few may wait for a retry.
 * @param concurrency Deliveries in flight at a time; the target's default if none is given.
 */
export async function drain(place: Place, backlog: number, concurrency?: number) {
  const sink = await startSink();
  const relay = await startRelay(place, { t1: httpTarget(sink.port, concurrency) });
  const giveUpAt = performance.now() + GIVE_UP_MS;
  const arrived = async (wanted: number) => {
    let count = await sink.count();
    while (count < wanted) {
      if (performance.now() > giveUpAt) throw new Error(`${count} of ${backlog} deliveries are made`);
      await delay(LOOK_MS);
      count = await sink.count();
    }
    return { count, at: performance.now(), cpu: relay.cpuSeconds() };
  };
  try {
    const first = await arrived(backlog * 0.1);
    const last = await arrived(backlog * 0.9);
    const deliveries = last.count - first.count;
    const cpu = used(first.cpu, last.cpu);
    return {
      [cpuColumn]: cpu && cpu / deliveries * 1e6,
      [drainColumn]: deliveries / ((last.at - first.at) / 1000),
    };
  } finally {
    await relay.stop();
    await sink.stop();
  }
}
