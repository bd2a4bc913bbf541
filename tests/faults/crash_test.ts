/**
 * A relay that ends without having been asked to: for the fault of one delivery, which is given up and stops no others, or
 * for somebody's `kill -9`, however often, for which no delivery is given up. `FAULT_SEED` repeats the moments of the kills.
 */

// Runs on Deno alone: it drives the executable.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { EventView } from "../../lib/store/views.ts";
import { makeFolder } from "../helpers/folder.ts";
import { freePort } from "../helpers/port.ts";
import { configOf, type RunningRelay, runRelay, startRelay } from "../helpers/relay.ts";
import { delayed, type Respond, type Sink, startSink, status } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";
import { Ledger } from "./ledger.ts";
import { accounted, type Load, startLoad } from "./load.ts";
import { tryAgain } from "./options.ts";
import { chooseSeed, randomOf } from "./random.ts";

const KILLS = 10;

/** Of each target. */
const CONCURRENCY = 8;

/** The event for whose delivery to one of the targets the relay ends. */
const POISON = 25;

/** At once, in the config's own code; or while the target's answer is on its way. */
const ends = {
  "as it begins": "end();",
  "as it waits for an answer": "setTimeout(end, 10);",
};

for (const [when, code] of Object.entries(ends)) {
  test(`serve gives up a delivery for which it ends ${when}, after three or four starts, and no other`, async () => {
    const bad = `body: (e) => { if (e.data.note_id === "${POISON}") { ${code} } return e; }`;
    await withScene({ quick: status(200), slow: delayed(40, status(200)) }, bad, async (scene) => {
      const { ledger } = scene;
      let starts = 0;
      let isOver = false;
      let relay: RunningRelay | undefined;
      const supervised = (async () => { // as systemd does
        while (!isOver) {
          starts++;
          relay = await scene.start().catch(() => undefined); // it may end before it listens
          if (isOver) await relay?.close();
          await relay?.exited;
        }
      })();
      try {
        const sender = scene.load();
        await until("a start", () => relay);
        await until("the bad delivery to be given up", async () => (await scene.dead()).length > 0, 60_000);
        const [startsBefore, acknowledged] = [starts, ledger.acknowledged];
        await until("more events", () => ledger.acknowledged > acknowledged + 20);
        await sender.stop();
        await until("every delivery", async () => ledger.outstanding() === 0 && await scene.backlog() === 0);
        assert.deepEqual(await scene.dead(), [`${POISON} to bad: crashed`]);
        assert.equal(starts, startsBefore);
        assert.ok(starts <= 5, `${starts - 1} starts after the first one`);
      } finally {
        isOver = true;
        await relay?.close();
        await supervised;
      }
    });
  });
}

test("serve gives up no delivery for which it was not to blame, after ten times `kill -9` in a row", async () => {
  const seed = chooseSeed();
  const random = randomOf(seed);
  await withScene({ quick: status(200), slow: delayed(100, status(200)) }, undefined, async (scene) => {
    let sender: Load | undefined;
    for (let kills = 0; kills < KILLS; kills++) {
      const relay = await scene.start(50 + random() * 3_950).catch(() => undefined); // it may die before it listens
      sender ??= scene.load();
      await relay?.exited;
    }
    const relay = await scene.start();
    try {
      await sender!.stop();
      await until("every delivery", () => scene.ledger.outstanding() === 0).catch(() => {}); // the ledger says it
      assert.deepEqual([await scene.dead(), scene.ledger.outstanding()], [[], 0], `FAULT_SEED=${seed}`);
    } finally {
      await relay.close();
    }
  });
});

interface Scene {
  /** Of what the healthy targets get. */
  ledger: Ledger;
  /** Starts the relay, the first time or once more. @param killAfterMs So long after that it is killed. */
  start(killAfterMs?: number): Promise<RunningRelay>;
  /** Begins to send events. */
  load(): Load;
  /** Deliveries that were given up, by the number of their event. */
  dead(): Promise<string[]>;
  /** How many deliveries wait. */
  backlog(): Promise<number>;
}

/**
 * A folder, and targets that all get every event.
 * @param bad Options of one more target, which is called `bad`.
 */
async function withScene(
  healthy: Record<string, Respond>,
  bad: string | undefined,
  use: (scene: Scene) => Promise<void>,
): Promise<void> {
  const folder = makeFolder();
  const port = await freePort();
  const names = Object.keys(healthy);
  const ledger = new Ledger(() => names);
  const sinks: Sink[] = [];
  const targetTo = async (name: string, respond: Respond, options = "") => {
    const sink = await startSink(respond);
    sinks.push(sink);
    return `${name}: http({ url: "${sink.url}", concurrency: ${CONCURRENCY}, ${tryAgain}, ${options} })`;
  };
  const targets = await Promise.all(names.map((name) => targetTo(name, accounted(ledger, name, healthy[name]!))));
  if (bad !== undefined) targets.push(await targetTo("bad", delayed(30, status(200)), bad));
  const config = 'import process from "node:process";\nconst end = () => process.kill(process.pid, "SIGKILL");\n' +
    configOf({
      port,
      targets: targets.join(),
      routes: `{ on: "**", to: ${JSON.stringify([...names, ...(bad === undefined ? [] : ["bad"])])} }`,
    });
  // The config proper is written anew at each start.
  writeFileSync(join(folder.path, "other.config.ts"), config);
  const told = async (...verb: string[]) => {
    const args = [...verb, "--config", "other.config.ts", "--json"];
    const { code, stdout, stderr } = await runRelay(args, { cwd: folder.path });
    return code === 0 ? JSON.parse(stdout) : assert.fail(`${code} ${stdout}${stderr}`);
  };
  try {
    await use({
      ledger,
      start: (killAfterMs) =>
        startRelay(config, {
          folder: folder.path,
          spawned: ({ pid }) =>
            killAfterMs !== undefined && setTimeout(() => process.kill(pid!, "SIGKILL"), killAfterMs),
        }),
      load: () => startLoad(`http://127.0.0.1:${port}/webhook`, ledger, { clients: 4, perSecond: 25 }),
      async dead() {
        const events: EventView[] = await told("events", "--state", "dead");
        return events.flatMap(({ noteId, deliveries }) =>
          deliveries.filter(({ state }) => state === "dead").map(({ target, reason }) =>
            `${noteId} to ${target}: ${reason}`
          )
        );
      },
      backlog: async () => (await told("status")).backlog,
    });
  } finally {
    for (const sink of sinks) await sink.close();
    folder.remove();
  }
}
