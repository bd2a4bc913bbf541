/** Watching: what is noticed of the clock. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { startWatching } from "../../lib/pipeline/watch.ts";
import type { Store } from "../../lib/store/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { until } from "../helpers/wait.ts";

test("startWatching() notices that the clock was set, either way, once each time, and not that time passes", async () => {
  let looks = 0;
  const store = { version: async () => ++looks } as unknown as Store;
  const clock = new HandClock(1_800_000_000_000);
  let changes = 0;
  let times = 0;
  const stop = startWatching(store, clock, { onChange: () => changes++, onClockSet: () => times++ });
  const look = async () => {
    const seen = looks;
    await until("a look", () => looks > seen);
  };
  try {
    for (const ms of [36_000_000, -36_000_000, 20 * 365 * 86_400_000, -2_000]) {
      const before = times;
      clock.set(clock.now() + ms);
      await look();
      assert.equal(times, before + 1, `${ms}`);
      clock.pass(3_600_000);
      await look();
      assert.equal(times, before + 1, `${ms}`);
    }
    assert.ok(changes >= 7);
  } finally {
    stop();
  }
});
