/** What every store does with chains: steps of which one begins after the other until one satisfies the chain. */

import assert from "node:assert/strict";
import type { It } from "./contract.ts";
import { chained, shown, WITHIN, write } from "./chained.ts";
import {
  accept,
  ENDED,
  epochOf,
  newEvent,
  nextIn,
  record,
  recordOf,
  refOf,
  settle,
  T0,
  takeOver,
  turnIn,
} from "./samples.ts";

export function testChains(it: It): void {
  it("write() has the first step of a chain due at once, and all others wait", async (store, reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", ["b", "c"], "d"]));
    const after = await reopen();
    assert.deepEqual(await shown(after, "1"), ["a pending 0", `b waits ${WITHIN}`, `c waits ${WITHIN}`, "d waits"]);
    const due = await turnIn(after);
    assert.deepEqual([due.step, due.isWaiting, due.awaited], [1, false, undefined]);
    assert.deepEqual([await nextIn(after, "b"), await nextIn(after, "d")], [WITHIN, undefined]);
    const story = (await after.story(newEvent("1").id))!;
    const place = { id: 1, steps: 3, withinMs: WITHIN, until: "delivered" };
    assert.deepEqual(story.deliveries.map(({ chain }) => chain), [
      { ...place, step: 1, isWaiting: false },
      { ...place, step: 2, isWaiting: true },
      { ...place, step: 2, isWaiting: true },
      { ...place, step: 3, isWaiting: true },
    ]);
    const { events } = await after.events({}, { limit: 1 });
    assert.deepEqual(events[0]!.deliveries.map(({ chain }) => chain?.step), [1, 2, 2, 3]);
  });

  it("write() keeps the chains of an event apart, beside its other deliveries", async (store, _reopen, clock) => {
    clock.set(T0);
    const one = chained("1", ["a", "b"]).deliveries;
    const other = chained("1", ["c", "d"], { chain: 1, withinMs: 5 }).deliveries;
    await accept(store, newEvent("1", [], { deliveries: [{ target: "e" }, ...one, ...other] }));
    assert.deepEqual(await shown(store, "1"), [
      "e pending 0",
      "a pending 0",
      `b waits ${WITHIN}`,
      "c pending 0",
      "d waits 5",
    ]);
    const { deliveries } = (await store.story(newEvent("1").id))!;
    assert.deepEqual(deliveries.map(({ chain }) => chain?.id), [undefined, 2, 2, 4, 4]);
    await settle(store, "dead");
    assert.deepEqual((await shown(store, "1")).slice(1), [
      "a dead",
      `b pending 0`,
      "c pending 0",
      "d waits 5",
    ]);
  });

  it("write() skips what waits of a chain once a step is delivered", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b", "c"]));
    const written = await write(store, await turnIn(store), "delivered");
    assert.deepEqual([written.released, written.outdated], [[], []], "nobody has read what was skipped");
    assert.deepEqual(await shown(store, "1"), ["a delivered", "b skipped", "c skipped"]);
    assert.deepEqual(await store.lanes.waiting(), []);
    const { deliveries } = (await store.story(newEvent("1").id))!;
    assert.deepEqual(deliveries.map(({ reason, attempts }) => [reason, attempts]), [[null, 1], [null, 0], [null, 0]]);
    const found = async (state: "skipped" | "pending") => (await store.events({ state }, { limit: 9 })).events.length;
    assert.deepEqual([await found("skipped"), await found("pending")], [1, 0]);
  });

  it("write() begins the next step of a chain at once when the one before is dead", async (store, _reopen, clock) => {
    clock.set(T0 + ENDED);
    await accept(store, chained("1", ["a", "b", "c"]));
    clock.pass(1_000);
    const { released } = await write(store, await turnIn(store), "dead");
    assert.deepEqual(released.toSorted(), ["b", "c"]);
    const at = ENDED + 1_000;
    assert.deepEqual(await shown(store, "1"), ["a dead", `b pending ${at}`, `c waits ${at + WITHIN}`]);
    await write(store, await turnIn(store, "b"), "dead");
    await write(store, await turnIn(store, "c"), "dead");
    assert.deepEqual(await shown(store, "1"), ["a dead", "b dead", "c dead"]);
  });

  it(
    "write() waits for all deliveries of a step to be dead, and for one to be delivered",
    async (store, _reopen, clock) => {
      clock.set(T0);
      await accept(store, chained("1", [["a", "b"], "c"]), chained("2", [["d", "e"], "f"]));
      await settle(store, "dead");
      assert.equal((await shown(store, "1"))[2], `c waits ${WITHIN}`);
      await settle(store, "dead", "b");
      assert.equal((await shown(store, "1"))[2], "c pending 0");
      await settle(store, "delivered", "d");
      assert.deepEqual(await shown(store, "2"), ["d delivered", "e skipped", "f skipped"], "one of them has arrived");
    },
  );

  it("write() lets a chain be while a step is tried again", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b"]));
    const due = await turnIn(store);
    clock.set(T0 + ENDED);
    await record(store, [recordOf(due, "pending", { dueAt: T0 + 5_000 })]);
    assert.deepEqual(await shown(store, "1"), ["a pending 5000", `b waits ${WITHIN}`]);
  });

  it("due() tells of a step whose time has come, and beginSteps() begins it", async (store, reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b", "c"]));
    assert.deepEqual(await store.lanes.beginSteps(), [], "not before its time");
    const early = await refOf(store, newEvent("1"), 2);
    assert.deepEqual(await store.lanes.beginSteps([early]), []);
    clock.set(T0 + WITHIN);
    const after = await reopen();
    const waiting = await turnIn(after, "b");
    assert.deepEqual([waiting.step, waiting.isWaiting, waiting.dueAt], [2, true, T0 + WITHIN]);
    clock.pass(50);
    assert.deepEqual((await after.lanes.beginSteps([waiting.ref])).toSorted(), ["b", "c"]);
    assert.deepEqual(await shown(after, "1"), [
      "a pending 0",
      `b pending ${WITHIN + 50}`,
      `c waits ${2 * WITHIN + 50}`,
    ]);
    const due = await turnIn(after, "b");
    assert.deepEqual([due.isWaiting, due.revision > waiting.revision], [false, true]);
    assert.deepEqual(await after.lanes.beginSteps([waiting.ref]), [], "once");
    assert.deepEqual((await record(after, [recordOf(waiting, "delivered")])).map(({ fate }) => fate), ["history"]);
  });

  it("beginSteps() finds every step whose time has come, whoever owns its lane", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b"]), chained("2", ["a", "c"], { withinMs: 5 }));
    clock.set(T0 + 5);
    assert.deepEqual(await store.lanes.beginSteps(), ["c"]);
    assert.deepEqual(await store.lanes.beginSteps(), []);
    clock.set(T0 + WITHIN);
    assert.deepEqual(await store.lanes.beginSteps(), ["b"]);
  });

  it(
    "write() skips what has begun of a chain, and tells that what was read is out of date",
    async (store, _reopen, clock) => {
      clock.set(T0);
      await accept(store, chained("1", ["a", "b", "c"]));
      const one = await turnIn(store);
      clock.set(T0 + WITHIN);
      await store.lanes.beginSteps();
      const two = await turnIn(store, "b");
      const changes = await store.lanes.changes();
      assert.deepEqual((await write(store, one, "delivered")).outdated, ["b"]);
      assert.deepEqual(await shown(store, "1"), ["a delivered", "b skipped", "c skipped"]);
      assert.equal((await write(store, two, "delivered")).lanes[0]![0]!.fate, "history");
      assert.deepEqual((await shown(store, "1"))[1], "b skipped", "what was under way is history");
      const { deliveries } = (await store.story(newEvent("1").id))!;
      assert.equal(deliveries[1]!.history.length, 1);
      assert.ok(await store.lanes.changes() >= changes);
    },
  );

  it("write() takes the first of two steps that succeed in one batch", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b"]));
    const one = await turnIn(store);
    clock.set(T0 + WITHIN);
    await store.lanes.beginSteps();
    const fates = await record(store, [recordOf(one, "delivered"), recordOf(await turnIn(store, "b"), "delivered")]);
    assert.deepEqual(fates.map(({ fate }) => fate), ["recorded", "history"]);
    assert.deepEqual(await shown(store, "1"), ["a delivered", "b skipped"]);
  });

  it(
    "write() of a record that is known, or another owner's, changes nothing of a chain",
    async (store, _reopen, clock) => {
      clock.set(T0);
      await accept(store, chained("1", ["a", "b", "c"]));
      const due = await turnIn(store);
      const old = await epochOf(store, "a");
      await takeOver(store, "a");
      const late = { epoch: old, hold: {}, records: [recordOf(due, "dead", { startedAt: T0 - 9 })] };
      assert.deepEqual((await store.write({ accepts: [], lanes: [late] })).released, []);
      assert.equal((await shown(store, "1"))[1], `b waits ${WITHIN}`);
      await write(store, due, "dead");
      const once = await shown(store, "1");
      clock.pass(5_000);
      assert.deepEqual((await write(store, due, "dead")).released, []);
      assert.deepEqual(await shown(store, "1"), once);
    },
  );

  it("write() and beginSteps() wait for the proof of a step that gives one", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b"], { hasProof: true }), chained("2", ["c", "d"], { until: "read" }));
    await settle(store, "delivered");
    await settle(store, "delivered", "c");
    assert.deepEqual(await shown(store, "1"), ["a delivered", `b waits ${WITHIN}`]);
    assert.deepEqual(await shown(store, "2"), ["c delivered", `d waits ${WITHIN}`], "nobody says that it was read");
    clock.set(T0 + WITHIN);
    await store.lanes.beginSteps();
    assert.deepEqual(await shown(store, "1"), ["a delivered", `b pending ${WITHIN}`]);
  });
}
