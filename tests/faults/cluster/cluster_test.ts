/**
 * A short run of the cluster: a relay that stops, one that dies, and some other faults by chance, which `FAULT_SEED` repeats.
 * `deno task cluster` has them all.
 */

// Runs on Deno alone: it drives the executable.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseSeed, randomOf } from "../random.ts";
import { runCluster } from "./run.ts";
import { someFaults } from "./script.ts";

/**
 * How much longer a lane may stand still here than it is allowed to, as other suites run at the same time, in milliseconds.
 */
const SLACK_MS = 5_000;

/** How many faults beside the two that are always there. */
const OTHERS = 2;

test("serve loses, repeats and delays nothing that it may not, as one of three on one PostgreSQL", async () => {
  const seed = chooseSeed();
  const { phases, acknowledged, findings } = await runCluster({
    seed,
    only: someFaults(randomOf(seed), OTHERS),
    perSecond: 10,
    slackMs: SLACK_MS,
    progress: (line) => console.log(line),
  });
  console.log(`acknowledged: ${acknowledged} (FAULT_SEED=${seed})`);
  assert.deepEqual(findings, [], `FAULT_SEED=${seed}`);
  assert.equal(phases.length, 2 + OTHERS);
});
