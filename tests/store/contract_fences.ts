/** What every store does: it takes nothing from whoever is not the owner any more, and nothing twice. */

import assert from "node:assert/strict";
import type { AttemptRecord, Due, Epoch, Store, Suspect } from "../../lib/store/mod.ts";
import type { It } from "./contract.ts";
import {
  accept,
  attemptsOf,
  begin,
  dueIn,
  epochOf,
  iso,
  newEvent,
  record,
  recordOf,
  settle,
  statesOf,
  T0,
  takeOver,
  turnIn,
  turnsIn,
} from "./samples.ts";

/** Records one attempt in an epoch, which may be an old one; gives its fate. */
async function recordIn(store: Store, epoch: Epoch, due: Due, state: AttemptRecord["state"], parts = {}) {
  const records = [recordOf(due, state, parts)];
  const { lanes } = await store.write({ accepts: [], lanes: [{ epoch, hold: {}, records }] });
  return lanes[0]![0]!.fate;
}

/** What a record may change besides the history of its delivery. */
const toldOf = async (store: Store) => [
  await store.targets(),
  (await store.activity(T0)).attempts,
  await store.lanes.holds(),
];

export function testFences(it: It): void {
  it("own() makes an epoch that grows, for each lane its own", async (store, reopen) => {
    const first = await store.lanes.own(["a", "b"], "one");
    assert.deepEqual([...first.values()].map(({ epoch }) => epoch), [
      { lane: "a", number: 1, token: "one" },
      { lane: "b", number: 1, token: "one" },
    ]);
    const second = await (await reopen()).lanes.own(["a"], "two");
    assert.deepEqual(second.get("a")!.epoch, { lane: "a", number: 2, token: "two" });
  });

  it("write() says which lanes have another owner", async (store) => {
    const [a, b] = [await epochOf(store, "a"), await epochOf(store, "b")];
    await takeOver(store, "b");
    const lanes = [a, b].map((epoch) => ({ epoch, hold: {}, records: [] }));
    assert.deepEqual((await store.write({ accepts: [], lanes })).lost, [b]);
  });

  it("write() in an old epoch keeps the attempt in the history, and changes nothing else", async (store) => {
    const event = newEvent("1", ["a:rex"]);
    await accept(store, event, newEvent("2", ["a:rex"]));
    const due = await turnIn(store);
    const old = await epochOf(store, "a");
    await takeOver(store);
    const was = [await toldOf(store), await statesOf(store, event), await statesOf(store, newEvent("2"))];
    for (const state of ["delivered", "dead", "pending"] as const) {
      const startedAt = T0 + { delivered: 1, dead: 2, pending: 3 }[state];
      assert.equal(await recordIn(store, old, due, state, { startedAt, dueAt: T0 + 1e9 }), "history");
    }
    assert.deepEqual([await toldOf(store), await statesOf(store, event), await statesOf(store, newEvent("2"))], was);
    assert.deepEqual((await attemptsOf(store, due.id)).map(({ attempt, outcome }) => [attempt, outcome]), [
      [1, "delivered"],
      [2, "dead"],
      [3, "retry"],
    ]);
    const [same] = await turnsIn(store);
    assert.deepEqual([same!.id, same!.attempts, same!.failures, same!.revision], [due.id, 0, 0, due.revision]);
  });

  it("write() takes nothing from an owner of the same number with another token", async (store) => {
    const event = newEvent("1");
    await accept(store, event);
    const { epoch } = (await store.lanes.own(["a"], "mine")).get("a")!;
    assert.equal(await recordIn(store, { ...epoch, token: "theirs" }, await turnIn(store), "delivered"), "history");
    assert.deepEqual(await statesOf(store, event), [["pending", 0, null, 0]]);
    assert.equal(await recordIn(store, { ...epoch, lane: "b" }, await turnIn(store), "delivered"), "known");
  });

  it("write() in an old epoch says nothing of how the lane is held, nor when its attempts began", async (store) => {
    await accept(store, newEvent("1"));
    const due = await turnIn(store);
    const old = await epochOf(store, "a");
    await takeOver(store);
    const hold = { openUntil: T0 + 1e9, throttledUntil: T0 + 1e9 };
    await store.write({
      accepts: [],
      lanes: [{ epoch: old, hold, startsKeptMs: 1e12, records: [recordOf(due, "dead")] }],
    });
    await store.lanes.hold([{ epoch: old, hold }]);
    assert.deepEqual([...await store.lanes.holds()], [["a", {
      openUntil: undefined,
      throttledUntil: undefined,
      pausedAt: undefined,
    }]]);
    assert.deepEqual((await takeOver(store)).starts, []);
  });

  it("park(), unpark() and await() in an old epoch write nothing", async (store) => {
    await accept(store, newEvent("1", ["a:rex"]), newEvent("2", ["a:rex"]), newEvent("3", ["a"]));
    const old = await epochOf(store, "a");
    const epoch = (await takeOver(store)).epoch;
    assert.equal(await store.lanes.park(old, ["rex"]), false);
    const { due } = await dueIn(store);
    assert.equal(due.length, 3);
    const { ref, revision } = due[2]!;
    await store.lanes.await(old, [{ ref, revision, awaits: { lane: "relay::notes" } }]);
    assert.equal((await dueIn(store)).due.length, 3);
    assert.deepEqual(await store.lanes.waiting(), ["a"], "nor is made what is awaited");

    await store.lanes.park(epoch, ["rex"]);
    await record(store, [recordOf(due[0]!, "dead", { orderKey: undefined })]);
    assert.equal(await store.lanes.unpark(old), 0);
    assert.equal((await dueIn(store)).due.length, 1);
    assert.equal(await store.lanes.unpark(epoch), 1);
  });

  it("begin(), survived() and forgetBegun() in an old epoch write nothing", async (store) => {
    await accept(store, newEvent("1"));
    const [due, { epoch: old }] = [await turnIn(store), await takeOver(store)];
    await takeOver(store);
    await store.lanes.begin(old, [due.ref], due.ref);
    assert.deepEqual(await store.lanes.countCrash(["a"]), []);
    await begin(store, [due], due);
    await store.lanes.survived(old, due.ref);
    await store.lanes.forgetBegun(old, due.ref);
    const [{ alone, hasSurvived }] = await store.lanes.countCrash(["a"]) as [Suspect];
    assert.deepEqual([alone, hasSurvived], [1, false]);
  });

  it("giveUp() of an old epoch is none", async (store, reopen) => {
    const old = (await takeOver(store)).epoch;
    const { epoch, wasGivenUp } = await takeOver(store);
    assert.equal(wasGivenUp, false);
    await store.lanes.giveUp([old]);
    assert.equal((await takeOver(store)).wasGivenUp, false);
    await store.lanes.giveUp([epoch]);
    const { epoch: last, wasGivenUp: stillNot } = await takeOver(store);
    assert.equal(stillNot, false);
    await store.lanes.giveUp([last]);
    assert.equal((await takeOver(await reopen())).wasGivenUp, true);
  });

  it("own() finds a lane given up that nobody owned before, and one whose owner is gone not", async (store, reopen) => {
    await store.pause("a", T0);
    assert.deepEqual([(await takeOver(store, "a")).wasGivenUp, (await takeOver(store, "b")).wasGivenUp], [true, true]);
    const after = await reopen();
    assert.equal((await takeOver(after, "a")).wasGivenUp, false);
  });

  it("write() keeps an attempt as history that an operator's retry has overtaken", async (store, _reopen, clock) => {
    const event = newEvent("1");
    await accept(store, event);
    await settle(store, "pending");
    const due = await turnIn(store);
    await store.retry([due.ref], T0 + 5);
    for (const [at, state] of (["delivered", "dead", "pending"] as const).entries()) {
      const [recorded] = await record(store, [recordOf(due, state, { startedAt: T0 + 10 + at, dueAt: T0 + 1e9 })]);
      assert.equal(recorded!.fate, "history");
    }
    clock.set(T0 + 5_000);
    assert.deepEqual(await statesOf(store, event), [["pending", 1, "server_failed", 5]]);
    assert.equal((await attemptsOf(store, due.id)).length, 4);
    const again = await turnIn(store);
    assert.notEqual(again.revision, due.revision);
    assert.deepEqual([again.attempts, again.failures], [1, 0]);
    const [recorded] = await record(store, [recordOf(again, "pending", { startedAt: T0 + 99 })]);
    assert.equal(recorded!.fate, "recorded");
    const next = await turnIn(store);
    assert.deepEqual(
      [next.attempts, next.failures, next.failingSince],
      [5, 1, T0 + 99],
      "of the new set, it is the first",
    );
  });

  it("write() of a delivery that is done leaves it done", async (store) => {
    const event = newEvent("1");
    await accept(store, event);
    const due = await settle(store, "delivered");
    const late = recordOf(due, "pending", { startedAt: T0 + 2_000 });
    assert.equal((await record(store, [late]))[0]!.fate, "history");
    assert.deepEqual(await statesOf(store, event), [["delivered", 1, null, null]]);
    assert.equal((await attemptsOf(store, due.id)).length, 2);
    assert.equal((await store.targets())[0]!.lastFailedAt, null);
  });

  it("write() counts nothing twice that comes twice", async (store) => {
    const event = newEvent("1", ["a:rex"]);
    await accept(store, event, newEvent("2", ["a:rex"]));
    const due = await turnIn(store);
    const { epoch } = await takeOver(store);
    const write = async (times: number) => {
      const records = Array.from({ length: times }, () => recordOf(due, "pending"));
      const lanes = [{ epoch, hold: {}, startsKeptMs: 60_000, records }];
      return (await store.write({ accepts: [], lanes })).lanes[0]!.map(({ fate }) => fate);
    };
    const tell = async () => [
      await store.story(event.id),
      await toldOf(store),
      (await turnIn(store)).attempts,
      (await takeOver(store)).starts,
    ];
    assert.deepEqual(await write(2), ["recorded", "known"], "in one batch");
    const { epoch: _, ...told } = { epoch, told: await tell() };
    assert.deepEqual(await write(1), ["known"], "by an owner that was told of no first one");
    assert.deepEqual(await tell(), told.told);
    assert.equal((await attemptsOf(store, due.id)).length, 1);
    assert.deepEqual((await takeOver(store)).starts, [T0 + 1_000]);
  });

  it("write() knows an attempt again that got another number", async (store) => {
    const event = newEvent("1");
    await accept(store, event);
    const due = await turnIn(store);
    const old = await epochOf(store, "a");
    const { epoch } = await takeOver(store);
    assert.equal(await recordIn(store, epoch, due, "pending", { startedAt: T0 + 1 }), "recorded");
    assert.equal(await recordIn(store, old, due, "delivered", { startedAt: T0 + 2 }), "history");
    assert.equal(await recordIn(store, old, due, "delivered", { startedAt: T0 + 2 }), "known");
    assert.equal(await recordIn(store, epoch, due, "pending", { startedAt: T0 + 1 }), "known");
    const history = await attemptsOf(store, due.id);
    assert.deepEqual(history.map(({ attempt, startedAt }) => [attempt, startedAt]), [[1, iso(T0 + 1)], [
      2,
      iso(T0 + 2),
    ]]);
    assert.deepEqual(await statesOf(store, event), [["pending", 1, "server_failed", 0]]);
    await settle(store, "delivered", "a", { startedAt: T0 + 3 });
    assert.deepEqual(await statesOf(store, event), [["delivered", 3, null, null]], "the last one of the history");
  });

  it("write() charges a delivery for none of another owner's attempts", async (store) => {
    await accept(store, newEvent("1"));
    const due = await turnIn(store);
    const old = await epochOf(store, "a");
    await takeOver(store);
    for (const startedAt of [1, 2, 3]) await recordIn(store, old, due, "pending", { startedAt });
    await settle(store, "pending", "a", { startedAt: T0 + 4 });
    const next = await turnIn(store);
    assert.deepEqual([next.attempts, next.failures], [4, 1]);
  });

  it("write() drops the record of a delivery that is gone, and leaves nothing", async (store) => {
    await accept(store, newEvent("1", ["a:rex"]), newEvent("2", ["b"]));
    const due = await settle(store, "delivered");
    await begin(store, [due], due);
    assert.equal((await store.upkeep.expire(0, { delivered: T0 + 1, dead: T0 + 1 }, 9)).deleted, 1);
    const was = await toldOf(store);
    const late = recordOf(due, "dead", { startedAt: T0 + 7, isAwaited: true, wasBegun: true });
    for (let time = 0; time < 2; time++) {
      assert.deepEqual(await record(store, [late]), [{ fate: "gone", head: undefined }]);
    }
    assert.deepEqual(await toldOf(store), was);
    assert.deepEqual(await store.lanes.countCrash(["a"]), []);
    await accept(store, newEvent("1", ["a:rex"]));
    const story = await store.story(newEvent("1").id);
    assert.deepEqual([story!.deliveries[0]!.history, story!.details], [[], undefined]);
  });
}
