/** What every store does: order keys, their heads, and parking. */

import assert from "node:assert/strict";
import type { Store } from "../../lib/store/mod.ts";
import type { It } from "./contract.ts";
import {
  accept,
  dueIn,
  ENDED,
  epochOf,
  keysOf,
  newEvent,
  nextIn,
  record,
  recordOf,
  refOf,
  settle,
  statesOf,
  T0,
  turnIn,
  turnsIn,
} from "./samples.ts";

const dueKeys = async (store: Store, lane = "a") => keysOf((await dueIn(store, lane)).due);
const turnKeys = async (store: Store, lane = "a") => keysOf(await turnsIn(store, lane));

/** Parks what stands behind the heads of these keys, in as many pages as it takes. */
async function park(store: Store, ...orderKeys: string[]): Promise<void> {
  while (await store.lanes.park(await epochOf(store, "a"), orderKeys));
}

export function testOrder(it: It): void {
  it("due() names the first delivery of a key that is not done, due or not", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(
      store,
      newEvent("1", ["a:rex"], { receivedAt: T0 + 10 }),
      newEvent("2", ["a:rex"]),
      newEvent("3", ["a"]),
      newEvent("4", ["a:fifi"]),
    );
    const heads = (await dueIn(store)).due.map(({ orderKey, head }) => [orderKey, head?.event]);
    assert.deepEqual(heads, [["rex", 1], [undefined, undefined], ["fifi", 4]]);
    assert.deepEqual([await turnKeys(store), await nextIn(store)], [["3", "4"], 10]);
    clock.set(T0 + 10);
    assert.deepEqual(await turnKeys(store), ["3", "4", "1"]);
  });

  it("write() gives the head of the key of what it recorded", async (store, _reopen, clock) => {
    await accept(store, ...["1", "2", "3"].map((key) => newEvent(key, ["a:rex"])));
    const [one, two] = (await dueIn(store)).due;
    const head = async (state: "pending" | "dead" | "delivered", due = one!) => {
      const recorded = await record(store, [recordOf(due, state, { dueAt: T0 + 5_000, startedAt: clock.now() })]);
      clock.pass(1);
      return recorded[0]!.head;
    };
    assert.deepEqual(await head("pending"), { event: 1, number: 1 });
    assert.deepEqual(await head("dead", await turnIn(store)), { event: 2, number: 1 });
    assert.deepEqual(await head("dead"), { event: 2, number: 1 }, "also of one that is history");
    assert.deepEqual(await head("delivered", two), { event: 3, number: 1 });
    assert.equal(await head("delivered", await turnIn(store)), undefined);
  });

  it("due() gives deliveries of one order key their turns one after the other", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, ...["1", "2", "3"].map((key) => newEvent(key, ["a:rex"])));
    await settle(store, "pending", "a", { dueAt: T0 + 5_000 });
    assert.deepEqual(await turnKeys(store), [], "a retry that waits keeps the others waiting");
    assert.equal(await nextIn(store), 5_000);
    clock.set(T0 + 5_000);
    assert.deepEqual(keysOf([await settle(store, "dead")]), ["1"]);
    assert.deepEqual(keysOf([await settle(store, "delivered")]), ["2"], "a dead one lets the next go");
    assert.deepEqual(await turnKeys(store), ["3"]);
  });

  it("due() lets an order key hold up no other key, no other target and nothing without one", async (store) => {
    await accept(
      store,
      newEvent("1", ["a:rex", "b:rex"]),
      newEvent("2", ["a:rex", "b"]),
      newEvent("3", ["a:fifi"]),
      newEvent("4"),
    );
    assert.deepEqual(await turnKeys(store), ["1", "3", "4"]);
    assert.deepEqual(await turnKeys(store, "b"), ["1", "2"]);
  });

  it("park() takes what stands behind heads out of what is due, and nothing else", async (store) => {
    await accept(
      store,
      ...["1", "2", "3"].map((key) => newEvent(key, ["a:rex", "b:rex"])),
      newEvent("4", ["a:fifi"]),
      newEvent("5", ["a:fifi"]),
      newEvent("6"),
    );
    await park(store, "rex");
    assert.deepEqual(await dueKeys(store), ["1", "4", "5", "6"]);
    assert.deepEqual(await dueKeys(store, "b"), ["1", "2", "3"]);
    const shown = (await Promise.all(["1", "2"].map((key) => statesOf(store, newEvent(key))))).flat();
    assert.deepEqual(
      shown.map(([, , , nextAt]) => nextAt),
      [0, 0, null, null],
      "what is behind is not next, parked or not",
    );
    assert.deepEqual((await store.targets()).map(({ pending }) => pending), [6, 3], "they wait as before");
    await park(store, "none", "rex", "fifi");
    assert.deepEqual(await dueKeys(store), ["1", "4", "6"]);
  });

  it("park() says whether there may be more, until all that is due is parked", async (store) => {
    const keys = Array.from({ length: 5_000 }, (_, index) => `${index}`);
    await accept(store, ...keys.map((key) => newEvent(key, ["a:rex"])), newEvent("other", ["a:fifi"]));
    const epoch = await epochOf(store, "a");
    let pages = 1;
    while (await store.lanes.park(epoch, ["rex"])) pages++;
    assert.ok(pages > 1);
    const { due, isAll } = await dueIn(store);
    assert.deepEqual([keysOf(due), isAll], [["0", "other"], true]);
    await record(store, due.map((one) => recordOf(one, "delivered")));
    assert.deepEqual(await turnKeys(store), ["1"]);
  });

  it("write() gives the next of a key its turn, where it is parked, from the end of the attempt on", async (store) => {
    await accept(store, ...["1", "2", "3", "4"].map((key) => newEvent(key, ["a:rex"])));
    await park(store, "rex");
    assert.deepEqual(await dueKeys(store), ["1"]);
    await settle(store, "pending");
    assert.deepEqual(await dueKeys(store), ["1"], "a head that failed stays the head");
    await settle(store, "delivered");
    assert.deepEqual(await dueKeys(store), ["2"]);
    assert.deepEqual(await statesOf(store, newEvent("2")), [["pending", 0, null, ENDED]]);
    await settle(store, "dead");
    assert.deepEqual(await dueKeys(store), ["3"]);
  });

  it("write() in an old epoch gives no turn", async (store) => {
    await accept(store, ...["1", "2"].map((key) => newEvent(key, ["a:rex"])));
    await park(store, "rex");
    const due = await turnIn(store);
    const old = await epochOf(store, "a");
    await store.lanes.own(["a"], "another");
    await store.write({ accepts: [], lanes: [{ epoch: old, hold: {}, records: [recordOf(due, "delivered")] }] });
    assert.deepEqual(await dueKeys(store), ["1"]);
  });

  it("unpark() makes every parked head due, and none behind it", async (store, _reopen, clock) => {
    await accept(store, ...["1", "2", "3"].map((key) => newEvent(key, ["a:rex", "a:fifi"])));
    const epoch = await epochOf(store, "a");
    await park(store, "rex", "fifi");
    assert.equal(await store.lanes.unpark(epoch), 0, "their heads are due");
    // Whoever ended the heads did not say of which keys they are.
    await record(store, (await turnsIn(store)).map((due) => recordOf(due, "dead", { orderKey: undefined })));
    assert.deepEqual(await dueKeys(store), []);
    clock.pass(5);
    assert.equal(await store.lanes.unpark(epoch), 2);
    const { due } = await dueIn(store);
    assert.deepEqual(
      due.map(({ dueAt, orderKey }) => [dueAt, orderKey]),
      ["rex", "fifi"].map((key) => [clock.now(), key]),
    );
    assert.deepEqual(keysOf(due), ["2", "2"]);
    assert.equal(await store.lanes.unpark(epoch), 0);
  });

  it("retry() makes a dead delivery the head of its key again", async (store, _reopen, clock) => {
    await accept(store, ...["1", "2", "3"].map((key) => newEvent(key, ["a:rex"])));
    const first = await settle(store, "dead");
    const second = await turnIn(store);
    await store.retry([first.ref], T0 + 2_000);
    assert.deepEqual(await turnKeys(store), ["1"], "the one that comes first goes first");
    const [recorded] = await record(store, [recordOf(second, "delivered", { startedAt: clock.now() })]);
    assert.deepEqual(recorded, { fate: "recorded", head: first.ref }, "what was under way is not undone");
    await settle(store, "delivered", "a", { startedAt: clock.now() });
    assert.deepEqual(await turnKeys(store), ["3"]);
  });

  it("retry() of one that is parked lets none of its key go before it", async (store) => {
    const events = ["1", "2", "3"].map((key) => newEvent(key, ["a:rex"]));
    await accept(store, ...events);
    await park(store, "rex");
    assert.equal(await store.retry([await refOf(store, events[1]!)], T0), 1);
    assert.deepEqual([await turnKeys(store), await dueKeys(store)], [["1"], ["1", "2"]]);
    await settle(store, "delivered");
    assert.deepEqual(await turnKeys(store), ["2"]);
  });

  it("redeliver() goes behind what is later in the order of acceptance only where it is", async (store) => {
    const events = ["1", "2"].map((key) => newEvent(key, ["a:rex"]));
    await accept(store, ...events);
    await settle(store, "delivered");
    await store.redeliver([{ seq: 1, deliveries: [{ target: "a", orderKey: "rex" }] }], T0);
    const { ref } = await turnIn(store);
    assert.deepEqual(ref, { event: 1, number: 2 });
  });

  it("a key's head that awaits another delivery holds up those behind it", async (store) => {
    const awaits = { lane: "relay::notes" };
    await accept(
      store,
      newEvent("1", [], { deliveries: [{ target: "a", orderKey: "rex", awaits }] }),
      newEvent("2", ["a:rex"]),
      newEvent("3", ["a:rex"]),
    );
    assert.deepEqual([await turnKeys(store), await dueKeys(store)], [[], ["2", "3"]]);
    await park(store, "rex");
    assert.deepEqual(await dueKeys(store), []);
    assert.equal(await store.lanes.unpark(await epochOf(store, "a")), 0, "it is not parked, it awaits");
    await settle(store, "delivered", "relay::notes");
    assert.deepEqual(await turnKeys(store), ["1"]);
    await settle(store, "delivered");
    assert.deepEqual(await turnKeys(store), ["2"]);
  });

  it("write() gives no turn to a head that awaits another delivery", async (store) => {
    const awaits = { lane: "relay::notes" };
    await accept(
      store,
      newEvent("1", ["a:rex"]),
      newEvent("2", [], { deliveries: [{ target: "a", orderKey: "rex", awaits }] }),
      newEvent("3", ["a:rex"]),
    );
    assert.deepEqual(keysOf([await settle(store, "delivered")]), ["1"]);
    assert.deepEqual(await turnKeys(store), []);
    await settle(store, "delivered", "relay::notes");
    assert.deepEqual(await turnKeys(store), ["2"]);
  });
}
