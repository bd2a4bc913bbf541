/** Observing: that all that came in is taken into account, soon after. In simulated time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { startObserving } from "../../lib/duties/observing.ts";
import { StoreError } from "../../lib/errors.ts";
import { HandClock, settle } from "../helpers/clock.ts";

test("startObserving() goes on until there is no more, and looks again once a second", async () => {
  const clock = new HandClock(1_800_000_000_000);
  let [calls, more] = [0, 5];
  const stop = startObserving({ observe: async () => (calls++, more-- > 0) }, clock);
  await settle();
  assert.equal(calls, 6);
  more = 2;
  await clock.run(1_500);
  assert.equal(calls, 9);
  await stop();
  await clock.run(5_000);
  assert.equal(calls, 9);
});

test("startObserving() goes on after a look that failed", async () => {
  const clock = new HandClock(1_800_000_000_000);
  let calls = 0;
  const observe = async () => {
    if (calls++ === 0) throw new StoreError("Cannot read the store: the disk is away");
    return false;
  };
  const stop = startObserving({ observe }, clock);
  await clock.run(1_500);
  assert.equal(calls, 2);
  await stop();
});
