/** An owner of lanes while something changes: by an operator, by another config, and when it stops. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "../../lib/errors.ts";
import { Told } from "../../lib/locale/told.ts";
import type { Outcome } from "../../lib/outcome.ts";
import { redactor } from "../../lib/secret.ts";
import { newEvent } from "../store/samples.ts";
import { type Bench, failed, refused, withOwner } from "./bench.ts";

const HOUR = 3_600_000;

test("Owner.refresh() drops what was read of a lane that an operator paused, until it is resumed", async () => {
  await withOwner({ a: { takesMs: 100, policy: { concurrency: 1 } } }, async (bench) => {
    await bench.accept(["1", "2", "3"]);
    await bench.clock.run(50);
    await bench.store.pause("a", bench.clock.now());
    const before = bench.looks;
    bench.owner.refresh();
    await bench.clock.run(HOUR);
    assert.deepEqual([bench.keys(), await bench.stateOf("1")], [["1"], "delivered"]);
    await bench.accept(["4"]);
    await bench.clock.run(1_000);
    assert.equal(bench.looks, before, "what is paused is not read");
    await bench.store.resume("a");
    bench.owner.refresh();
    await bench.clock.run(1_000);
    assert.deepEqual(bench.keys(), ["1", "2", "3", "4"]);
  });
});

test("Owner.refresh() drops what was read: a delivery that an operator retried is made by its new set of attempts", async () => {
  const retry = { scheduleMs: [1_000, HOUR], jitter: 0 };
  await withOwner({ a: { answer: () => failed, policy: { retry } } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(2_000);
    assert.deepEqual(bench.times(), [0, 1_000]);
    await bench.store.retry([{ event: 1, number: 1 }], bench.clock.now());
    bench.owner.refresh();
    await bench.clock.run(4_000);
    assert.deepEqual(bench.times(), [0, 1_000, 2_000, 3_000]);
    assert.equal((await bench.told("1")).attempts, 4);
  });
});

test("Owner.refresh() drops what was read: what an operator retried before it began is made once", async () => {
  await withOwner({ a: { takesMs: 100, policy: { concurrency: 1 } } }, async (bench) => {
    await bench.accept(["1", "2"]);
    await bench.clock.run(50);
    await bench.store.retry([{ event: 2, number: 1 }], bench.clock.now());
    bench.owner.refresh();
    await bench.clock.run(1_000);
    assert.deepEqual(bench.keys(), ["1", "2"]);
  });
});

test("Owner keeps an attempt in history alone whose delivery was retried while it was under way", async () => {
  const retry = { scheduleMs: [HOUR], jitter: 0 };
  const outcomes: Outcome[] = [refused, failed];
  const answer = () => outcomes.shift()!;
  await withOwner({ a: { answer, takesMs: 100, policy: { retry } } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(50);
    await bench.store.retry([{ event: 1, number: 1 }], bench.clock.now());
    bench.owner.refresh();
    await bench.clock.run(1_000);
    assert.equal(bench.made.length, 2, "tried at once, and never twice at the same time");
    assert.equal(bench.most, 1);
    const { state, dueMs, durations } = await bench.told("1");
    assert.deepEqual([state, durations], ["pending", [100, 100]]);
    assert.ok(dueMs! > HOUR - 1_000, "the first failure of the new set");
  });
});

test("Owner keeps an attempt in history alone whose lane has another owner by then", async () => {
  await withOwner({ a: { takesMs: 100 } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(50);
    await bench.store.lanes.own(["a"], "another");
    await bench.clock.run(100);
    const { state, attempts, durations } = await bench.told("1");
    assert.deepEqual([state, attempts, durations], ["pending", 0, [100]]);
  });
});

test("Owner leaves a lane alone once somebody else has taken it over", async () => {
  await withOwner({ a: { takesMs: 100, policy: { concurrency: 1 } }, b: {} }, async (bench) => {
    await bench.accept(["1", "2", "3"]);
    await bench.clock.run(50);
    await bench.store.lanes.own(["a"], "somebody else");
    await bench.clock.run(60_000);
    const [made, state] = [bench.made.length, await bench.stateOf("3")];
    await bench.clock.run(600_000);
    assert.ok(made <= 2, `${made} attempts`);
    assert.deepEqual([bench.made.length, state], [made, "pending"]);
  });
});

test("Owner leaves what waits for a target that the config does not name, and makes it once it does", async () => {
  await withOwner({ a: {} }, async (bench) => {
    const { config } = bench;
    await bench.within(bench.owner.use({ ...config, lanes: new Map() }));
    await bench.accept(["1"]);
    await bench.clock.run(HOUR);
    assert.equal(bench.made.length, 0);
    await bench.within(bench.owner.use(config));
    await bench.clock.run(100);
    assert.equal(await bench.stateOf("1"), "delivered");
  });
});

test("Owner masks the secrets of the config under which an attempt began", async () => {
  const answer = () => ({ ...refused, detail: Told.of("It said: old secret"), answer: "no: old secret" });
  await withOwner({ a: { takesMs: 100, answer } }, async (bench) => {
    const { config } = bench;
    await bench.accept(["1"]);
    await bench.clock.run(50);
    await bench.within(bench.owner.use({ ...config, redact: redactor(["new secret"]) }));
    const [one] = (await bench.store.story(newEvent("1").id))!.deliveries[0]!.history;
    assert.deepEqual([one!.detail, one!.answer], [Told.of("It said: [secret]"), "no: [secret]"]);
  }, { redact: redactor(["old secret"]) });
});

test("Owner.use() resolves once what was under way before has ended, and is recorded", async () => {
  await withOwner({ a: { takesMs: 1_000 } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(100);
    const unlock = bench.lock();
    let isDone = false;
    const used = bench.owner.use({ ...bench.config }).then(() => isDone = true);
    await bench.clock.run(2_000);
    assert.equal(isDone, false);
    unlock();
    await bench.within(used);
    assert.equal(await bench.stateOf("1"), "delivered");
  });
});

test("Owner.use() forgets of a target that is another one now what attempts said of it", async () => {
  const a = { answer: () => ({ ...failed, pauseMs: HOUR }), parts: { url: "http://here/1" } };
  await withOwner({ a }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(100);
    await bench.accept(["2"]);
    await bench.within(bench.owner.use({ ...bench.config, lanes: bench.lanesOf({ a }) }));
    await bench.clock.run(1_000);
    assert.equal(bench.made.length, 1, "the same target goes on waiting");
    // On the same host, which is all that its address shows.
    const lanes = bench.lanesOf({ a: { parts: { url: "http://here/2" } } });
    await bench.within(bench.owner.use({ ...bench.config, lanes }));
    await bench.clock.run(1_000);
    assert.equal(await bench.stateOf("2"), "delivered");
  });
});

/** Has the store fail once at something. */
function failOnce<Name extends "own" | "holds" | "bringForward">({ store: { lanes } }: Bench, name: Name): void {
  const before = lanes[name];
  lanes[name] = () => {
    lanes[name] = before;
    return Promise.reject(new StoreError("Cannot write to the store: database or disk is full"));
  };
}

test("Owner.use() takes lanes over as soon as the store lets it", async () => {
  await withOwner({ a: {} }, async (bench) => {
    failOnce(bench, "own");
    const lanes = bench.lanesOf({ a: {}, b: {} });
    await bench.within(bench.owner.use({ ...bench.config, lanes }));
    await bench.accept(["1"], ["a", "b"]);
    await bench.clock.run(5_000);
    assert.deepEqual(bench.made.map(({ lane }) => lane), ["a", "b"]);
  });
});

test("Owner.use() goes on under the last config, also where the store let it take over none at first", async () => {
  await withOwner({ a: {} }, async (bench) => {
    failOnce(bench, "own");
    const { config } = bench;
    await bench.within(bench.owner.use({ ...config, lanes: bench.lanesOf({ b: {} }) }));
    await bench.within(bench.owner.use(config));
    await bench.clock.run(5_000);
    await bench.accept(["1"], ["a", "b"]);
    await bench.clock.run(5_000);
    assert.deepEqual(bench.made.map(({ lane }) => lane), ["a"]);
  });
});

test("Owner.refresh() learns of a pause as soon as the store can be read", async () => {
  await withOwner({ a: {} }, async (bench) => {
    await bench.store.pause("a", bench.clock.now());
    failOnce(bench, "holds");
    bench.owner.refresh();
    await bench.clock.run(5_000);
    await bench.accept(["1"]);
    await bench.clock.run(5_000);
    assert.equal(await bench.stateOf("1"), "pending");
  });
});

test("Owner.stop() has nothing begin, woken just before or not", async () => {
  await withOwner({ a: {} }, async (bench) => {
    await bench.clock.run(100);
    const before = bench.looks;
    await bench.accept(["1"]);
    await bench.stop();
    bench.owner.wake();
    await bench.clock.run(HOUR);
    assert.deepEqual([bench.looks - before, bench.made.length, await bench.stateOf("1")], [0, 0, "pending"]);
  });
});

test("Owner.stop() leaves what was under way as it was, and the next owner makes it", async () => {
  await withOwner({ a: { takesMs: 500 } }, async (bench) => {
    await bench.accept(["1"]);
    const before = bench.rows("deliveries");
    await bench.clock.run(100);
    assert.deepEqual(bench.owner.underway.map(({ lane, event }) => [lane, event]), [["a", 1]]);
    await bench.stop(100);
    assert.deepEqual([bench.rows("deliveries"), bench.rows("attempts")], [before, []]);
    assert.deepEqual(bench.owner.underway, []);
    await bench.restart();
    await bench.clock.run(1_000);
    assert.deepEqual(bench.made.map(({ key, attempt }) => [key, attempt]), [["1", 1], ["1", 1]]);
    assert.deepEqual([await bench.stateOf("1"), (await bench.told("1")).attempts], ["delivered", 1]);
  });
});

test("Owner.stop() waits for what ends within the drain, and begins nothing behind it", async () => {
  await withOwner({ a: { takesMs: 500, policy: { concurrency: 1 } } }, async (bench) => {
    await bench.accept(["1", "2"]);
    await bench.clock.run(100);
    await bench.stop(10_000);
    assert.ok(bench.clock.monotonic() < 1_000, `${bench.clock.monotonic()} ms`);
    assert.deepEqual([await bench.stateOf("1"), await bench.stateOf("2")], ["delivered", "pending"]);
    assert.equal((await bench.store.lanes.own(["a"], "next")).get("a")!.wasGivenUp, true);
  });
});

test("Owner.stop() ends although the store does not take what was delivered, which stays as it was", async () => {
  await withOwner({ a: {} }, async (bench) => {
    let count = 0;
    await bench.accept(["1"]);
    bench.store.write = () => {
      count++;
      return Promise.reject(new StoreError("Cannot record attempts: database or disk is full"));
    };
    await bench.clock.run(10_000);
    assert.ok(count > 1 && bench.made.length === 1, `${count} writes, ${bench.made.length} attempts`);
    await bench.stop();
    const before = count;
    await bench.clock.run(10_000);
    assert.ok(count <= before + 1, "it does not go on");
    assert.deepEqual([await bench.stateOf("1"), bench.rows("attempts")], ["pending", []]);
    assert.equal((await bench.store.lanes.own(["a"], "next")).get("a")!.wasGivenUp, false);
  });
});
