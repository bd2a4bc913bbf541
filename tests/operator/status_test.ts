/** The states of targets, and whether a relay runs, as an operator sees them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isSilent, runView } from "../../lib/operator/run.ts";
import { statuses } from "../../lib/operator/status.ts";
import type { TargetView } from "../../lib/store/views.ts";
import type { Run } from "../../lib/store/runs.ts";

const NOW = Date.parse("2026-01-02T03:04:05Z");
const at = (ms: number) => new Date(NOW + ms).toISOString();

/** The state of a target of which this is known. */
function stateOf(parts: Partial<TargetView>, hasCircuit = true): string {
  const view: TargetView = {
    name: "crm",
    pending: 0,
    inFlight: 0,
    dead: 0,
    oldestPendingAt: null,
    lastDeliveredAt: null,
    lastFailedAt: null,
    lastReason: null,
    circuitOpenUntil: null,
    throttledUntil: null,
    pausedAt: null,
    ...parts,
  };
  return statuses([view], [{ name: "crm", hasCircuit }], NOW)[0]!.state;
}

test("statuses() calls no target ok that has nothing but failures, or dead letters", () => {
  const rows: [parts: Partial<TargetView>, state: string][] = [
    [{}, "ok"],
    [{ lastDeliveredAt: at(-1) }, "ok"],
    [{ lastFailedAt: at(-1) }, "failing"],
    [{ lastFailedAt: at(-1), dead: 3 }, "failing"],
    [{ lastFailedAt: at(-1), lastDeliveredAt: at(-2) }, "failing"],
    [{ lastFailedAt: at(-2), lastDeliveredAt: at(-1) }, "ok"],
    [{ lastFailedAt: at(-2), lastDeliveredAt: at(-1), dead: 1 }, "dead_letters"],
    [{ lastFailedAt: at(-1), throttledUntil: at(1) }, "throttled"],
    [{ lastFailedAt: at(-1), throttledUntil: at(-1) }, "failing"],
    [{ lastFailedAt: at(-1), circuitOpenUntil: at(-9) }, "open"],
    [{ lastFailedAt: at(-1), circuitOpenUntil: at(9), pausedAt: at(-5) }, "paused"],
  ];
  for (const [parts, state] of rows) assert.equal(stateOf(parts), state, JSON.stringify(parts));
  assert.equal(
    stateOf({ lastFailedAt: at(-1), circuitOpenUntil: at(9) }, false),
    "failing",
    "its circuit is off by now",
  );
});

test("runView() shows pid and listeners of a relay that runs alone, and when another one was heard of last", () => {
  const run: Run = {
    pid: 7,
    version: "1.2.3",
    since: NOW - 9_000,
    heardAt: NOW - 1_000,
    config: "/x",
    listeners: [{ name: "listen", url: "http://0.0.0.0:3000" }],
    targets: [],
  };
  const up = runView(run, true);
  assert.deepEqual([up.running, up.pid, up.since, up.version, up.listeners.length], [true, 7, at(-9_000), "1.2.3", 1]);
  assert.deepEqual([isSilent(up, NOW), isSilent(up, NOW + 60_000)], [false, true]);
  const down = runView({ ...run, refusedReload: { since: NOW, problem: "p", mistakes: [] } }, false);
  assert.deepEqual(down, {
    running: false,
    pid: null,
    since: null,
    version: null,
    listeners: [],
    lastHeardAt: at(-1_000),
    stoppedAt: null,
    reload: null,
  });
  assert.equal(isSilent(down, NOW + 60_000), false);
  assert.equal(runView({ ...run, stoppedAt: NOW }, false).stoppedAt, at(0));
  assert.deepEqual([runView(undefined, false).lastHeardAt, runView(undefined, true).running], [null, true]);
});
