/** An owner that shares a store with others: it owns what it is told to take, until it gives that up or loses it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "../../lib/errors.ts";
import { Bench, type Script } from "./bench.ts";

/** Has an owner at work that shares its lanes, and owns none yet. */
async function withShared(scripts: Record<string, Script>, work: (bench: Bench) => Promise<void>): Promise<void> {
  const bench = new Bench(scripts);
  bench.shared = new Set();
  await bench.start();
  try {
    await work(bench);
  } finally {
    await bench.close();
  }
}

/** @param number Of the epochs that were seen. */
async function take(bench: Bench, lanes: string[], number = 0): Promise<void> {
  for (const lane of lanes) bench.shared!.add(lane);
  const epochs = await bench.within(bench.owner.take(lanes.map((lane) => ({ lane, number, token: "" }))));
  assert.deepEqual([...epochs.keys()], lanes);
  bench.owner.wake();
}

test("Owner makes nothing of a lane before it takes it over", async () => {
  await withShared({ a: {}, b: {} }, async (bench) => {
    await bench.accept(["1"], ["a", "b"]);
    await bench.offer(["2"], ["a", "b"]);
    await bench.clock.run(1_000);
    assert.deepEqual(bench.made, []);
    await take(bench, ["b"]);
    await bench.clock.run(1_000);
    assert.deepEqual([bench.keys("a"), bench.keys("b")], [[], ["1", "2"]]);
    assert.deepEqual(bench.owner.names(), ["a", "b"]);
  });
});

test("Owner gives a lane up once nothing is under way there, and begins nothing more", async () => {
  await withShared({ a: { takesMs: 500, policy: { concurrency: 1 } }, b: { takesMs: 10 } }, async (bench) => {
    await take(bench, ["a", "b"]);
    await bench.accept(["1", "2"]);
    await bench.clock.run(100);
    let gaveUpAt = -1;
    const begunAt = bench.clock.monotonic();
    bench.owner.giveUp("a").then(() => gaveUpAt = bench.clock.monotonic() - begunAt);
    await bench.clock.run(100);
    assert.equal(gaveUpAt, -1, "an attempt is under way");
    await bench.clock.run(2_000);
    assert.ok(gaveUpAt >= 300 && gaveUpAt < 450, `${gaveUpAt}`);
    assert.deepEqual([await bench.stateOf("1"), await bench.stateOf("2")], ["delivered", "pending"]);
    await bench.accept(["3"], ["b"]);
    await bench.clock.run(100);
    assert.equal(await bench.stateOf("3"), "delivered", "the other lane goes on");
    const owned = await bench.store.lanes.own(["a"], "another owner");
    assert.equal(owned.get("a")!.wasGivenUp, true);
  });
});

test("Owner aborts what is under way in a lane that it loses, and makes it again when it has it back", async () => {
  await withShared({ a: { takesMs: 5_000 } }, async (bench) => {
    await take(bench, ["a"]);
    await bench.accept(["1"]);
    await bench.clock.run(1_000);
    bench.shared!.delete("a");
    bench.owner.lose("a");
    await bench.clock.run(10);
    assert.equal(bench.made[0]!.endedAt! < bench.clock.monotonic(), true);
    await bench.clock.run(10_000);
    assert.deepEqual([bench.keys(), await bench.stateOf("1")], [["1"], "pending"]);
    assert.equal((await bench.store.lanes.own(["a"], "another owner")).get("a")!.wasGivenUp, false);
    await take(bench, ["a"], 2);
    await bench.clock.run(6_000);
    assert.deepEqual([bench.keys(), await bench.stateOf("1")], [["1", "1"], "delivered"]);
  });
});

test("Owner gives no lane up before it is written until when that one is held", async () => {
  await withShared({ a: { answer: () => ({ kind: "deferred", pauseMs: 60_000 }) } }, async (bench) => {
    await take(bench, ["a"]);
    const { store } = bench;
    const write = store.write.bind(store);
    const isFree = Promise.withResolvers<void>();
    store.write = async (batch) => {
      if (batch.lanes.length > 0) await isFree.promise;
      return await write(batch);
    };
    await bench.accept(["1"]);
    await bench.clock.run(100);
    let isGivenUp = false;
    bench.owner.giveUp("a").then(() => isGivenUp = true);
    await bench.clock.run(100);
    assert.deepEqual([bench.keys(), isGivenUp], [["1"], false]);
    isFree.resolve();
    await bench.clock.run(100);
    const { hold, wasGivenUp } = (await store.lanes.own(["a"], "another owner")).get("a")!;
    assert.deepEqual([isGivenUp, wasGivenUp, hold.throttledUntil !== undefined], [true, true, true]);
  });
});

test("Owner gives up a lane that it loses while nothing is under way there, unless somebody has taken it over", async () => {
  await withShared({ a: {}, b: {} }, async (bench) => {
    await take(bench, ["a", "b"]);
    await bench.store.lanes.own(["b"], "another owner");
    for (const lane of ["a", "b"]) {
      bench.shared!.delete(lane);
      bench.owner.lose(lane);
    }
    await bench.clock.run(10);
    const owned = await bench.store.lanes.own(["a", "b"], "a third owner");
    assert.deepEqual([owned.get("a")!.wasGivenUp, owned.get("b")!.wasGivenUp], [true, false]);
  });
});

test("Owner that has a lane back goes on with it, though what it wrote before comes late and in an old epoch", async () => {
  await withShared({ a: { takesMs: 10 } }, async (bench) => {
    await take(bench, ["a"]);
    const { store } = bench;
    const write = store.write.bind(store);
    let isAway = true;
    store.write = (batch) => {
      const isHeld = isAway && batch.lanes.length > 0;
      return isHeld ? Promise.reject(Object.assign(new StoreError("it is away"), { isHeld })) : write(batch);
    };
    await bench.accept(["1"]);
    await bench.clock.run(100);
    bench.owner.lose("a");
    await take(bench, ["a"], 1);
    isAway = false;
    await bench.clock.run(5_000);
    await bench.accept(["2"]);
    await bench.clock.run(5_000);
    assert.deepEqual([await bench.stateOf("1"), await bench.stateOf("2")], ["delivered", "delivered"]);
  });
});

test("Owner begins nothing while it may not, without a look, and goes on when it is woken", async () => {
  await withShared({ a: { takesMs: 10 } }, async (bench) => {
    await take(bench, ["a"]);
    await bench.accept(["1"]);
    await bench.clock.run(100);
    bench.shared!.delete("a");
    await bench.accept(["2"]);
    const before = bench.looks;
    await bench.clock.run(60_000);
    assert.deepEqual([bench.keys(), bench.looks - before], [["1"], 0]);
    bench.shared!.add("a");
    bench.owner.wake();
    await bench.clock.run(100);
    assert.deepEqual(bench.keys(), ["1", "2"]);
  });
});

test("Owner that is stopped gives up what it has, and leaves what others have", async () => {
  await withShared({ a: {}, b: {} }, async (bench) => {
    await take(bench, ["a"]);
    await bench.store.lanes.own(["b"], "another owner");
    await bench.stop(1_000);
    const owned = await bench.store.lanes.own(["a", "b"], "a third owner");
    assert.deepEqual([owned.get("a")!.wasGivenUp, owned.get("b")!.wasGivenUp], [true, false]);
  });
});
