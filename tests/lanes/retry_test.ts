/** When a failed delivery is tried again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nextAttemptAt } from "../../lib/lanes/retry.ts";

const NOW = Date.UTC(2026, 0, 1);
const policy = { scheduleMs: [5_000, 30_000, 120_000], jitter: 0.2 };

const rows: [what: string, failures: number, pauseMs: number, random: number, afterMs: number | undefined][] = [
  ["the first pause after the first failure", 1, 0, 0.5, 5_000],
  ["the second pause after the second failure", 2, 0, 0.5, 30_000],
  ["the last pause after as many failures as pauses", 3, 0, 0.5, 120_000],
  ["nothing after one failure more", 4, 0, 0.5, undefined],
  ["nothing long after that", 1_000_000, 0, 0.5, undefined],
  ["nothing more for a target that asks for a pause", 4, 60_000, 0.5, undefined],
  ["the pause less the jitter at the least", 1, 0, 0, 4_000],
  ["the pause and the jitter at the most", 1, 0, 1, 6_000],
  ["the target's pause where that is later", 1, 60_000, 0.5, 60_000],
  ["the schedule's pause where that is later", 2, 10_000, 0.5, 30_000],
  ["the target's pause where jitter would go below it", 1, 5_000, 0, 5_000],
];

for (const [what, failures, pauseMs, random, afterMs] of rows) {
  test(`nextAttemptAt() gives ${what}`, () => {
    const expected = afterMs === undefined ? undefined : NOW + afterMs;
    assert.equal(nextAttemptAt(policy, failures, NOW, pauseMs, random), expected);
  });
}

test("nextAttemptAt() gives nothing without a schedule", () => {
  assert.equal(nextAttemptAt({ scheduleMs: [], jitter: 0 }, 1, NOW, 60_000, 0.5), undefined);
});

test("nextAttemptAt() stays within the jitter, never before the target's pause, and is a whole time", () => {
  const longest = 2 ** 31 - 1; // of a duration in a config
  fc.assert(fc.property(
    fc.integer({ min: 0, max: longest }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.integer({ min: 0, max: 3_600_000 }),
    fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    (planned, jitter, pauseMs, random) => {
      const at = nextAttemptAt({ scheduleMs: [planned], jitter }, 1, NOW, pauseMs, random)!;
      assert.ok(Number.isSafeInteger(at));
      assert.ok(at >= NOW + Math.max(pauseMs, Math.floor(planned * (1 - jitter))));
      assert.ok(at <= NOW + Math.max(pauseMs, Math.ceil(planned * (1 + jitter))));
      assert.doesNotThrow(() => new Date(at).toISOString());
    },
  ));
});

test("nextAttemptAt() uses the whole width of the jitter", () => {
  const times = Array.from({ length: 11 }, (_, step) => nextAttemptAt(policy, 1, NOW, 0, step / 10)! - NOW);
  assert.deepEqual(times, [4000, 4200, 4400, 4600, 4800, 5000, 5200, 5400, 5600, 5800, 6000]);
});
