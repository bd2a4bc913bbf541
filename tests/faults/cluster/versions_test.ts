/** Two relays on one PostgreSQL, each replaced by a newer version, under load. `FAULT_SEED` repeats it. */

// Runs on Deno alone: it drives the executable.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseSeed } from "../random.ts";
import { runCluster } from "./run.ts";

/**
 * How much longer a lane may stand still here than it is allowed to, as other suites run at the same time, in milliseconds.
 */
const SLACK_MS = 5_000;

test("serve loses, repeats and delays nothing while another version takes its place", async () => {
  const seed = chooseSeed();
  const { phases, acknowledged, findings } = await runCluster({
    seed,
    only: ["versions"],
    size: 2,
    perSecond: 10,
    slackMs: SLACK_MS,
    progress: (line) => console.log(line),
  });
  console.log(`acknowledged: ${acknowledged} (FAULT_SEED=${seed})`);
  assert.deepEqual(findings, [], `FAULT_SEED=${seed}`);
  assert.equal(phases.length, 1);
});
