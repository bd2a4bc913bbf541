/** A delivery over which the relay ends ends itself after a few starts; whatever else is under way is not held to blame. */

// Runs on Deno alone: it drives the executable.

import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { freePort } from "../helpers/port.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { delayed, type Sink, startSink, status } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";
import { Ledger } from "./ledger.ts";
import { accounted, isFailed, post, startLoad } from "./load.ts";
import { chooseSeed, randomOf } from "./random.ts";
import { tryAgain } from "./options.ts";

/** How long the slow target takes to answer, in milliseconds. */
const SLOW_MS = 700;

interface Scene {
  folder: string;
  url: string;
  quick: Sink;
  ledger: Ledger;
  /** Starts the relay, as systemd does when it has ended; it may end before it listens. */
  start(killAfterMs?: number): Promise<RunningRelay | undefined>;
}

/** Two healthy targets, a quick one and a slow one, under a steady load. */
async function withScene(more: { targets: string; routes: string }, use: (scene: Scene) => Promise<void>) {
  const folder = makeFolder();
  const port = await freePort();
  const ledger = new Ledger((number) => isFailed(number) ? ["quick", "slow"] : ["quick"]);
  const quick = await startSink(accounted(ledger, "quick", status(200)));
  const slow = await startSink(accounted(ledger, "slow", delayed(SLOW_MS, status(200))));
  const config = configOf({
    port,
    targets: `quick: http({ url: "${quick.url}", ${tryAgain} }), slow: http({ url: "${slow.url}", ${tryAgain} }),
      ${more.targets}`,
    routes: `{ on: "note.*", to: "quick" }, { on: "note.failed", to: "slow" }, ${more.routes}`,
  });
  const started: RunningRelay[] = [];
  try {
    await use({
      folder: folder.path,
      url: `http://127.0.0.1:${port}/webhook`,
      quick,
      ledger,
      async start(killAfterMs) {
        const relay = await startRelay(config, {
          folder: folder.path,
          spawned: ({ pid }) =>
            killAfterMs !== undefined && setTimeout(() => process.kill(pid!, "SIGKILL"), killAfterMs),
        }).catch((error) => assert.match(String(error), /The relay ended with null/));
        if (relay) started.push(relay);
        return relay ?? undefined;
      },
    });
  } finally {
    for (const relay of started) await relay.close();
    await Promise.all([quick.close(), slow.close()]);
    folder.remove();
  }
}

/** Counts of deliveries by target, state and reason. */
function deliveriesIn(folder: string, where: string): string[] {
  const db = new DatabaseSync(join(folder, "relay.db"), { readOnly: true });
  try {
    const rows = db.prepare(
      `SELECT target, state, reason, count(*) AS count FROM deliveries WHERE ${where} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    ).all() as Record<string, unknown>[];
    return rows.map(({ target, state, reason, count }) => `${target} ${state} ${reason} ${count}`);
  } finally {
    db.close();
  }
}

test("a delivery that ends the relay each time is dead after a few starts, and nothing else suffers", async () => {
  const targets = `bad: http({ url: "http://127.0.0.1:9/", body: () => process.kill(process.pid, "SIGKILL") }),`;
  await withScene({ targets, routes: `{ on: "poison", to: "bad" },` }, async (scene) => {
    const { ledger, folder, url, start } = scene;
    let relay = (await start())!;
    const load = startLoad(url, ledger, { clients: 4, perSecond: 40 });
    await scene.quick.received(10);
    const poison = JSON.stringify({ event: "poison", data: {} });
    while (await post(url, poison) !== 200) relay = await start() ?? relay;
    let ended = 0;
    const isDead = () => deliveriesIn(folder, "target = 'bad' AND state = 'dead'").length === 1;
    while (!isDead()) {
      const end = await Promise.race([relay.exited.then(() => "ended"), until("the end of it", isDead, 30_000)]);
      if (end !== "ended") break;
      ended++;
      assert.ok(ended <= 8, "it ends the relay for ever");
      relay = await start() ?? relay;
    }
    assert.ok(ended >= 2, `${ended}: once may be an operator's kill`);
    await load.stop();
    await until("every delivery", () => ledger.outstanding() === 0, 30_000);
    assert.deepEqual(deliveriesIn(folder, "target = 'bad'"), ["bad dead crashed 1"]);
    assert.deepEqual(deliveriesIn(folder, "state = 'dead'"), ["bad dead crashed 1"]);
    const { stdout } = await runRelay(["events", "--type", "poison", "--json"], { cwd: folder });
    const [{ deliveries: [told] }] = JSON.parse(stdout);
    assert.deepEqual([told.state, told.reason], ["dead", "crashed"]);
    assert.equal(await relay.end(), 0);
  });
});

test("ten times `kill -9` in a row under load condemn no delivery, and lose none", async () => {
  const seed = chooseSeed();
  const random = randomOf(seed);
  await withScene({ targets: "", routes: "" }, async ({ ledger, folder, url, start }) => {
    const first = (await start())!;
    const load = startLoad(url, ledger, { clients: 4, perSecond: 40 });
    await until("the slow target to be busy", () => ledger.acknowledged > 20);
    await first.end("SIGKILL");
    for (let kills = 1; kills < 10; kills++) await (await start(50 + random() * 1_950))?.exited;
    await start();
    await load.stop();
    await until("every delivery", () => ledger.outstanding() === 0, 60_000);
    assert.deepEqual(deliveriesIn(folder, "state = 'dead'"), [], `FAULT_SEED=${seed}`);
  });
});
