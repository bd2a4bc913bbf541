/** An owner of lanes whose targets have quiet hours. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemEvent } from "../../lib/system_event.ts";
import type { Policy } from "../../lib/targets/target.ts";
import { accept, T0 } from "../store/samples.ts";
import { type Bench, failed, withOwner } from "./bench.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** From 03:00 to 07:00 UTC; it is a little past 03:04 as each test begins. */
const quiet = { from: 3 * 60, to: 7 * 60, zone: "UTC", except: [] as string[] };
const END = Date.parse("2026-01-02T07:00:00Z") - T0;

const policyOf = (parts: Partial<typeof quiet> = {}): Partial<Policy> => ({ quiet: { ...quiet, ...parts } });

/** Has the owner go by another policy of its target. */
async function reload(bench: Bench, policy: Partial<Policy>): Promise<void> {
  bench.config = { ...bench.config, lanes: bench.lanesOf({ a: { policy } }) };
  await bench.within(bench.owner.use(bench.config));
  await bench.clock.run(100);
}

test("Owner has deliveries wait until quiet hours end, and counts no attempt", async () => {
  await withOwner({ a: { policy: policyOf() } }, async (bench) => {
    await bench.accept(["1", "2"]);
    await bench.clock.run(1_000);
    await bench.offer(["3"]);
    await bench.clock.run(1_000);
    for (const key of ["1", "2", "3"]) {
      assert.deepEqual(await bench.told(key), { state: "pending", attempts: 0, dueMs: END - 2_000, durations: [] });
    }
    await bench.clock.run(END - 2_001);
    assert.deepEqual(bench.made, []);
    await bench.clock.run(1);
    assert.deepEqual([bench.keys(), bench.times()], [["1", "2", "3"], [END, END, END]]);
    await bench.clock.run(1_000);
    assert.equal(await bench.stateOf("3"), "delivered");
    await bench.offer(["4"]);
    await bench.clock.run(1_000);
    assert.equal(await bench.stateOf("4"), "delivered");
  });
});

test("Owner looks no more than once for each delivery that it puts off", async () => {
  await withOwner({ a: { policy: policyOf() } }, async (bench) => {
    await bench.clock.run(1_000);
    const before = bench.looks;
    await bench.accept(Array.from({ length: 100 }, (_, index) => `${index}`));
    await bench.clock.run(2 * HOUR);
    assert.ok(bench.looks - before <= 3, `${bench.looks - before} looks`);
  });
});

test("Owner makes at once what quiet hours except, and what relay itself tells", async () => {
  await withOwner({ a: { policy: policyOf({ except: ["note.transcription.*"] }) } }, async (bench) => {
    await bench.accept(["1"], ["a"], { type: "note.transcription.failed" });
    await bench.accept(["2"]);
    await accept(bench.store, systemEvent("relay.test", ["a"], { target: "a" }, bench.clock.now()));
    bench.owner.wake();
    await bench.clock.run(1_000);
    assert.deepEqual(bench.made.map(({ delivery }) => delivery.event.type), [
      "note.transcription.failed",
      "relay.test",
    ]);
  });
});

test("Owner has a retry wait that is due in quiet hours, and no other", async () => {
  const retry = { scheduleMs: [30 * MINUTE, 30 * MINUTE], jitter: 0 };
  const a = { answer: () => failed, policy: { ...policyOf({ from: 3 * 60 + 30 }), retry } };
  await withOwner({ a }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(31 * MINUTE);
    assert.deepEqual(bench.times(), [0]);
    assert.deepEqual([(await bench.told("1")).attempts, (await bench.told("1")).dueMs], [1, END - 31 * MINUTE]);
    await bench.clock.run(END);
    assert.deepEqual(bench.times(), [0, END, END + 30 * MINUTE]);
    assert.equal((await bench.told("1")).attempts, 3);
  });
});

test("Owner keeps the order of a key over quiet hours, whatever they except", async () => {
  await withOwner({ a: { policy: policyOf({ except: ["note.completed"] }) } }, async (bench) => {
    await bench.accept(["1"], ["a:rex"]);
    await bench.accept(["2"], ["a:rex"], { type: "note.completed" });
    await bench.clock.run(1_000);
    assert.deepEqual(bench.made, []);
    await bench.clock.run(END);
    assert.deepEqual(bench.keys(), ["1", "2"]);
  });
});

test("Owner keeps quiet over a restart, and makes at once what waited for an end that has passed by then", async () => {
  await withOwner({ a: { policy: policyOf() } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(1_000);
    await bench.restart(() => bench.clock.pass(HOUR));
    await bench.accept(["2"]);
    await bench.clock.run(1_000);
    assert.deepEqual([bench.made, (await bench.told("1")).dueMs], [[], END - bench.clock.monotonic()]);
    await bench.restart(() => bench.clock.pass(4 * HOUR));
    const at = bench.clock.monotonic();
    await bench.clock.run(1_000);
    assert.deepEqual([bench.keys(), bench.times()], [["1", "2"], [at, at]]);
  });
});

test("Owner goes by the clock that is set, whichever way", async () => {
  await withOwner({ a: { policy: policyOf() } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(1_000);
    bench.set(T0 + 5 * HOUR);
    await bench.clock.run(1_000);
    assert.deepEqual(bench.keys(), ["1"]);

    bench.set(T0 + 24 * HOUR); // ahead by a day, in quiet hours
    await bench.accept(["2"]);
    await bench.clock.run(1_000);
    assert.deepEqual([bench.keys(), (await bench.told("2")).dueMs], [["1"], END - 1_000]);
    bench.set(T0 + bench.clock.monotonic());
    await bench.clock.run(1_000);
    assert.deepEqual([bench.keys(), (await bench.told("2")).dueMs], [["1"], END - bench.clock.monotonic()]);
    bench.set(T0 - HOUR);
    await bench.clock.run(1_000);
    assert.deepEqual(bench.keys(), ["1", "2"]);
  });
});

test("Owner makes at once what an operator retries, in quiet hours too, and has the attempt after it wait", async () => {
  const a = { answer: () => failed, policy: { ...policyOf(), retry: { scheduleMs: [1_000], jitter: 0 } } };
  await withOwner({ a }, async (bench) => {
    await bench.accept(["1", "2"]);
    await bench.clock.run(1_000);
    await bench.store.retry([{ event: 1, number: 1 }], bench.clock.now());
    bench.owner.refresh();
    await bench.clock.run(5_000);
    assert.deepEqual([bench.keys(), bench.times()], [["1"], [1_000]]);
    await bench.restart();
    await bench.clock.run(1_000);
    assert.deepEqual([(await bench.told("1")).dueMs, (await bench.told("2")).dueMs], [END - 7_000, END - 7_000]);
  });
});

const reloads: [what: string, policy: Partial<Policy>, at: number][] = [
  ["has none", {}, MINUTE],
  ["has others that are over", policyOf({ from: 2 * 60, to: 3 * 60 }), MINUTE],
  ["has shorter ones", policyOf({ to: 5 * 60 }), END - 2 * HOUR],
  ["has longer ones", policyOf({ to: 8 * 60 }), END + HOUR],
  ["has the same", policyOf(), END],
  ["excepts it", policyOf({ except: ["note.*"] }), MINUTE],
  ["excepts others", policyOf({ except: ["note.completed"] }), END],
];

for (const [what, policy, at] of reloads) {
  test(`Owner has what waits go by the rules of a config that ${what}`, async () => {
    await withOwner({ a: { policy: policyOf() } }, async (bench) => {
      await bench.accept(["1"]);
      await bench.clock.run(MINUTE);
      await reload(bench, policy);
      await bench.clock.run(6 * HOUR);
      assert.deepEqual(bench.times(), [at]);
    });
  });
}

test("Owner has what waits go by the rules of the config that it starts with", async () => {
  await withOwner({ a: { policy: policyOf() } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(MINUTE);
    bench.config = { ...bench.config, lanes: bench.lanesOf({ a: {} }) };
    await bench.restart();
    await bench.clock.run(1_000);
    assert.deepEqual(bench.times(), [MINUTE]);
  });
});

test("Owner.use() leaves pauses between attempts as they are", async () => {
  const retry = { scheduleMs: [2 * HOUR], jitter: 0 };
  await withOwner({ a: { answer: () => failed, policy: { ...policyOf({ from: 4 * 60 }), retry } } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(1_000);
    await reload(bench, { retry });
    await bench.clock.run(6 * HOUR);
    assert.deepEqual(bench.times(), [0, 2 * HOUR]);
  });
});

test("Owner puts off what it was about to by the rules of a config that is replaced meanwhile", async () => {
  await withOwner({ a: { policy: policyOf() } }, async (bench) => {
    await bench.clock.run(1_000);
    const { lanes } = bench.store;
    const postpone = lanes.postpone.bind(lanes);
    lanes.postpone = async (epoch, postponed) => {
      await bench.clock.sleep(5_000);
      return await postpone(epoch, postponed);
    };
    await bench.accept(["1"]);
    await bench.clock.run(100);
    await reload(bench, {});
    await bench.clock.run(10_000);
    assert.deepEqual(bench.keys(), ["1"]);
  });
});

test("Owner tries again to put off what the store did not take, and makes nothing of it meanwhile", async () => {
  await withOwner({ a: { policy: policyOf() } }, async (bench) => {
    await bench.clock.run(1_000);
    await bench.accept(["1"]);
    const free = bench.lock();
    await bench.clock.run(100);
    free();
    await bench.clock.run(10_000);
    assert.deepEqual([bench.made, (await bench.told("1")).dueMs], [[], END - bench.clock.monotonic()]);
  });
});

test("Owner leaves to another owner what it was about to put off, and asks the store for it no more than once a second", async () => {
  await withOwner({ a: { policy: policyOf() } }, async (bench) => {
    await bench.clock.run(1_000);
    await bench.store.lanes.own(["a"], "another owner");
    await bench.accept(["1"]);
    const before = bench.looks;
    await bench.clock.run(10_000);
    assert.ok(bench.looks - before <= 12, `${bench.looks - before} looks`);
    assert.equal((await bench.told("1")).dueMs, -10_000, "as it was");
  });
});
