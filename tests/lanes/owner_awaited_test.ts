/** An owner of lanes whose deliveries need something first, which is fetched in a lane of relay's own. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { Told } from "../../lib/locale/told.ts";
import type { Delivered, Outcome } from "../../lib/outcome.ts";
import type { NewDelivery } from "../../lib/event.ts";
import { systemEvent } from "../../lib/system_event.ts";
import type { Target } from "../../lib/targets/target.ts";
import { accept, newEvent } from "../store/samples.ts";
import { failed, refused, type Script, withOwner } from "./bench.ts";

const LANE = "relay::notes";
const MINUTE = 60_000;

const found: Delivered = { kind: "delivered", fetched: Buffer.from('{"name":"Rex"}') };

const fetching = (answer: () => Outcome = () => found, parts: Script = {}): Script => ({
  answer,
  ...parts,
  policy: { retry: { scheduleMs: [], jitter: 0 }, ...parts.policy },
});

/** Routes to these targets, whose messages need what is fetched in the lane. */
const needing = (isOptional: boolean, ...to: string[]) => ({
  routes: [{ on: ["**"], to, message: {}, enrich: { lane: LANE, isOptional } }],
});

/** Deliveries that await the lane, as they are accepted. */
const awaiting = (targets: string[], patienceMs?: number, lane = LANE): { deliveries: NewDelivery[] } => ({
  deliveries: targets.map((target) => ({ target, awaits: { lane, patienceMs } })),
});

test("Owner fetches once what an event's deliveries await, then makes them with it", async () => {
  const scripts = { a: {}, b: {}, [LANE]: fetching(undefined, { takesMs: 300 }) };
  await withOwner(scripts, async (bench) => {
    await bench.accept(["1"], [], awaiting(["a", "b"]));
    await bench.clock.run(299);
    assert.deepEqual(bench.made.map(({ lane }) => lane), [LANE]);
    await bench.clock.run(100);
    assert.deepEqual(
      bench.made.slice(1).map(({ lane, delivery }) => [lane, delivery.event.note?.name]).sort(),
      [["a", "Rex"], ["b", "Rex"]],
    );
    assert.equal(await bench.stateOf("1"), "delivered");
  }, needing(false, "a", "b"));
});

test("Owner has deliveries await what the config asks for since they were accepted, in few looks", async () => {
  const rates = [{ perMs: MINUTE, limit: 10 }];
  const scripts = { a: { policy: { concurrency: 1 } }, [LANE]: fetching(undefined, { policy: { rates } }) };
  const needs = needing(false, "a");
  const routes = needs.routes.map((route) => ({ ...route, on: ["note.failed"] }));
  await withOwner(scripts, async (bench) => {
    const waiting = Array.from({ length: 500 }, (_, index) => `${index}`);
    await bench.accept(waiting);
    await bench.accept(["ready"], ["a"], { type: "note.other" });
    const before = bench.looks;
    await bench.clock.run(1_000);
    assert.ok(bench.keys("a").includes("ready"));
    assert.equal(bench.keys("a").length, 11);
    assert.ok(bench.looks - before < 60, `${bench.looks - before} looks`);
    await bench.clock.run(50 * MINUTE);
    assert.equal(bench.keys("a").length, 501);
    assert.equal(bench.keys(LANE).length, 500);
    assert.ok(bench.made.every(({ lane, key, delivery }) => lane !== "a" || key === "ready" || delivery.event.note));
  }, { routes });
});

test("Owner has a system event await nothing", async () => {
  const a = { parts: { enrich: { lane: LANE, isOptional: false } as Target["enrich"] } };
  await withOwner({ a, [LANE]: fetching() }, async (bench) => {
    await accept(bench.store, systemEvent("relay.test", ["a"], { target: "a" }, bench.clock.now()));
    bench.owner.wake();
    await bench.clock.run(1_000);
    assert.deepEqual(bench.made.map(({ lane }) => lane), ["a"]);
  });
});

test("Owner ends a delivery as what it needs did, and has that fetched anew when it is tried again", async () => {
  const outcomes: Outcome[] = [failed, refused, found];
  const scripts = {
    a: { policy: { retry: { scheduleMs: [1_000], jitter: 0 } } },
    [LANE]: fetching(() => outcomes.shift()!),
  };
  await withOwner(scripts, async (bench) => {
    await bench.accept(["1"], [], awaiting(["a"]));
    await bench.clock.run(500);
    assert.deepEqual([(await bench.told("1")).attempts, bench.keys("a")], [1, []]);
    await bench.clock.run(1_000);
    assert.equal(await bench.stateOf("1"), "dead");
    assert.deepEqual([bench.keys(LANE).length, bench.keys("a")], [2, []]);
    const { deliveries: [one] } = (await bench.store.story(newEvent("1").id))!;
    assert.deepEqual(one!.history.map(({ reason }) => reason), ["server_failed", "refused"]);
    await bench.store.retry([one!.ref], bench.clock.now());
    bench.owner.refresh();
    await bench.clock.run(500);
    assert.equal(await bench.stateOf("1"), "delivered");
  }, needing(false, "a"));
});

test("Owner makes a delivery without what it can go without, once no more attempt at that is of use", async () => {
  const scripts = {
    a: { policy: { retry: { scheduleMs: [5_000, 2 * MINUTE], jitter: 0 } } },
    [LANE]: fetching(() => failed),
  };
  await withOwner(scripts, async (bench) => {
    await bench.accept(["1"], [], awaiting(["a"], MINUTE));
    await bench.clock.run(4_000);
    assert.deepEqual([bench.keys(LANE).length, bench.keys("a").length], [1, 0]);
    await bench.clock.run(2_000);
    assert.deepEqual([bench.keys(LANE).length, bench.keys("a").length], [2, 1]);
    assert.equal(bench.made.at(-1)!.delivery.event.note, undefined);
    assert.equal(await bench.stateOf("1"), "delivered");
  }, needing(true, "a"));
});

test("Owner makes a delivery without what it can go without when its patience has ended", async () => {
  const scripts = { a: {}, [LANE]: fetching(undefined, { takesMs: 2 * MINUTE }) };
  await withOwner(scripts, async (bench) => {
    await bench.accept(["1"], [], awaiting(["a"], MINUTE));
    await bench.clock.run(MINUTE - 1);
    assert.deepEqual(bench.keys("a"), []);
    await bench.clock.run(1);
    assert.deepEqual(bench.keys("a"), ["1"]);
    await bench.clock.run(2 * MINUTE);
    assert.deepEqual([bench.keys("a"), bench.keys(LANE)], [["1"], ["1"]]);
  }, needing(true, "a"));
});

test("Owner waits for no lane that opens too late for what can go without it", async () => {
  const expired = () => ({ kind: "dead", reason: "note_unavailable", detail: Told.of("It takes no more") }) as const;
  const answer = () => ({ ...found, pauseMs: 2 * MINUTE });
  const scripts = { a: {}, [LANE]: fetching(answer, { parts: { expired } }) };
  await withOwner(scripts, async (bench) => {
    await bench.accept(["1"], [], awaiting(["a"], MINUTE));
    await bench.clock.run(1_000);
    await bench.accept(["2"], [], awaiting(["a"], MINUTE));
    await bench.accept(["3"], [], awaiting(["a"]));
    await bench.clock.run(1_000);
    assert.deepEqual([bench.keys("a"), bench.keys(LANE)], [["1", "2"], ["1"]]);
    await bench.clock.run(2 * MINUTE);
    assert.deepEqual([bench.keys("a"), bench.keys(LANE)], [["1", "2", "3"], ["1", "3"]], "what needs it waits");
  }, needing(true, "a"));
});

test("Owner lets go what awaits a lane that no config names any more", async () => {
  await withOwner({ a: {}, b: {} }, async (bench) => {
    await bench.accept(["1"], [], awaiting(["a", "b"], undefined, "relay::gone"));
    await bench.accept(["2"], [], awaiting(["a"], undefined, "relay::gone"));
    await bench.restart();
    await bench.clock.run(1_000);
    assert.deepEqual([bench.keys("a"), bench.keys("b")], [["1", "2"], ["1"]]);
  });
});

test("Owner.use() lets go what awaits a lane that the config names no more", async () => {
  const scripts = { a: {}, [LANE]: fetching(undefined, { policy: { rates: [{ perMs: 60 * MINUTE, limit: 1 }] } }) };
  await withOwner(scripts, async (bench) => {
    await bench.accept(["1", "2"], [], awaiting(["a"]));
    await bench.clock.run(1_000);
    assert.deepEqual(bench.keys("a"), ["1"]);
    await bench.within(bench.owner.use({ ...bench.config, lanes: bench.lanesOf({ a: {} }), routes: [] }));
    await bench.clock.run(60 * MINUTE);
    assert.deepEqual(bench.keys("a"), ["1", "2"]);
  }, needing(false, "a"));
});

test("Owner lets go what was accepted under the config before, in a lane that is named no more", async () => {
  await withOwner({ a: {}, [LANE]: fetching() }, async (bench) => {
    await bench.within(bench.owner.use({ ...bench.config, lanes: bench.lanesOf({ a: {} }), routes: [] }));
    await bench.accept(["1"], [], awaiting(["a"]));
    await bench.clock.run(60 * MINUTE);
    assert.deepEqual(bench.keys(), ["1"]);
  }, needing(false, "a"));
});
