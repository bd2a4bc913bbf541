/** The time by which retention deletes, whatever the clock says. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { RetentionTime } from "../../lib/duties/retention.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { makeFolder } from "../helpers/folder.ts";
import { accept, newEvent, T0 } from "../store/samples.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEARS = 20 * 365 * DAY;

/** A store with events of these times after T0, a clock that says T0, and what starts retention anew. */
async function withTime(
  received: number[],
  work: (clock: HandClock, start: () => RetentionTime, store: Store) => Promise<void>,
): Promise<void> {
  const folder = makeFolder();
  const clock = new HandClock(T0);
  const store = openSqlite(join(folder.path, "relay.db"), clock);
  try {
    await accept(store, ...received.map((ms, index) => newEvent(`${index}`, [], { receivedAt: T0 + ms })));
    await work(clock, () => new RetentionTime(store.upkeep, clock), store);
  } finally {
    await store.close();
    folder.remove();
  }
}

/** Goes through so many hours, and gives the time of retention at their end, in milliseconds from T0. */
async function after(hours: number, clock: HandClock, time: RetentionTime): Promise<number> {
  for (let hour = 0; hour < hours; hour++) {
    clock.pass(HOUR);
    await time.now();
  }
  return await time.now() - T0;
}

test("RetentionTime is the clock's while that goes on as time passes, be it off for a while", async () => {
  await withTime([-DAY], async (clock, start) => {
    const time = start();
    await after(24, clock, time);
    assert.equal(await time.now(), clock.now());
    clock.set(clock.now() + 6 * HOUR); // the machine was off
    assert.equal(await after(1, clock, start()), clock.now() - T0);
    clock.set(clock.now() + 62 * HOUR); // over a weekend
    assert.equal(await after(11, clock, start()), clock.now() - T0);
  });
});

for (const isRunning of [true, false]) {
  test(`RetentionTime follows no leap of 20 years ${isRunning ? "while running" : "between starts"}`, async () => {
    await withTime([-DAY], async (clock, start, store) => {
      let time = start();
      await after(24, clock, time);
      const before = await time.now() - T0;
      clock.set(clock.now() + YEARS);
      if (!isRunning) time = start();
      assert.equal(await time.now() - T0, before);
      await accept(store, newEvent("wrong", [], { receivedAt: clock.now() }));
      assert.equal(await after(1, clock, time), before + 7 * HOUR);
      time = start(); // started anew, with that clock still
      assert.equal(await after(1, clock, time), before + 14 * HOUR);
      clock.set(T0 + 26 * HOUR);
      assert.equal(await time.now(), T0 + 26 * HOUR, "never later than the clock says");
      assert.equal(await after(3, clock, time), 29 * HOUR);
      clock.set(clock.now() + 10 * HOUR);
      assert.equal(await time.now() - T0, 29 * HOUR, "and it has not kept its head start");
    });
  });
}

test("RetentionTime goes back with the clock, and is there again when that is right", async () => {
  await withTime([-60 * DAY, -DAY], async (clock, start) => {
    const time = start();
    await after(24, clock, time);
    for (const jump of [10 * HOUR, YEARS]) {
      const before = clock.now();
      clock.set(before - jump);
      assert.equal(await time.now(), before - jump);
      await after(1, clock, time);
      clock.set(before + HOUR);
      assert.equal(await after(2, clock, time), clock.now() - T0);
    }
  });
});

test("RetentionTime starts from the events where nothing is known, and not before the oldest of them", async () => {
  await withTime([-40 * DAY, -30 * DAY], async (clock, start) => {
    assert.equal(await start().now(), T0 - 30 * DAY);
    assert.equal(await after(24, clock, start()), -23 * DAY);
  });
  await withTime([], async (clock, start, store) => {
    clock.set(T0 - YEARS); // a machine that learns the time only when its network is there
    const time = start();
    await time.now();
    clock.set(T0);
    await accept(store, newEvent("1", [], { receivedAt: T0 }));
    assert.equal(await time.now(), T0);
  });
});
