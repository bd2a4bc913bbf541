/** What it costs to have stored much, or to have much to deliver. */

import { drain, drainColumn, MANY } from "../drain.ts";
import { after, answersColumn } from "../flood.ts";
import { load } from "../load.ts";
import { residentMiB } from "../machine.ts";
import { delay, SETTLE_MS } from "../processes.ts";
import {
  copyOf,
  heldTarget,
  makePlace,
  type Place,
  seed,
  startRelay,
  storeBytes,
  waitingDeliveries,
} from "../relay.ts";
import { idleColumn, startColumn } from "./footprint.ts";
import type { Bench, Suite } from "./suite.ts";

/** Name of the row of so many stored events. */
export function rowOf(events: number): string {
  return `${events.toLocaleString("en")} stored`;
}

/** Name of the row of so many events to deliver. */
export function pendingRowOf(events: number): string {
  return `${events.toLocaleString("en")} to deliver`;
}

/** What the load of one round adds matters to a store of up to so many events. */
const SMALL = 200_000;

export const growth: Suite = async (bench) => {
  const { plan, results, say } = bench;
  const [few, many, pending] = [makePlace(), makePlace(), makePlace()];
  try {
    for (const [place, size] of [[few, plan.sizes[0]], [many, plan.sizes[1]]] as const) {
      say(`growth: storing ${size.toLocaleString("en")} events`);
      await seed(place, "delivered", size);
      results.add("growth", rowOf(size), { "bytes/event": storeBytes(place) / size });
    }
    say(`growth: storing ${plan.pending.toLocaleString("en")} events to deliver`);
    await seed(pending, "pending", plan.pending);
    for (let round = 1; round <= plan.rounds; round++) {
      await bench.noteMachine();
      say(`growth, round ${round} of ${plan.rounds}`);
      await measure(bench, few, plan.sizes[0], round);
      await measure(bench, many, plan.sizes[1], round);
      await atStart(bench, pending, pendingRowOf(plan.pending), () => Promise.resolve());
    }
  } finally {
    for (const place of [few, many, pending]) place.remove();
  }
};

/** A store that is small is measured as a copy, since the load would not leave it small. */
async function measure(bench: Bench, place: Place, size: number, round: number): Promise<void> {
  const measured = size > SMALL ? place : copyOf(place);
  try {
    await atStart(bench, measured, rowOf(size), (port) => accept(bench, rowOf(size), port, round));
    const drained = await drain(measured, waitingDeliveries(measured), MANY);
    bench.results.add("growth", rowOf(size), { "drained/s": drained[drainColumn] });
  } finally {
    if (measured !== place) measured.remove();
  }
}

/** Starts a relay there that delivers nothing. */
async function atStart({ results }: Bench, place: Place, row: string, then: (port: number) => Promise<void>) {
  const relay = await startRelay(place, { t1: heldTarget });
  try {
    await delay(SETTLE_MS);
    results.add("growth", row, { [startColumn]: relay.startMs, [idleColumn]: residentMiB(relay.pid) });
    await then(relay.port);
  } finally {
    await relay.stop();
  }
}

/** The load's events are others in each round, since a large store stays. */
async function accept({ plan, results, genuine }: Bench, row: string, port: number, round: number): Promise<void> {
  const offset = Math.floor(genuine.count * (round - 1) / plan.rounds);
  const common = { port, records: genuine, mode: "each" as const };
  const warmUp = await load({ ...common, seconds: plan.warmUpSeconds, offset });
  const loaded = await load({ ...common, seconds: plan.seconds, offset: offset + after(warmUp) });
  if (loaded.refused + loaded.exhausted > 0) throw new Error(`${row}: ${JSON.stringify(loaded)}`);
  results.add("growth", row, { [answersColumn]: loaded.answers / loaded.seconds, "p99 ms": loaded.p99Ms });
}
