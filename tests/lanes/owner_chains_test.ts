/** An owner of lanes whose deliveries are steps of chains: one begins after the other until one has arrived. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { NewDelivery, NewEvent } from "../../lib/event.ts";
import { newEvent } from "../store/samples.ts";
import { type Bench, failed, refused, type Script, withOwner } from "./bench.ts";

const MINUTE = 60_000;
const WITHIN = 10 * MINUTE;

/** A chain of these lanes, several of which may be one step, each with an order key after a colon if it has one. */
function chained(...steps: (string | string[])[]): Partial<NewEvent> {
  const deliveries = steps.flatMap((step, index) =>
    [step].flat().map((text): NewDelivery => {
      const [target = "", orderKey] = text.split(":");
      const chain = { chain: 0, step: index + 1, withinMs: WITHIN, until: "delivered" as const, hasProof: false };
      return { target, ...(orderKey !== undefined && { orderKey }), chain };
    })
  );
  return { deliveries };
}

/** The attempts so far: the lane of each, and in which minute it began. */
const made = ({ made }: Bench) => made.map(({ lane, at }) => `${lane} ${Math.floor(at / MINUTE)}`);

const states = async ({ store }: Bench, key = "1") =>
  (await store.story(newEvent(key).id))!.deliveries.map(({ target, state }) => `${target} ${state}`);

const failing: Script = { answer: () => failed, policy: { retry: { scheduleMs: [MINUTE], jitter: 0 } } };
const dying: Script = { answer: () => refused };
/** It fails for so many minutes, and tries again each minute. */
const slow = (minutes: number): Script => ({
  answer: ({ at }) => at < minutes * MINUTE ? failed : { kind: "delivered" },
  policy: { retry: { scheduleMs: Array(60).fill(MINUTE), jitter: 0 }, circuit: undefined },
});

test("Owner makes the first step of a chain alone if that is delivered", async () => {
  await withOwner({ a: {}, b: {}, c: {} }, async (bench) => {
    await bench.offer(["1"], [], chained("a", "b", "c"));
    await bench.clock.run(60 * MINUTE);
    assert.deepEqual(made(bench), ["a 0"]);
    assert.deepEqual(await states(bench), ["a delivered", "b skipped", "c skipped"]);
  });
});

test("Owner begins the next step of a chain at once when the one before is dead", async () => {
  await withOwner({ a: failing, b: dying, c: {} }, async (bench) => {
    await bench.offer(["1"], [], chained("a", "b", "c"));
    await bench.clock.run(60 * MINUTE);
    assert.deepEqual(made(bench), ["a 0", "a 1", "b 1", "c 1"]);
    assert.deepEqual(await states(bench), ["a dead", "b dead", "c delivered"]);
  });
});

test("Owner begins the next step of a chain when its time has come, and the one after that later", async () => {
  await withOwner({ a: slow(99), b: slow(99), c: {} }, async (bench) => {
    await bench.offer(["1"], [], chained("a", "b", "c"));
    await bench.clock.run(WITHIN - 1);
    assert.deepEqual(bench.keys("b"), []);
    await bench.clock.run(1_000);
    assert.deepEqual(bench.keys("b"), ["1"]);
    await bench.clock.run(WITHIN - 2_000);
    assert.deepEqual(bench.keys("c"), []);
    await bench.clock.run(2_000);
    assert.deepEqual(bench.keys("c"), ["1"]);
    assert.deepEqual(await states(bench), ["a skipped", "b skipped", "c delivered"]);
    const before = bench.made.length;
    await bench.clock.run(60 * MINUTE);
    assert.equal(bench.made.length, before, "what was skipped is not tried again");
  });
});

test("Owner goes on with a chain after a restart in between", async () => {
  await withOwner({ a: slow(99), b: {} }, async (bench) => {
    await bench.offer(["1"], [], chained("a", "b"));
    await bench.clock.run(5 * MINUTE);
    await bench.restart();
    await bench.clock.run(4 * MINUTE);
    assert.deepEqual(bench.keys("b"), []);
    await bench.restart();
    await bench.clock.run(2 * MINUTE);
    assert.deepEqual(bench.keys("b"), ["1"]);
    assert.deepEqual(await states(bench), ["a skipped", "b delivered"]);
  });
});

test("Owner begins a step whose time came while no relay ran", async () => {
  await withOwner({ a: slow(99), b: {} }, async (bench) => {
    await bench.offer(["1"], [], chained("a", "b"));
    await bench.clock.run(MINUTE);
    await bench.restart(() => bench.clock.pass(60 * MINUTE));
    await bench.clock.run(1_000);
    assert.deepEqual(bench.keys("b"), ["1"]);
  });
});

test("Owner records a late success of a step, and skips the next one that is still tried", async () => {
  await withOwner({ a: slow(15), b: slow(99), c: {} }, async (bench) => {
    await bench.offer(["1"], [], chained("a", "b", "c"));
    await bench.clock.run(60 * MINUTE);
    assert.deepEqual(await states(bench), ["a delivered", "b skipped", "c skipped"]);
    assert.deepEqual([made(bench).filter((one) => one.startsWith("b")).at(-1), bench.keys("c")], ["b 15", []]);
  });
});

test("Owner records a success that ends after another step has satisfied the chain as history", async () => {
  await withOwner({ a: { takesMs: 20 * MINUTE }, b: {} }, async (bench) => {
    await bench.offer(["1"], [], chained("a", "b"));
    await bench.clock.run(60 * MINUTE);
    assert.deepEqual(await states(bench), ["a skipped", "b delivered"]);
    const { deliveries } = (await bench.store.story(newEvent("1").id))!;
    assert.deepEqual(deliveries.map(({ history }) => history.map(({ outcome }) => outcome)), [["delivered"], [
      "delivered",
    ]]);
  });
});

test("Owner forgets a step that was skipped before its turn", async () => {
  const a: Script = {
    ...slow(12),
    answer: ({ key, at }) => key === "1" && at > 12 * MINUTE ? { kind: "delivered" } : failed,
  };
  const b: Script = { policy: { concurrency: 1 }, takesMs: 30 * MINUTE };
  await withOwner({ a, b }, async (bench) => {
    await bench.offer(["0", "1"], [], chained("a", "b"));
    await bench.clock.run(120 * MINUTE);
    assert.deepEqual(bench.keys("b"), ["0"], "the other one was read along with it");
    assert.deepEqual(await states(bench), ["a delivered", "b skipped"]);
  });
});

test("Owner takes all recipients of a step for dead before the next one begins, and one for enough", async () => {
  await withOwner({ a: dying, b: slow(3), c: {} }, async (bench) => {
    await bench.offer(["1"], [], chained(["a", "b"], "c"));
    await bench.clock.run(60 * MINUTE);
    assert.deepEqual(await states(bench), ["a dead", "b delivered", "c skipped"]);
  });
  await withOwner({ a: dying, b: failing, c: {} }, async (bench) => {
    await bench.offer(["1"], [], chained(["a", "b"], "c"));
    await bench.clock.run(60 * MINUTE);
    assert.deepEqual(made(bench), ["a 0", "b 0", "b 1", "c 1"]);
  });
});

test("Owner keeps the order of a key past a step that waits, and goes on when it is skipped", async () => {
  await withOwner({ a: slow(5), b: {} }, async (bench) => {
    await bench.offer(["1"], [], chained("a", "b:rex"));
    await bench.offer(["2", "3"], ["b:rex"]);
    await bench.offer(["4"], ["b:fifi"]);
    await bench.clock.run(4 * MINUTE);
    assert.deepEqual(bench.keys("b"), ["4"]);
    await bench.clock.run(2 * MINUTE);
    assert.deepEqual(bench.keys("b"), ["4", "2", "3"]);
  });
});

test("Owner begins a step in its time, though others of its key stand before it", async () => {
  const b: Script = {
    answer: ({ key }) => key === "0" ? failed : { kind: "delivered" },
    policy: { circuit: undefined },
  };
  await withOwner({ a: slow(99), b, c: {} }, async (bench) => {
    await bench.offer(["0"], ["b:rex"]);
    await bench.offer(["1"], [], chained("a", "b:rex", "c"));
    await bench.clock.run(2 * WITHIN + MINUTE);
    assert.deepEqual([bench.keys("b").includes("1"), bench.keys("c")], [false, ["1"]]);
  }, { retry: { scheduleMs: Array(99).fill(MINUTE), jitter: 0 } });
});

test("Owner holds a step whose target is paused, while the time of the next one runs", async () => {
  await withOwner({ a: slow(99), b: {}, c: {} }, async (bench) => {
    await bench.store.pause("b", bench.clock.now());
    bench.owner.refresh();
    await bench.offer(["1"], [], chained("a", "b", "c"));
    for (let minutes = 0; minutes < 22; minutes++) {
      await bench.clock.run(MINUTE);
      bench.owner.checkOrder(); // as the relay does once a minute
    }
    assert.deepEqual([bench.keys("b"), bench.keys("c")], [[], ["1"]]);
    await bench.store.resume("b");
    bench.owner.refresh();
    await bench.clock.run(MINUTE);
    assert.deepEqual(await states(bench), ["a skipped", "b skipped", "c delivered"]);
  });
});

test("Owner passes over a step whose lane no config names, however many there are", async () => {
  const many = Array.from({ length: 1_100 }, (_, index) => `${index}`);
  await withOwner({ a: { takesMs: 99 * MINUTE }, c: {} }, async (bench) => {
    await bench.offer(many, [], chained("a", "gone", "c"));
    for (let minutes = 0; minutes < 22; minutes++) {
      await bench.clock.run(MINUTE);
      bench.owner.checkOrder();
    }
    assert.equal(bench.keys("c").length, many.length);
  });
});

test("Owner has the circuit of a step's target hold that step, and begins the next one", async () => {
  const b: Script = { answer: () => failed, policy: { circuit: { failures: 1, pauseMs: 60 * MINUTE } } };
  await withOwner({ a: dying, b, c: {} }, async (bench) => {
    await bench.offer(["0"], ["b"]);
    await bench.clock.run(1_000);
    await bench.offer(["1"], [], chained("a", "b", "c"));
    await bench.clock.run(9 * MINUTE);
    assert.deepEqual([bench.keys("b"), bench.keys("c")], [["0"], []]);
    await bench.clock.run(2 * MINUTE);
    assert.deepEqual([bench.keys("b"), bench.keys("c")], [["0"], ["1"]]);
    assert.deepEqual(await states(bench), ["a dead", "b skipped", "c delivered"]);
  });
});

test("Owner begins a step that an operator retries", async () => {
  await withOwner({ a: slow(99), b: {} }, async (bench) => {
    await bench.offer(["1"], [], chained("a", "b"));
    await bench.clock.run(MINUTE);
    await bench.store.retry([{ event: 1, number: 2 }], bench.clock.now());
    bench.owner.refresh();
    await bench.clock.run(1_000);
    assert.deepEqual(await states(bench), ["a skipped", "b delivered"]);
  });
});

test("Owner makes at once what an operator retries of a chain, in quiet hours too, at its first step as at the next", async () => {
  const quiet = { from: 0, to: 24 * 60 - 1, zone: "UTC", except: [] };
  await withOwner({ a: { policy: { quiet }, answer: () => refused }, b: { policy: { quiet } } }, async (bench) => {
    await bench.offer(["1"], [], chained("a", "b"));
    await bench.clock.run(MINUTE);
    assert.deepEqual(made(bench), []);
    await bench.store.retry([{ event: 1, number: 1 }], bench.clock.now());
    bench.owner.refresh();
    await bench.clock.run(MINUTE);
    assert.deepEqual(made(bench), ["a 1"], "the step after it waits for its target's quiet hours to end");
    await bench.store.retry([{ event: 1, number: 2 }], bench.clock.now());
    bench.owner.refresh();
    await bench.clock.run(MINUTE);
    assert.deepEqual(made(bench), ["a 1", "b 2"]);
  });
});
