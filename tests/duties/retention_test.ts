/** Retention: rounds that go on whatever the store answers, and end when they are told to. In simulated time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { startRetention } from "../../lib/duties/retention.ts";
import { StoreError } from "../../lib/errors.ts";
import type { Expired, KeepPolicy, UpkeepStore } from "../../lib/store/upkeep.ts";
import { HandClock, settle } from "../helpers/clock.ts";

const DAY_MS = 86_400_000;
const brief: KeepPolicy = { deliveredMs: 1, deadMs: 1 };

/** Deletes by this policy, in a store that answers as `expire` says to its n-th call. */
async function withRetention(
  keep: KeepPolicy,
  expire: (call: number) => Promise<Expired>,
  work: (clock: HandClock, calls: () => number, stop: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const clock = new HandClock(1_800_000_000_000);
  let calls = 0;
  const store = {
    expire: () => expire(++calls),
    retention: async () => ({}),
    keepRetention: async () => {},
    shrink: async () => false,
  } as Partial<UpkeepStore> as UpkeepStore;
  const stop = startRetention(store, () => keep, clock);
  await work(clock, () => calls, stop);
  await stop();
}

/** A batch after which there is always more. */
const endless = async (call: number): Promise<Expired> => ({ deleted: 1, next: call });

test("startRetention() goes on after a round that failed", async () => {
  const expire = async (call: number): Promise<Expired> => {
    if (call === 1) throw new StoreError("Cannot delete old events: database or disk is full");
    return { deleted: 0 };
  };
  await withRetention(brief, expire, async (clock, calls) => {
    await clock.run(10_000);
    assert.ok(calls() > 1, `${calls()}`);
  });
});

test("startRetention() leaves room between batches, and ends in the middle of a round", async () => {
  await withRetention(brief, endless, async (clock, calls, stop) => {
    await clock.run(2_000);
    const before = calls();
    assert.ok(before > 0);
    await clock.run(1_000);
    assert.ok(calls() - before <= 20, `${calls() - before} batches in a second`);
    await stop();
    const ended = calls();
    await clock.run(60_000);
    assert.equal(calls(), ended);
  });
});

test("startRetention() ends no sooner than the batch that it is at", async () => {
  const written = Promise.withResolvers<void>();
  const slow = () => written.promise.then((): Expired => ({ deleted: 0 }));
  await withRetention(brief, slow, async (clock, calls, stop) => {
    await clock.run(2_000);
    assert.equal(calls(), 1);
    let isOver = false;
    const stopped = stop().then(() => isOver = true);
    await settle();
    assert.equal(isOver, false);
    written.resolve();
    await stopped;
  });
});

test("startRetention() sleeps where events are kept for years, and ends at once", async () => {
  const years = { deliveredMs: 1_000 * DAY_MS, deadMs: 1_000 * DAY_MS };
  await withRetention(years, endless, async (clock, calls) => {
    await clock.run(59_000);
    assert.equal(calls(), 0);
    await clock.run(2_000);
    assert.ok(calls() > 0);
  });
});
