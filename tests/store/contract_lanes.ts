/** What every store does: what an owner finds of a lane, and what is written down of what is under way. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Due, Store } from "../../lib/store/mod.ts";
import type { It } from "./contract.ts";
import {
  accept,
  begin,
  dueIn,
  epochOf,
  newEvent,
  record,
  recordOf,
  settle,
  settleAll,
  T0,
  takeOver,
  turnIn,
  turnsIn,
} from "./samples.ts";

/** Records attempts that began then, of which the starts are kept. */
async function start(store: Store, due: Due, startsKeptMs: number | undefined, ...ms: number[]): Promise<void> {
  const records = ms.map((at) => recordOf(due, "pending", { startedAt: T0 + at }));
  await store.write({
    accepts: [],
    lanes: [{ epoch: await epochOf(store, due.lane), hold: {}, startsKeptMs, records }],
  });
}

const LANES = ["a", "b", "c"];

export function testLanes(it: It): void {
  it("own() tells when attempts began of late, as far as that was to be kept", async (store, reopen) => {
    await accept(store, newEvent("1", ["a", "b", "c"]));
    const startsOf = async (from: Store, lane = "a") => (await takeOver(from, lane)).starts.map((at) => at - T0);
    assert.deepEqual(await startsOf(store), []);
    const due = await turnIn(store);
    await start(store, due, 60_000, 5, 3);
    await start(store, await turnIn(store, "b"), 60_000, 4);
    await start(store, await turnIn(store, "c"), undefined, 4);
    const after = await reopen();
    assert.deepEqual([await startsOf(after), await startsOf(after, "b"), await startsOf(after, "c")], [
      [3, 5],
      [4],
      [],
    ]);
    await start(after, due, 60_000, 60_004);
    assert.deepEqual(await startsOf(after), [5, 60_004], "what is older is forgotten");
    await start(after, due, 10, 60_014);
    assert.deepEqual(await startsOf(after), [60_004, 60_014], "which may be less than before");
  });

  it("own() takes a start of a clock that was ahead for one of now", async (store, _reopen, clock) => {
    clock.set(T0 + 3_600_000);
    await accept(store, newEvent("1"));
    await start(store, await turnIn(store), 60_000, 3_599_000, 3_600_000);
    clock.set(T0 + 5_000);
    assert.deepEqual((await takeOver(store)).starts, [T0 + 5_000, T0 + 5_000]);
    clock.set(T0 + 9_000);
    assert.deepEqual((await takeOver(store)).starts, [T0 + 5_000, T0 + 5_000], "of which none counts for ever");
  });

  it(
    "own() counts what may be under way as begun now, for later owners too",
    async (store, reopen, clock) => {
      const own = async (from: Store, lane: string) =>
        (await from.lanes.own([lane], randomUUID(), { underway: new Map([["a", 2]]) })).get(lane)!;
      const begun = clock.now();
      assert.deepEqual((await own(store, "a")).starts, [], "there was no owner before");
      clock.pass(10);
      assert.deepEqual((await own(store, "a")).starts, [begun + 10, begun + 10]);
      clock.pass(10);
      const after = await reopen();
      const { epoch, starts } = await own(after, "a");
      assert.deepEqual(starts, [begun + 10, begun + 10, begun + 20, begun + 20]);
      await after.lanes.giveUp([epoch]);
      assert.deepEqual((await own(after, "a")).starts, starts, "nothing is under way");
      await own(after, "b");
      assert.deepEqual((await own(after, "b")).starts, [], "of no other lane");
    },
  );

  it("own() takes lanes over only as they were seen, all or none", async (store) => {
    const own = (seen: [string, number][]) =>
      store.lanes.own(seen.map(([lane]) => lane), randomUUID(), { seen: new Map(seen) });
    await own([["a", 0]]);
    const refused = /^StoreError: Cannot take over lanes.*: a was taken over meanwhile$/;
    await assert.rejects(own([["b", 0], ["a", 0]]), refused);
    await assert.rejects(own([["a", 2]]), refused);
    const taken = await own([["b", 0], ["a", 1]]);
    assert.deepEqual([...taken.values()].map(({ epoch }) => epoch.number), [1, 2]);
  });

  it("own() tells how the lane is held", async (store, reopen, clock) => {
    assert.deepEqual((await takeOver(store)).hold, {
      openUntil: undefined,
      throttledUntil: undefined,
      pausedAt: undefined,
    });
    await accept(store, newEvent("1"));
    const hold = { openUntil: clock.now() + 5, throttledUntil: clock.now() + 7 };
    await settle(store, "pending", "a", { startedAt: clock.now() }, hold);
    await store.pause("a", T0);
    assert.deepEqual((await takeOver(await reopen())).hold, { ...hold, pausedAt: T0 });
  });

  it("waiting() and holds() name each lane once", async (store, reopen, clock) => {
    assert.deepEqual([await store.lanes.waiting(), [...await store.lanes.holds()]], [[], []]);
    await accept(store, ...["1", "2", "3"].map((key) => newEvent(key, ["c", "a", "b:rex"])));
    assert.deepEqual(await store.lanes.waiting(), ["a", "b", "c"]);
    const [one, ...more] = await turnsIn(store);
    await record(store, [recordOf(one!, "delivered")], { openUntil: T0 + 5, throttledUntil: T0 + 7 });
    await record(store, more.map((due) => recordOf(due, "dead")), { throttledUntil: T0 + 9 });
    await settle(store, "pending", "b", { dueAt: clock.now() + 1e9 });
    const after = await reopen();
    assert.deepEqual(await after.lanes.waiting(), ["b", "c"]);
    const holds = await after.lanes.holds();
    assert.deepEqual([...holds.keys()].sort(), ["a", "b"]);
    assert.deepEqual(holds.get("a"), { openUntil: undefined, throttledUntil: T0 + 9, pausedAt: undefined });
  });

  it("waiting() names a lane of which everything is parked, or awaits something", async (store) => {
    await accept(store, newEvent("1", [], { deliveries: [{ target: "a", awaits: { lane: "relay::notes" } }] }));
    await accept(store, newEvent("2", ["b:rex"]), newEvent("3", ["b:rex"]));
    await store.lanes.park(await epochOf(store, "b"), ["rex"]);
    await record(store, [recordOf(await turnIn(store, "b"), "dead", { orderKey: undefined })]);
    assert.deepEqual((await dueIn(store, "b")).due, []);
    assert.deepEqual(await store.lanes.waiting(), ["a", "b", "relay::notes"]);
  });

  it("countCrash() counts what was written down, for each process that ended over it", async (store, reopen) => {
    await accept(store, newEvent("1", ["a", "b", "c"]));
    assert.deepEqual(await store.lanes.countCrash(LANES), []);
    const [a, b, c] = [await turnIn(store, "a"), await turnIn(store, "b"), await turnIn(store, "c")];
    await begin(store, [b, a]);
    const second = await reopen();
    assert.deepEqual(await second.lanes.countCrash(LANES), [
      { ref: a.ref, lane: "a", crashes: 1, alone: 0, hasSurvived: false },
      { ref: b.ref, lane: "b", crashes: 1, alone: 0, hasSurvived: false },
    ]);
    await begin(second, [c, a], a);
    const third = await reopen();
    assert.deepEqual((await third.lanes.countCrash(LANES)).map(({ lane, crashes, alone }) => [lane, crashes, alone]), [
      ["a", 2, 1],
      ["b", 1, 0],
      ["c", 1, 0],
    ]);
    await begin(third, [b]);
    await third.lanes.survived(await epochOf(third, "a"), a.ref);
    const found = async () =>
      (await third.lanes.countCrash(LANES)).map(({ crashes, alone, hasSurvived }) => [crashes, alone, hasSurvived]);
    assert.deepEqual(await found(), [[3, 0, true], [2, 0, false], [1, 0, false]]);
    for (const alone of [1, 2]) {
      await begin(third, [b], b);
      assert.deepEqual(await found(), [[3, 0, true], [2 + alone, alone, false], [1, 0, false]]);
    }
    assert.deepEqual(await found(), [[3, 0, true], [4, 0, false], [1, 0, false]], "it had not begun");
    await third.lanes.forgetUnderway(LANES);
    assert.deepEqual(await (await reopen()).lanes.countCrash(LANES), []);
  });

  it("countCrash() and forgetUnderway() concern the lanes they are asked for", async (store) => {
    await accept(store, newEvent("1", ["a", "b"]));
    await begin(store, [await turnIn(store, "a"), await turnIn(store, "b")]);
    const crashesIn = async (lane: string) => (await store.lanes.countCrash([lane])).map(({ crashes }) => crashes);
    assert.deepEqual([await crashesIn("a"), await crashesIn("a"), await crashesIn("b")], [[1], [1], [1]]);
    await store.lanes.forgetUnderway(["a"]);
    assert.deepEqual([await crashesIn("a"), await crashesIn("b")], [[], [1]]);
  });

  it("forgetBegun() takes out what was put off", async (store) => {
    await accept(store, newEvent("1", ["a"]), newEvent("2", ["a"]));
    const [one, two] = await turnsIn(store);
    await begin(store, [one!, two!]);
    await store.lanes.forgetBegun(await epochOf(store, "a"), one!.ref);
    assert.deepEqual((await store.lanes.countCrash(LANES)).map(({ ref }) => ref), [two!.ref]);
  });

  it("write() takes out what was written down, whatever its outcome, and nothing else", async (store) => {
    await accept(store, newEvent("1", ["a"]), newEvent("2", ["a"]), newEvent("3", ["a"]), newEvent("4", ["b"]));
    const [one, two, three] = await turnsIn(store);
    const other = await turnIn(store, "b");
    await begin(store, [one!, two!, three!, other]);
    await store.retry([two!.ref], T0);
    await record(store, [
      recordOf(one!, "pending", { wasBegun: true }),
      recordOf(two!, "delivered", { wasBegun: true }),
      recordOf(three!, "pending"),
    ]);
    assert.deepEqual((await store.lanes.countCrash(LANES)).map(({ ref }) => ref), [three!.ref, other.ref]);
  });

  it("countCrash() counts nothing of what is done, or gone", async (store) => {
    await accept(store, newEvent("1"), newEvent("2", ["b"]));
    const [one, two] = [await turnIn(store), await turnIn(store, "b")];
    await begin(store, [one, two]);
    await settleAll(store, "dead");
    await settleAll(store, "delivered", "b");
    await store.upkeep.expire(0, { delivered: T0 + 1, dead: 0 }, 9);
    assert.deepEqual(await store.lanes.countCrash(LANES), []);
  });
}
