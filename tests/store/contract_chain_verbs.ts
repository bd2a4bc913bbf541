/** Chains beside order keys, operators, retention and clocks that are set, in every store. */

import assert from "node:assert/strict";
import type { It } from "./contract.ts";
import { begun, chained, shown, WITHIN, write } from "./chained.ts";
import { accept, before, dueIn, epochOf, expireAll, iso, newEvent, refOf, settle, T0, turnIn } from "./samples.ts";

export function testChainVerbs(it: It): void {
  it("write() lets go what stands behind a step that is skipped", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b:rex"]), newEvent("2", ["b:rex"]), newEvent("3", ["b:rex"]));
    const behind = (await dueIn(store, "b")).due;
    assert.deepEqual(behind.map(({ ref, head }) => [ref.event, head!.event]), [[2, 1], [3, 1]]);
    await store.lanes.park(await epochOf(store, "b"), ["rex"]);
    assert.deepEqual((await dueIn(store, "b")).due, []);
    const { released, outdated } = await write(store, await turnIn(store), "delivered");
    assert.deepEqual([released, outdated], [["b"], ["b"]]);
    assert.deepEqual((await dueIn(store, "b")).due.map(({ ref, head }) => [ref.event, head!.event]), [[2, 2]]);
  });

  it("park() leaves the time of a step alone", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, newEvent("1", ["b:rex"]), chained("2", ["a", "b:rex", "c"]), newEvent("3", ["b:rex"]));
    assert.equal((await shown(store, "2"))[1], `b waits ${WITHIN}`, "whatever stands before it");
    clock.set(T0 + WITHIN);
    await store.lanes.park(await epochOf(store, "b"), ["rex"]);
    assert.deepEqual((await dueIn(store, "b")).due.map(({ ref }) => ref.event), [1, 2], "3 is parked");
    assert.deepEqual((await store.lanes.beginSteps()).toSorted(), ["b", "c"]);
    await store.lanes.park(await epochOf(store, "b"), ["rex"]);
    assert.deepEqual((await dueIn(store, "b")).due.map(({ ref }) => ref.event), [1]);
    await settle(store, "delivered", "b");
    assert.deepEqual((await begun(store, "b")).map(({ ref }) => ref.event), [2]);
  });

  it("unpark() leaves a step alone that waits, though it is the head of its key", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b", "c:rex"]), newEvent("2", ["c:rex"]));
    assert.equal(await store.lanes.unpark(await epochOf(store, "c")), 0);
    assert.equal((await shown(store, "1"))[2], "c waits");
  });

  it("retry() of a step that waits begins it, with those before it", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b", ["c", "d"], "e"]));
    clock.pass(9);
    const openUntil = T0 + 60_000;
    await store.lanes.hold([{ epoch: await epochOf(store, "d"), hold: { openUntil } }]);
    assert.equal(await store.retry([await refOf(store, newEvent("1"), 3)], T0 + 9), 1);
    assert.deepEqual(await shown(store, "1"), [
      "a pending 0",
      "b pending 9",
      "c pending 9",
      "d pending 9",
      `e waits ${WITHIN + 9}`,
    ]);
    assert.equal((await store.lanes.holds()).get("d")!.openUntil, T0 + 9, "its circuit lets it through");
  });

  it("retry() of a dead step retries that one alone", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b"]));
    await settle(store, "dead");
    await settle(store, "delivered", "b");
    assert.equal(await store.retry([await refOf(store, newEvent("1"))], T0), 1);
    assert.deepEqual(await shown(store, "1"), ["a pending 0", "b delivered"]);
    await settle(store, "dead", "a", { startedAt: T0 });
    assert.deepEqual(await shown(store, "1"), ["a dead", "b delivered"]);
    await store.retry([await refOf(store, newEvent("1"))], T0);
    await settle(store, "delivered", "a", { startedAt: T0 });
    assert.deepEqual(await shown(store, "1"), ["a delivered", "b delivered"]);
  });

  it("retry() of several dead deliveries of a chain that ended well has each made", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", [["a", "e"], "b"]));
    await settle(store, "dead", "a");
    await settle(store, "dead", "e");
    await settle(store, "delivered", "b");
    await store.retry([await refOf(store, newEvent("1"), 1), await refOf(store, newEvent("1"), 2)], T0);
    await settle(store, "dead", "a", { startedAt: T0 });
    assert.deepEqual(await shown(store, "1"), ["a dead", "e pending 0", "b delivered"]);
  });

  it("retry() of a step that was skipped does nothing", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b"]));
    await settle(store, "delivered");
    assert.equal(await store.retry([await refOf(store, newEvent("1"), 2)], T0), 0);
    assert.deepEqual(await shown(store, "1"), ["a delivered", "b skipped"]);
  });

  it("redeliver() and send() make new chains", async (store, _reopen, clock) => {
    clock.set(T0);
    const event = chained("1", ["a", "b"]);
    await store.send(event);
    await settle(store, "delivered");
    clock.pass(7);
    const ids = await store.redeliver([{ seq: 1, deliveries: event.deliveries }, {
      seq: 9,
      deliveries: event.deliveries,
    }], T0 + 7);
    assert.deepEqual(ids.map(({ length }) => length), [2, 0]);
    assert.deepEqual(await shown(store, "1"), ["a delivered", "b skipped", "a pending 7", `b waits ${WITHIN + 7}`]);
    const { deliveries } = (await store.story(event.id))!;
    assert.deepEqual(deliveries.map(({ chain }) => chain!.id), [1, 1, 3, 3]);
    await settle(store, "delivered", "a", { startedAt: T0 });
    assert.deepEqual((await shown(store, "1")).slice(2), ["a delivered", "b skipped"]);
  });

  it("targets() and backlog() count no step that has not begun", async (store, _reopen, clock) => {
    clock.set(T0);
    const counts = async () =>
      (await store.targets()).map(({ name, pending, oldestPendingAt }) =>
        `${name} ${pending} ${oldestPendingAt !== null}`
      );
    const backlog = () => store.upkeep.backlog(["a", "b"]);
    await accept(store, chained("1", ["a", "b"]));
    assert.deepEqual([await counts(), await backlog()], [["a 1 true", "b 0 false"], 1]);
    clock.set(T0 + 5_000);
    await accept(store, newEvent("2", ["b"], { receivedAt: T0 + 5_000 }));
    assert.deepEqual([await counts(), await backlog()], [["a 1 true", "b 1 true"], 2]);
    assert.equal((await store.targets())[1]!.oldestPendingAt, iso(T0 + 5_000));
    clock.set(T0 + WITHIN);
    await store.lanes.beginSteps();
    assert.deepEqual([await counts(), await backlog()], [["a 1 true", "b 2 true"], 3]);
    assert.equal((await store.targets())[1]!.oldestPendingAt, iso(T0));
    await settle(store, "delivered", "a", { startedAt: T0 });
    assert.deepEqual([await counts(), await backlog()], [["a 0 false", "b 1 true"], 1]);
  });

  it("bringForward() begins a step that a clock put off", async (store, _reopen, clock) => {
    clock.set(T0 + 1e9);
    await accept(store, { ...chained("1", ["a", "b"]), receivedAt: T0 + 1e9 });
    clock.set(T0);
    assert.ok(await store.lanes.bringForward() >= 1);
    const waiting = (await dueIn(store, "b")).due;
    assert.deepEqual(waiting.map(({ isWaiting }) => isWaiting), [true]);
    assert.deepEqual(await store.lanes.beginSteps(waiting.map(({ ref }) => ref)), ["b"]);
  });

  it("expire() keeps an event of which a step waits, and deletes its chain with it", async (store, _reopen, clock) => {
    clock.set(T0 + 1);
    await accept(store, chained("1", ["a", "b"]));
    const due = await turnIn(store);
    assert.deepEqual(await expireAll(store, before(9)), [0]);
    await write(store, due, "delivered");
    assert.deepEqual(await expireAll(store, before(9)), [1]);
    await accept(store, chained("1", ["a", "b"]));
    assert.deepEqual((await shown(store, "1")).map((one) => one.split(" ")[1]), ["pending", "waits"]);
  });
}
