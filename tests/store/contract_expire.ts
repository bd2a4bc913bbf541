/** What every store does: deleting what is old, and observing what came in. */

import assert from "node:assert/strict";
import type { It } from "./contract.ts";
import {
  accept,
  attemptsOf,
  before,
  dueIn,
  ENDED,
  epochOf,
  eventOf,
  expireAll,
  iso,
  keysOf,
  newEvent,
  observe,
  record,
  recordOf,
  settle,
  T0,
  turnIn,
  turnsIn,
} from "./samples.ts";

export function testExpire(it: It): void {
  it("expire() deletes what was delivered, or went nowhere, before its time", async (store) => {
    const [old, nowhere, young] = [
      newEvent("1"),
      newEvent("2", []),
      newEvent("3", ["a"], { receivedAt: T0 + 10 }),
    ];
    await accept(store, old, nowhere, young);
    const due = await turnsIn(store);
    await record(store, due.map((one) => recordOf(one, "delivered")));
    assert.deepEqual(await store.upkeep.expire(0, before(0), 100), { deleted: 0, next: undefined });
    assert.deepEqual(await store.upkeep.expire(0, before(10), 100), { deleted: 2, next: undefined });
    for (const gone of [old, nowhere]) assert.equal(await eventOf(store, gone.id), undefined);
    assert.deepEqual(await attemptsOf(store, due[0]!.id), []);
    assert.equal((await eventOf(store, young.id))!.deliveries.length, 1);
    assert.equal((await attemptsOf(store, due[1]!.id)).length, 1);
  });

  it("expire() deletes an event with a dead delivery by its own time only", async (store) => {
    await accept(store, newEvent("1"), newEvent("2", ["b", "c"]));
    await settle(store, "dead");
    await settle(store, "delivered", "b");
    await settle(store, "dead", "c");
    assert.deepEqual(await expireAll(store, before(1e9, 0)), [0]);
    assert.deepEqual(await expireAll(store, before(0, 1), 1), [1, 1, 0], "also where dead ones are kept more briefly");
    assert.deepEqual((await store.targets()).map(({ dead }) => dead), [0, 0, 0]);
  });

  it("expire() deletes nothing that is still to be delivered, however old", async (store, _reopen, clock) => {
    clock.set(T0 + ENDED);
    await accept(
      store,
      newEvent("pending", ["a"]),
      newEvent("first of its key", ["c:rex"]),
      newEvent("parked", ["c:rex"]),
      newEvent("half delivered", ["d", "a"]),
      newEvent("half dead", ["e", "a"]),
      newEvent("retried", ["f"]),
      newEvent("awaits", [], { deliveries: [{ target: "g", awaits: { lane: "relay::notes" } }] }),
    );
    await store.lanes.park(await epochOf(store, "c"), ["rex"]);
    await settle(store, "delivered", "d");
    await settle(store, "dead", "e");
    await settle(store, "pending", "f", { dueAt: T0 + 1e9 });
    const was = await store.targets();
    assert.deepEqual(await expireAll(store, before(1e12)), [0]);
    assert.deepEqual(await store.targets(), was);
    assert.deepEqual(keysOf((await dueIn(store)).due), ["pending", "half delivered", "half dead"]);
    await settle(store, "delivered", "c");
    assert.deepEqual(await expireAll(store, before(1e12)), [1], "the first of its key, and now the next may go");
    assert.deepEqual(keysOf([await turnIn(store, "c")]), ["parked"]);
  });

  it("expire() goes through old events in batches, and ends where they are young", async (store) => {
    const at = (number: number, targets: string[]) => newEvent(`${number}`, targets, { receivedAt: T0 + number });
    await accept(store, ...[0, 1, 2, 3, 4, 5, 6, 7].map((number) => at(number, number % 3 === 0 ? ["a"] : [])));
    assert.deepEqual(await expireAll(store, before(8), 2), [1, 1, 2, 1, 0], "0, 3 and 6 wait");
    assert.deepEqual(await expireAll(store, before(8), 2), [0, 0]);
    await accept(store, ...[8, 9, 10, 11].map((number) => at(number, [])));
    assert.deepEqual(await expireAll(store, before(9), 2), [0, 1, 0], "the first that is young ends it");
  });

  it("expire() lets an event that was deleted be accepted again, and leaves its duplicates duplicates", async (store) => {
    await accept(store, newEvent("2", ["b"]), newEvent("1")); // the one that goes is the last: its place may be taken again
    await settle(store, "delivered");
    assert.deepEqual(await expireAll(store, before(1)), [1]);
    assert.deepEqual(await accept(store, newEvent("1"), newEvent("2", ["b"])), ["stored", "duplicate"]);
    const again = await turnIn(store);
    assert.equal(again.attempts, 0);
    assert.deepEqual(await attemptsOf(store, again.id), []);
  });

  it("expire() keeps what is known of a target", async (store) => {
    await accept(store, newEvent("1"));
    await settle(store, "delivered");
    const was = await store.targets();
    assert.equal(was[0]!.lastDeliveredAt, iso(T0 + ENDED));
    await expireAll(store, before(1));
    assert.deepEqual(await store.targets(), was);
  });

  it("expire() deletes no more bytes at once than a few large bodies have", async (store) => {
    const body = new Uint8Array(1024 ** 2);
    const keys = Array.from({ length: 10 }, (_, index) => `${index}`);
    await accept(store, ...keys.map((key) => newEvent(key, [], { body })));
    const counts = await expireAll(store, before(T0 + 1, T0 + 1));
    assert.equal(counts.reduce((sum, count) => sum + count), 10);
    assert.ok(Math.max(...counts) <= 4, `${counts}`);
  });

  it("observe() takes what came in into account, a part at a time, each once", async (store, reopen) => {
    assert.equal(await store.upkeep.observe(), false);
    const at = (index: number) => newEvent(`${index}`, [], { type: `t${index % 3}`, receivedAt: T0 + index });
    const events = Array.from({ length: 45_000 }, (_, index) => at(index));
    for (let from = 0; from < events.length; from += 5_000) await accept(store, ...events.slice(from, from + 5_000));
    assert.equal(await store.upkeep.observe(), true);
    const after = await reopen();
    assert.ok(await observe(after) > 1);
    assert.deepEqual([...await after.alarms.lastReceived()].sort(), [
      ["t0", T0 + 44_997],
      ["t1", T0 + 44_998],
      ["t2", T0 + 44_999],
    ]);
    await accept(after, newEvent("new", [], { type: "t0", receivedAt: T0 + 50_000 }));
    assert.equal(await observe(after), 1);
    assert.equal((await after.alarms.lastReceived()).get("t0"), T0 + 50_000);
  });

  it("observe() misses nothing where all that it saw was deleted", async (store) => {
    const at = (key: string, ms: number) => newEvent(key, [], { receivedAt: T0 + ms });
    await accept(store, newEvent("waits"), at("1", 0), at("2", 0));
    await observe(store);
    assert.deepEqual(await expireAll(store, before(1)), [2]);
    await accept(store, at("3", 5_000));
    await observe(store);
    assert.equal((await store.alarms.lastReceived()).get("note.failed"), T0 + 5_000);
  });
}
