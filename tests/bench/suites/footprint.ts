/** What the relay takes: disk, time to start, memory. */

import { statSync } from "node:fs";
import { load } from "../load.ts";
import { executable } from "../machine.ts";
import { delay } from "../processes.ts";
import { httpTarget, makePlace, startRelay, startSink } from "../relay.ts";
import type { Suite } from "./suite.ts";

export const row = "relay";

/** Memory is read when a start is over, in milliseconds. */
const SETTLE_MS = 1_500;

export const footprint: Suite = async ({ plan, results, say, genuine }) => {
  results.add("footprint", row, { "executable MiB": statSync(executable).size / 1024 ** 2 });
  say("footprint: starts");
  const sink = await startSink();
  for (let start = 1; start <= plan.starts; start++) {
    const place = makePlace();
    const relay = await startRelay(place, { t1: httpTarget(sink.port) });
    results.add("footprint", row, { "start ms": relay.startMs });
    await delay(start === 1 ? SETTLE_MS : 0);
    if (start === 1) results.add("footprint", row, { "idle MiB": relay.memoryMiB() });
    await relay.stop();
    place.remove();
  }

  say(`footprint: up to ${genuine.count.toLocaleString("en")} events in one run`);
  const place = makePlace();
  const relay = await startRelay(place, { t1: httpTarget(sink.port, 64) });
  try {
    const { answers } = await load({ port: relay.port, records: genuine, seconds: plan.pushSeconds, mode: "each" });
    results.add("footprint", row, { "events pushed": answers, "MiB after them": relay.memoryMiB() });
    results.add("footprint", row, { "delivered by then": await sink.count() });
  } finally {
    await relay.stop();
    await sink.stop();
    place.remove();
  }
};
