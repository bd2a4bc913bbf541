/** Watching: what is noticed of the store and of the clock. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { watch } from "../../lib/lanes/watch.ts";
import { HandClock } from "../helpers/clock.ts";

/** Watches a store whose count of changes is `changes()`, and counts what is told. */
async function watching(
  changes: () => Promise<number>,
  work: (clock: HandClock, told: { refresh: number; clockWasSet: number; checkOrder: number }) => Promise<void>,
): Promise<void> {
  const clock = new HandClock(1_800_000_000_000);
  const told = { refresh: 0, clockWasSet: 0, checkOrder: 0 };
  const stop = new AbortController();
  const ended = watch(
    { changes },
    {
      refresh: () => told.refresh++,
      clockWasSet: () => told.clockWasSet++,
      checkOrder: () => told.checkOrder++,
    },
    clock,
    stop.signal,
  );
  await work(clock, told);
  stop.abort();
  await ended;
}

test("watch() notices what others change within half a second, at the start too, and nothing where nothing changes", async () => {
  let count = 5;
  await watching(async () => count, async (clock, told) => {
    await clock.run(500);
    assert.equal(told.refresh, 1, "what was changed before it began");
    await clock.run(10_000);
    assert.equal(told.refresh, 1);
    count++;
    await clock.run(500);
    assert.equal(told.refresh, 2);
  });
});

test("watch() goes on after the store could not be read", async () => {
  let count = 0;
  let fails = false;
  const changes = async () => {
    if (fails) throw new Error("the disk is away");
    return count;
  };
  await watching(changes, async (clock, told) => {
    await clock.run(500);
    fails = true;
    await clock.run(1_000);
    assert.equal(told.refresh, 1);
    fails = false;
    count++;
    await clock.run(500);
    assert.equal(told.refresh, 2);
  });
});

test("watch() notices that the clock was set, either way, at once and a little later, and not that time passes", async () => {
  await watching(async () => 0, async (clock, told) => {
    for (const ms of [36_000_000, -36_000_000, 20 * 365 * 86_400_000, -2_000]) {
      const before = told.clockWasSet;
      clock.set(clock.now() + ms);
      await clock.run(500);
      assert.equal(told.clockWasSet, before + 1, `${ms}`);
      await clock.run(20_000);
      assert.equal(told.clockWasSet, before + 2, `${ms}, for what was recorded late`);
      await clock.run(3_600_000);
      assert.equal(told.clockWasSet, before + 2, `${ms}`);
    }
  });
});

test("watch() has order keys looked at once a minute", async () => {
  await watching(async () => 0, async (clock, told) => {
    await clock.run(600_000);
    assert.ok(told.checkOrder >= 9 && told.checkOrder <= 10, `${told.checkOrder}`);
  });
});
