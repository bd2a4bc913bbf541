/** What it costs to have stored much, or to have much to deliver. */

import { copyFileSync } from "node:fs";
import { load } from "../load.ts";
import { delay } from "../processes.ts";
import { heldTarget, makePlace, type Place, seed, startRelay, storeBytes, waitingDeliveries } from "../relay.ts";
import { drainRate } from "./deliver.ts";
import type { Bench, Suite } from "./suite.ts";

/** Name of the row of so many stored events. */
export function rowOf(events: number): string {
  return `${events.toLocaleString("en")} stored`;
}

export const pendingRow = "and so much to deliver";

/** What the load of one round adds matters to a store of up to so many events. */
const SMALL = 100_000;

/** Memory is read when a start is over, in milliseconds. */
const SETTLE_MS = 1_500;

export const growth: Suite = async (bench) => {
  const { plan, results, say } = bench;
  const places = plan.sizes.map(() => makePlace());
  try {
    await fill(bench, places);
    plan.sizes.forEach((size, index) =>
      results.add("growth", rowOf(size), { "bytes/event": storeBytes(places[index]!) / size })
    );
    for (let round = 1; round <= plan.rounds; round++) {
      await bench.noteMachine();
      say(`growth, round ${round} of ${plan.rounds}`);
      for (const [index, place] of places.entries()) await measureSize(bench, place, plan.sizes[index]!, round);
    }
  } finally {
    for (const place of places) place.remove();
  }
  await measurePending(bench);
};

/** Each store is a copy of the one before it, and what is new. */
async function fill({ plan, say }: Bench, places: readonly Place[]): Promise<void> {
  const total = plan.sizes.at(-1)!;
  for (const [index, place] of places.entries()) {
    const first = index === 0 ? 0 : plan.sizes[index - 1]!;
    say(`growth: storing ${(plan.sizes[index]! - first).toLocaleString("en")} events`);
    if (index > 0) copyFileSync(places[index - 1]!.store, place.store);
    await seed(place, "delivered", plan.sizes[index]! - first, first, total);
  }
}

/** A store that is small is measured as a copy, since the load would not leave it small. */
async function measureSize(bench: Bench, place: Place, size: number, round: number): Promise<void> {
  if (size > SMALL) return await measure(bench, place, rowOf(size), round);
  const copy = makePlace();
  try {
    copyFileSync(place.store, copy.store);
    await measure(bench, copy, rowOf(size), round);
  } finally {
    copy.remove();
  }
}

/** The load's events are others in each round, since the stores stay. */
async function measure({ plan, results, genuine }: Bench, place: Place, row: string, round: number): Promise<void> {
  const offset = Math.floor(genuine.count * (round - 1) / plan.rounds);
  const relay = await startRelay(place, { t1: heldTarget });
  try {
    await delay(SETTLE_MS);
    results.add("growth", row, { "start ms": relay.startMs, "idle MiB": relay.memoryMiB() });
    const common = { port: relay.port, records: genuine, mode: "each" as const };
    const warmUp = await load({ ...common, seconds: plan.warmUpSeconds, offset });
    const loaded = await load({ ...common, seconds: plan.seconds, offset: offset + warmUp.answers + 100 });
    if (loaded.refused + loaded.exhausted > 0) throw new Error(`${row}: ${JSON.stringify(loaded)}`);
    results.add("growth", row, { "acks/s": loaded.answers / loaded.seconds, "p99 ms": loaded.p99Ms });
  } finally {
    await relay.stop();
  }
  results.add("growth", row, { "drained/s": await drainRate(place, waitingDeliveries(place)) });
}

async function measurePending({ plan, results, say }: Bench): Promise<void> {
  const place = makePlace();
  try {
    say(`growth: ${plan.pending.toLocaleString("en")} events to deliver`);
    await seed(place, "pending", plan.pending);
    for (let round = 1; round <= plan.rounds; round++) {
      const relay = await startRelay(place, { t1: heldTarget });
      await delay(SETTLE_MS);
      const row = `${plan.pending.toLocaleString("en")} ${pendingRow}`;
      results.add("growth", row, { "start ms": relay.startMs, "idle MiB": relay.memoryMiB() });
      await relay.stop();
    }
  } finally {
    place.remove();
  }
}
