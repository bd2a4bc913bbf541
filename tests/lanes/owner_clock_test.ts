/** An owner of lanes with a clock that is set: while it is wrong, once it is right, and between starts. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { heldAt } from "../../lib/operator/status.ts";
import type { Outcome } from "../../lib/outcome.ts";
import { T0 } from "../store/samples.ts";
import { type Bench, failed, type Script, withOwner } from "./bench.ts";

const HOUR = 3_600_000;
const YEARS = 20 * 365 * 24 * HOUR;

const retry = { scheduleMs: [12 * HOUR, 12 * HOUR], jitter: 0.2 };

/** A target that fails until it is mended. */
function failing(): Script & { mend(): void } {
  let isMended = false;
  return { answer: (): Outcome => isMended ? { kind: "delivered" } : failed, mend: () => isMended = true };
}

/** Sets the clock ahead of the time that has passed since the bench began. */
const ahead = (bench: Bench, byMs: number) => bench.set(T0 + bench.clock.monotonic() + byMs);

for (const [name, byMs] of [["10 hours", 10 * HOUR], ["20 years", YEARS]] as const) {
  for (const isRunning of [true, false]) {
    const when = isRunning ? "while it runs" : "between starts";
    test(`Owner makes at once what failed ${name} ahead, when the clock is right again ${when}`, async () => {
      const a = failing();
      await withOwner({ a }, async (bench) => {
        ahead(bench, byMs);
        await bench.accept(["1"]);
        await bench.clock.run(1_000);
        const { attempts, dueMs } = await bench.told("1");
        assert.ok(attempts === 1 && dueMs! > 9 * HOUR && dueMs! <= 14.4 * HOUR, `${attempts} ${dueMs}`);
        a.mend();
        if (isRunning) ahead(bench, 0);
        else await bench.restart(() => bench.clock.set(T0 + bench.clock.monotonic()));
        await bench.clock.run(1_000);
        assert.equal(await bench.stateOf("1"), "delivered");
      }, { retry });
    });
  }
}

test("Owner takes a due time for what it is when the clock was set back and forth while it waited", async () => {
  await withOwner({ a: failing() }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(1_000);
    assert.equal((await bench.told("1")).attempts, 1);
    ahead(bench, -10 * HOUR); // the wrong one, by which it was put off in the future
    await bench.clock.run(1_000);
    const { attempts, dueMs } = await bench.told("1");
    assert.ok(attempts === 2 && dueMs! <= 14.4 * HOUR, `${attempts} ${dueMs}`);
    ahead(bench, 0);
    assert.ok((await bench.told("1")).dueMs! <= 4.4 * HOUR);
    await bench.clock.run(4.4 * HOUR);
    assert.equal(bench.made.length, 3);
  }, { retry });
});

test("Owner makes what is due when the clock is set ahead", async () => {
  await withOwner({ a: failing() }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(1_000);
    ahead(bench, 15 * HOUR);
    await bench.clock.run(1_000);
    assert.equal(bench.made.length, 2);
  }, { retry });
});

test("Owner measures an attempt during which the clock is set", async () => {
  await withOwner({ a: { takesMs: 200 } }, async (bench) => {
    for (const byMs of [10 * HOUR, -10 * HOUR, YEARS]) {
      await bench.accept([`${byMs}`]);
      await bench.clock.run(100);
      ahead(bench, byMs);
      await bench.clock.run(200);
      const { state, durations } = await bench.told(`${byMs}`);
      assert.deepEqual([state, durations], ["delivered", [200]]);
    }
  });
});

test("Owner keeps a rate, whichever way the clock is set", async () => {
  const rates = [{ perMs: 10 * HOUR, limit: 2 }];
  await withOwner({ a: { policy: { rates } }, b: {} }, async (bench) => {
    await bench.accept(["1", "2", "3"]);
    await bench.clock.run(1_000);
    for (const byMs of [10 * HOUR, -10 * HOUR, YEARS, 0]) {
      ahead(bench, byMs);
      await bench.accept([`${byMs}`], ["a", "b"]);
      await bench.clock.run(1_000);
    }
    assert.deepEqual([bench.keys("a").length, bench.keys("b").length], [2, 4]);
    await bench.clock.run(10 * HOUR);
    assert.equal(bench.keys("a").length, 4);
  });
});

test("Owner keeps a circuit open for its pause, whichever way the clock is set", async () => {
  const policy = { circuit: { failures: 1, pauseMs: HOUR } };
  await withOwner({ a: { ...failing(), policy } }, async (bench) => {
    await bench.accept(["1", "2"]);
    await bench.clock.run(1_000);
    const before = bench.made.length;
    for (const byMs of [10 * HOUR, -10 * HOUR, YEARS, 0]) {
      ahead(bench, byMs);
      await bench.clock.run(10 * 60_000);
      const left = (await bench.store.lanes.holds()).get("a")!.openUntil! - bench.clock.now();
      assert.equal(left, HOUR - bench.clock.monotonic() % HOUR, `${byMs}`);
    }
    assert.equal(bench.made.length, before);
    await bench.clock.run(20 * 60_000);
    assert.equal(bench.made.length, before + 1);
  }, { retry: { scheduleMs: [1_000, 1_000], jitter: 0 } });
});

test("Owner holds a lane for as long as its target asked, and the store says so, whichever way the clock is set", async () => {
  await withOwner({ a: { answer: () => ({ ...failed, pauseMs: HOUR }) } }, async (bench) => {
    ahead(bench, 10 * HOUR);
    await bench.accept(["1"]);
    await bench.clock.run(1_000);
    for (const byMs of [0, -10 * HOUR, YEARS, 0]) {
      ahead(bench, byMs);
      await bench.clock.run(1_000);
      const { throttledUntil } = (await bench.store.lanes.holds()).get("a")!;
      assert.equal(throttledUntil! - bench.clock.now(), HOUR - bench.clock.monotonic());
    }
    await bench.accept(["2"]);
    await bench.clock.run(1_000);
    const target = bench.config.lanes.get("a");
    const hold = (await bench.store.lanes.holds()).get("a");
    assert.equal(heldAt(bench.clock.now(), target, hold)?.state, "throttled");
    assert.equal(bench.made.length, 1);

    // Between starts, so that nothing tells how long it is since.
    await bench.restart(() => bench.clock.set(T0 - 10 * HOUR));
    await bench.clock.run(1_000);
    assert.deepEqual(bench.keys().sort(), ["1", "1", "2"]);
  }, { retry });
});
