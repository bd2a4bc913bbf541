/** An owner of lanes: when it reads what is due, and what it begins. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { StoreError } from "../../lib/errors.ts";
import { systemEvent } from "../../lib/system_event.ts";
import { accept, newEvent } from "../store/samples.ts";
import { failed, withOwner } from "./bench.ts";

const HOUR = 3_600_000;

test("Owner.wake() costs one look, however often it is called at once", async () => {
  await withOwner({ a: {} }, async (bench) => {
    await bench.clock.run(100);
    await accept(bench.store, newEvent("1"));
    const before = bench.looks;
    for (let call = 0; call < 100; call++) bench.owner.wake();
    await bench.clock.run(100);
    assert.equal(await bench.stateOf("1"), "delivered");
    assert.equal(bench.looks - before, 1);
  });
});

test("Owner looks once for all that is due, and makes it at once", async () => {
  await withOwner({ a: {}, b: {} }, async (bench) => {
    await bench.clock.run(100);
    const before = bench.looks;
    await bench.accept(Array.from({ length: 100 }, (_, index) => `${index}`), ["a", "b"]);
    await bench.clock.run(100);
    assert.equal(bench.made.length, 200);
    assert.ok(bench.looks - before <= 2, `${bench.looks - before} looks`);
  });
});

test("Owner makes what it is offered without a look", async () => {
  await withOwner({ a: {}, b: {} }, async (bench) => {
    await bench.clock.run(100);
    const before = bench.looks;
    await bench.offer(["1", "2"], ["b", "a"]);
    await bench.clock.run(100);
    assert.deepEqual([bench.keys("a"), bench.keys("b"), bench.looks - before], [["1", "2"], ["1", "2"], 0]);
    assert.deepEqual([await bench.stateOf("1"), await bench.stateOf("2")], ["delivered", "delivered"]);
  });
});

test("Owner makes each delivery once, in order, of more than it takes of what it is offered", async () => {
  const keys = Array.from({ length: 1_000 }, (_, index) => `${index}`);
  await withOwner({ a: { takesMs: 10, policy: { concurrency: 1 } } }, async (bench) => {
    await bench.clock.run(100);
    const before = bench.looks;
    await bench.offer(keys.slice(0, 500));
    await bench.clock.run(2_000);
    await bench.offer(keys.slice(500));
    await bench.clock.run(30_000);
    assert.deepEqual(bench.keys(), keys);
    assert.ok(bench.mostKnown <= 128, `${bench.mostKnown} in memory`);
    assert.ok(bench.looks - before >= 6, `${bench.looks - before} looks for what was not taken`);
  });
});

test("Owner takes no more into memory than a mebibyte of what it is offered, and makes it all", async () => {
  const body = Buffer.alloc(300_000, '{"key":"1"}'.padEnd(300_000));
  const keys = Array.from({ length: 20 }, (_, index) => `${index}`);
  await withOwner({ a: { policy: { concurrency: 1 }, takesMs: 10 } }, async (bench) => {
    await bench.clock.run(100);
    const before = bench.looks;
    await bench.offer(keys, ["a"], { body });
    await bench.clock.run(1_000);
    assert.equal(bench.made.length, 20);
    assert.ok(bench.looks - before >= 4, `${bench.looks - before} looks`);
  });
});

test("Owner has more under way to a target that answers quickly, and no more to one that does not", async () => {
  const policy = { concurrency: 2, quickConcurrency: 16 };
  const keys = Array.from({ length: 300 }, (_, index) => `${index}`);
  for (const [takesMs, most] of [[10, 16], [200, 2]] as const) {
    await withOwner({ a: { takesMs, policy } }, async (bench) => {
      await bench.offer(keys);
      await bench.clock.run(40_000);
      assert.deepEqual([bench.made.length, bench.most], [300, most]);
    });
  }
});

test("Owner has what it is offered wait for what waits already, and for those of its order key", async () => {
  await withOwner({ a: { takesMs: 10 } }, async (bench) => {
    await bench.clock.run(100);
    await bench.offer(["1"], ["a:rex"]);
    await bench.offer(["2"]);
    await bench.offer(["3"], ["a:rex"]);
    await bench.clock.run(1_000);
    assert.deepEqual(bench.keys(), ["1", "2", "3"]);
    const [first, second, third] = bench.times();
    assert.deepEqual([second! - first!, third! - first! >= 10], [0, true]);
  });
});

test("Owner makes nothing of what it was offered and an operator has changed since", async () => {
  await withOwner({ a: { takesMs: 1_000, policy: { concurrency: 1 } } }, async (bench) => {
    await bench.clock.run(100);
    await bench.offer(["1", "2"]);
    await bench.clock.run(100);
    bench.change("DELETE FROM deliveries WHERE event = 2");
    bench.owner.refresh();
    await bench.clock.run(5_000);
    assert.deepEqual(bench.keys(), ["1"]);
  });
});

test("Owner sleeps until something is due, however long that is", async () => {
  const a = { answer: () => failed, policy: { retry: { scheduleMs: [500, 60 * HOUR], jitter: 0 } } };
  await withOwner({ a }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(1_000);
    assert.deepEqual(bench.times(), [0, 500]);
    const before = bench.looks;
    await bench.clock.run(60 * HOUR - 1_000);
    assert.deepEqual([bench.made.length, bench.looks - before], [2, 0]);
    await bench.clock.run(1_000);
    assert.deepEqual(bench.times(), [0, 500, 60 * HOUR + 500]);
  });
});

test("Owner pauses before the next attempt from the end of the one that failed", async () => {
  const a = { answer: () => failed, takesMs: 300, policy: { retry: { scheduleMs: [200], jitter: 0 } } };
  await withOwner({ a }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(2_000);
    assert.deepEqual(bench.times(), [0, 500]);
    assert.equal(await bench.stateOf("1"), "dead");
  });
});

test("Owner keeps the rate where the store is slow to say what is due", async () => {
  await withOwner({ a: { policy: { rates: [{ perMs: 1_000, limit: 1 }] } } }, async (bench) => {
    await bench.clock.run(100);
    const { lanes } = bench.store;
    const due = lanes.due;
    lanes.due = async (asks) => {
      await bench.clock.sleep(700);
      return await due(asks);
    };
    await bench.accept(["1", "2", "3"]);
    await bench.clock.run(10_000);
    const [first, second, third] = bench.times() as [number, number, number];
    assert.ok(second - first >= 1_000 && third - second >= 1_000, `${bench.times()}`);
  });
});

test("Owner keeps a rate over restarts", async () => {
  await withOwner({ a: { policy: { rates: [{ perMs: HOUR, limit: 2 }] } } }, async (bench) => {
    await bench.accept(["1", "2", "3"]);
    await bench.clock.run(1_000);
    for (let start = 0; start < 3; start++) await bench.restart();
    await bench.clock.run(HOUR - 10_000);
    assert.deepEqual(bench.keys(), ["1", "2"]);
    await bench.clock.run(10_000);
    assert.deepEqual(bench.keys(), ["1", "2", "3"]);
  });
});

test("Owner counts what may have been under way against the rate when the owner before did not give the lane up", async () => {
  const policy = { concurrency: 2, rates: [{ perMs: HOUR, limit: 3 }] };
  await withOwner({ a: { policy } }, async (bench) => {
    await bench.store.lanes.own(["a"], "one that was killed");
    await bench.restart(); // the lane is not its own any more, so that it gives nothing up
    await bench.accept(["1", "2", "3"]);
    await bench.clock.run(HOUR - 1_000);
    assert.equal(bench.made.length, 1);
    await bench.clock.run(2_000);
    assert.equal(bench.made.length, 3);
  });
});

test("Owner sleeps while a lane's circuit is open, however much is due, from the end of the attempt that opened it", async () => {
  const policy = { circuit: { failures: 1, pauseMs: 400 }, concurrency: 1, retry: { scheduleMs: [10], jitter: 0 } };
  let isFailing = true;
  const a = { policy, takesMs: 200, answer: () => isFailing ? failed : { kind: "delivered" } as const };
  await withOwner({ a }, async (bench) => {
    await bench.accept(Array.from({ length: 200 }, (_, index) => `${index}`));
    await bench.clock.run(300);
    const hold = (await bench.store.lanes.holds()).get("a")!;
    assert.equal(hold.openUntil! - bench.clock.now(), 300);
    const before = bench.looks;
    await bench.clock.run(299);
    assert.deepEqual([bench.times(), bench.looks - before], [[0], 0]);
    isFailing = false;
    await bench.clock.run(250);
    assert.deepEqual(bench.times(), [0, 600, 800]);
    assert.equal((await bench.store.lanes.holds()).get("a")!.openUntil, undefined);
  });
});

test("Owner lets a lane wait for none that is full or held", async () => {
  const slow = { takesMs: HOUR, policy: { concurrency: 1 } };
  const held = { answer: () => ({ ...failed, pauseMs: HOUR }) };
  await withOwner({ slow, held, a: {} }, async (bench) => {
    await bench.accept(["1", "2", "3"], ["slow", "held", "a"]);
    await bench.clock.run(1_000);
    assert.deepEqual(bench.keys("a"), ["1", "2", "3"]);
    assert.equal(bench.keys("slow").length, 1);
  });
});

test("Owner makes what came in while it read what is due", async () => {
  await withOwner({ a: {} }, async (bench) => {
    await bench.clock.run(100);
    const { lanes } = bench.store;
    const due = lanes.due;
    lanes.due = async (asks) => {
      const found = await due(asks);
      await bench.clock.sleep(100);
      return found;
    };
    bench.owner.wake();
    await bench.clock.run(50);
    await bench.accept(["1"]);
    await bench.clock.run(1_000);
    assert.equal(await bench.stateOf("1"), "delivered");
  });
});

test("Owner looks again by itself after a store that did not answer", async () => {
  await withOwner({ a: {} }, async (bench) => {
    await bench.clock.run(100);
    const { lanes } = bench.store;
    const due = lanes.due;
    lanes.due = () => {
      lanes.due = due;
      return Promise.reject(new StoreError("Cannot read the store: database is locked"));
    };
    await bench.accept(["1"]);
    await bench.clock.run(5_000);
    assert.equal(await bench.stateOf("1"), "delivered");
  });
});

test("Owner keeps a lane's concurrency, and makes nothing twice, while the store is locked", async () => {
  await withOwner({ a: { takesMs: 100, policy: { concurrency: 1 } } }, async (bench) => {
    await bench.accept(["1", "2", "3"]);
    await bench.clock.run(50);
    const unlock = bench.lock();
    for (let call = 0; call < 100; call++) {
      bench.owner.wake();
      await bench.clock.run(100);
    }
    assert.deepEqual([bench.most, bench.keys()], [1, ["1", "2", "3"]]);
    unlock();
    await bench.clock.run(10_000);
    for (const key of ["1", "2", "3"]) assert.deepEqual(await bench.stateOf(key), "delivered");
    assert.equal(bench.made.length, 3);
  });
});

test("Owner asks no route about a system event", async () => {
  const asked: unknown[] = [];
  const when = (event: unknown) => asked.push((event as { event: string }).event);
  const routes = [{ on: ["**"], to: ["a"], when, message: { body: { of: "the route" } } }];
  await withOwner({ a: {} }, async (bench) => {
    await accept(bench.store, systemEvent("relay.test", ["a"], { target: "a" }, bench.clock.now()));
    await bench.accept(["1"]);
    await bench.clock.run(100);
    assert.deepEqual(asked, ["note.failed"]);
    assert.deepEqual(bench.made.map(({ delivery }) => delivery.message), [{}, { body: { of: "the route" } }]);
  }, { routes });
});

test("Owner counts no attempt that was deferred, and holds the lane, also over a restart", async () => {
  let isOver = false;
  const answer = () => isOver ? { kind: "delivered" } as const : { kind: "deferred", pauseMs: 60_000 } as const;
  await withOwner({ a: { answer } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(1_000);
    await bench.accept(["2"]);
    await bench.clock.run(1_000);
    assert.deepEqual([bench.keys(), await bench.told("1")], [["1"], {
      state: "pending",
      attempts: 0,
      dueMs: -2_000,
      durations: [],
    }]);
    isOver = true;
    await bench.restart();
    await bench.clock.run(57_000);
    assert.equal(bench.made.length, 1);
    await bench.clock.run(2_000);
    assert.deepEqual(bench.made.map(({ key, attempt }) => [key, attempt]), [["1", 1], ["1", 1], ["2", 1]]);
    assert.equal(await bench.stateOf("1"), "delivered");
  });
});

test("Owner comes in few looks to what is ready behind many of a key that is blocked, and keeps their order", async () => {
  const retry = { scheduleMs: [HOUR], jitter: 0 };
  const blocked = Array.from({ length: 300 }, (_, index) => `rex ${index}`);
  const answer = ({ key, attempt }: { key: string; attempt: number }) =>
    key === "rex 0" && attempt === 1 ? failed : { kind: "delivered" } as const;
  await withOwner({ a: { answer, policy: { retry, concurrency: 2 } } }, async (bench) => {
    await bench.accept(blocked, ["a:rex"]);
    await bench.accept(["1", "2"]);
    const before = bench.looks;
    await bench.clock.run(1_000);
    assert.deepEqual(bench.keys(), ["rex 0", "1", "2"]);
    assert.ok(bench.looks - before < 20, `${bench.looks - before} looks`);
    assert.ok(bench.mostKnown < 200, `${bench.mostKnown} in memory`);
    await bench.clock.run(2 * HOUR);
    assert.deepEqual(bench.keys().slice(3), blocked);
    assert.equal(await bench.stateOf("rex 299"), "delivered");
  });
});

test("Owner takes up over a restart what it had parked", async () => {
  const retry = { scheduleMs: [HOUR], jitter: 0 };
  const blocked = Array.from({ length: 100 }, (_, index) => `rex ${index}`);
  const answer = ({ key, attempt }: { key: string; attempt: number }) =>
    key === "rex 0" && attempt === 1 ? failed : { kind: "delivered" } as const;
  await withOwner({ a: { answer, policy: { retry } } }, async (bench) => {
    await bench.accept(blocked, ["a:rex"]);
    await bench.clock.run(1_000);
    await bench.restart();
    await bench.clock.run(HOUR);
    assert.deepEqual(bench.keys().slice(1), blocked);
  });
});

for (const when of ["start", "checkOrder"] as const) {
  test(`Owner.${when}() gives an order key its turn whose head is parked`, async () => {
    await withOwner({ a: {} }, async (bench) => {
      await bench.store.pause("a", bench.clock.now());
      await bench.restart();
      await bench.accept(["1", "2"], ["a:rex"]);
      bench.change("UPDATE deliveries SET due_at = NULL");
      await bench.store.resume("a");
      if (when === "start") await bench.restart();
      else {
        bench.owner.refresh();
        await bench.clock.run(1_000);
        bench.change("UPDATE deliveries SET due_at = NULL, state = 'pending', attempts = 0");
        bench.made.length = 0;
        bench.owner.checkOrder();
      }
      await bench.clock.run(1_000);
      assert.deepEqual(bench.keys(), ["1", "2"]);
    });
  });
}
