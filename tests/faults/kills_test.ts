/**
 * A loaded relay that is killed again and again at random moments loses nothing, and repeats only what a crash cut.
 * `FAULT_SEED` repeats a run: the same moments of the kills, and the same faults of the targets in turn.
 */

// Runs on Deno alone: it drives the executable.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../helpers/wait.ts";
import { chooseSeed, randomOf } from "./random.ts";
import { causesOf, START_MS, startScene } from "./scene.ts";

const KILLS = 30;

test("serve loses nothing over many times `kill -9` under load", async () => {
  const seed = chooseSeed();
  const random = randomOf(seed);
  const scene = await startScene(randomOf(seed + 1), { clients: 16, perSecond: 300 });
  const { ledger } = scene;
  try {
    for (let kills = 0; kills < KILLS; kills += 2) {
      await sleep(random() * 800);
      await scene.crash(random() * START_MS);
    }
    await scene.settle(30_000);

    const [lost, repeated] = [ledger.outstanding(), causesOf(ledger)];
    console.log(
      `kills survived: ${KILLS}, events acknowledged: ${ledger.acknowledged}, lost: ${lost}, repeated: ` +
        `${repeated.crash} after a crash, ${repeated.network} after a cut or late answer (FAULT_SEED=${seed})`,
    );
    const { unknown, changedIds, afterRecord } = ledger;
    const none = { lost: 0, unknown: 0, changedIds: 0, afterRecord: 0 };
    assert.deepEqual({ lost, unknown, changedIds, afterRecord }, none);
    assert.equal(repeated.none, 0, "repeats without a cause");
    assert.ok((ledger.repeats.get("cut")?.withinLife ?? 0) <= scene.cuts(), "one repeat at most for a cut answer");
  } finally {
    await scene.close();
  }
});
