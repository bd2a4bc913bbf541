/** Duties: that they run once, from when they are taken over until they are given up or lost. In simulated time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Duties } from "../../lib/duties/mod.ts";
import { DUTIES } from "../../lib/own_lane.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { makeFolder } from "../helpers/folder.ts";
import { T0 } from "../store/samples.ts";

test("Duties that are taken over twice at once, as after a machine slept, run once, and stop when they are lost", async () => {
  const clock = new HandClock(T0);
  const { path, remove } = makeFolder();
  const store = openSqlite(`${path}/relay.db`, clock);
  try {
    const { lanes, upkeep } = store;
    const own = lanes.own.bind(lanes);
    const answer = Promise.withResolvers<void>();
    lanes.own = async (...args) => {
      const owned = await own(...args);
      await answer.promise; // of the first call, which comes late
      return owned;
    };
    let looks = 0;
    upkeep.observe = () => (looks++, Promise.resolve(false));
    const looksIn = async (ms: number) => {
      looks = 0;
      await clock.run(ms);
      return looks;
    };
    const duties = new Duties(
      store,
      () => ({ keep: { deliveredMs: 1e9, deadMs: 1e9 }, alerts: [], targets: new Map() }),
      () => {},
      "own",
      clock,
    );
    const takeFrom = (number: number) => duties.take([{ lane: DUTIES, number, token: "" }]);
    const takes = [takeFrom(0), takeFrom(1)];
    await clock.run(100);
    answer.resolve();
    const [first, second] = await Promise.all(takes);
    assert.deepEqual(first, second);
    await clock.run(100);
    assert.equal(await looksIn(10_000), 10);
    duties.lose();
    assert.equal(await looksIn(10_000), 0);
  } finally {
    await store.close();
    remove();
  }
});
