/**
 * A loaded relay that is killed again and again at random moments loses nothing, and repeats only what a crash cut.
 * `FAULT_SEED` repeats a run: the same moments of the kills, and the same faults of the targets in turn.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../helpers/wait.ts";
import { chooseSeed, randomOf } from "./random.ts";
import { CONCURRENCY, startScene, targets } from "./scene.ts";

const KILLS = 30;

/** Within so long a start is well over, in milliseconds. */
const START_MS = 150;

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
    await scene.settle(10_000);

    const lost = ledger.outstanding();
    const afterCut = ledger.repeats.get("cut")?.withinLife ?? 0;
    console.log(
      `kills survived: ${KILLS}, events acknowledged: ${ledger.acknowledged}, lost: ${lost}, repeated: ` +
        `${ledger.repeated() - afterCut} after a crash, ${afterCut} after a cut answer (FAULT_SEED=${seed})`,
    );
    const { unknown, changedIds } = ledger;
    assert.deepEqual({ lost, unknown, changedIds }, { lost: 0, unknown: 0, changedIds: 0 });
    for (const target of targets) {
      const { afterCrash, withinLife } = ledger.repeats.get(target) ?? { afterCrash: 0, withinLife: 0 };
      assert.ok(afterCrash <= KILLS * CONCURRENCY, `${target}: ${afterCrash} repeats after crashes`);
      assert.ok(
        withinLife <= (target === "cut" ? scene.cuts() : 0),
        `${target}: ${withinLife} repeats without a crash`,
      );
    }
  } finally {
    await scene.close();
  }
});
