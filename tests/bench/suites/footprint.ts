/** What the relay takes, beside an empty executable of the same runtime: disk, time to start, memory. */

import { statSync } from "node:fs";
import { join } from "node:path";
import { compile } from "../../../lib/build/compile.ts";
import { load } from "../load.ts";
import { benchFile, benchFolder, executable, ownMiB, residentMiB } from "../machine.ts";
import { delay, run, SETTLE_MS, start } from "../processes.ts";
import { httpTarget, makePlace, startRelay, startSink } from "../relay.ts";
import type { Suite } from "./suite.ts";

export const rows = { relay: "relay", empty: "an empty executable" };

/** The relay's first start, which makes its store. An empty executable answers nothing: its start is over when it has ended. */
export const startColumn = "start ms";
export const idleColumn = "idle MiB";
export const ownColumn = "its own";
export const sizeColumn = "executable MiB";

const memoryOf = (pid: number) => ({ [idleColumn]: residentMiB(pid), [ownColumn]: ownMiB(pid) });

export const footprint: Suite = async ({ plan, results, say, genuine }) => {
  const empty = join(benchFolder, "empty");
  compile(empty, { entry: benchFile("load/empty.ts") });
  const sizeOf = (path: string) => ({ [sizeColumn]: statSync(path).size / 1024 ** 2 });
  results.add("footprint", rows.relay, sizeOf(executable));
  results.add("footprint", rows.empty, sizeOf(empty));

  const sink = await startSink();
  const target = { t1: httpTarget(sink.port) };
  for (let round = 1; round <= plan.rounds; round++) {
    say(`footprint, round ${round} of ${plan.rounds}: starts`);
    const startedAt = performance.now();
    await run("server", [empty]);
    results.add("footprint", rows.empty, { [startColumn]: performance.now() - startedAt });
    const idle = start("server", [empty, "stay"]);
    await delay(SETTLE_MS);
    results.add("footprint", rows.empty, memoryOf(idle.pid));
    await idle.stop();

    const place = makePlace();
    const relay = await startRelay(place, target);
    await delay(SETTLE_MS);
    results.add("footprint", rows.relay, { [startColumn]: relay.startMs, ...memoryOf(relay.pid) });
    await relay.stop();
    const again = await startRelay(place, target);
    results.add("footprint", rows.relay, { "start again ms": again.startMs });
    await again.stop();
    place.remove();
  }

  say(`footprint: up to ${genuine.count.toLocaleString("en")} events in one run`);
  const place = makePlace();
  const relay = await startRelay(place, target);
  try {
    const { answers } = await load({ port: relay.port, records: genuine, seconds: plan.pushSeconds, mode: "each" });
    results.add("footprint after a long flood", rows.relay, {
      "events accepted": answers,
      "delivered by then": await sink.count(),
      "MiB by then": residentMiB(relay.pid),
    });
  } finally {
    await relay.stop();
    await sink.stop();
    place.remove();
  }
};
