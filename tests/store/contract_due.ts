/** What every store does: giving what is due. */

import assert from "node:assert/strict";
import type { Due } from "../../lib/store/mod.ts";
import type { It } from "./contract.ts";
import { accept, dueIn, keysOf, newEvent, nextIn, record, recordOf, settle, T0, turnIn } from "./samples.ts";

const refsOf = (due: Due[]) => due.map(({ ref }) => ref);

export function testDue(it: It): void {
  it("due() keeps each lane's limit, and leaves out what its owner has", async (store) => {
    await accept(store, ...["1", "2", "3", "4"].map((key) => newEvent(key, ["a", "b", "c"])));
    const ask = (lane: string, limit: number, known: Due[] = []) => ({ lane, limit, known: refsOf(known) });
    const [a, b] = await store.lanes.due([ask("a", 2), ask("b", 3)]);
    assert.deepEqual([a!.lane, keysOf(a!.due), a!.isAll], ["a", ["1", "2"], false]);
    assert.deepEqual([b!.lane, keysOf(b!.due), b!.isAll], ["b", ["1", "2", "3"], false]);
    const [rest, last, none] = await store.lanes.due([
      ask("a", 9, a!.due),
      ask("b", 1, b!.due),
      ask("z", 9),
    ]);
    assert.deepEqual([keysOf(rest!.due), rest!.isAll], [["3", "4"], true]);
    assert.deepEqual(keysOf(last!.due), ["4"]);
    assert.deepEqual(none, { lane: "z", due: [], isAll: true, nextAt: undefined });
    assert.deepEqual(await store.lanes.due([]), []);
    const [same] = await store.lanes.due([ask("a", 9)]);
    assert.equal(same!.due.length, 4, "a read changes nothing");
  });

  it("due() finds what is not known behind as much as is, whatever the limit", async (store) => {
    const keys = Array.from({ length: 12 }, (_, index) => `${index}`);
    await accept(store, ...keys.map((key) => newEvent(key)));
    const { due: known } = await dueIn(store, "a", [], 10);
    const { due, isAll } = await dueIn(store, "a", refsOf(known), 1);
    assert.deepEqual([keysOf(due), isAll], [["10"], false]);
    const { due: last, isAll: isEnd } = await dueIn(store, "a", refsOf([...known, ...due]), 2);
    assert.deepEqual([keysOf(last), isEnd], [["11"], true]);
    const gone = [{ event: 99, number: 1 }, ...refsOf(known)];
    assert.deepEqual(keysOf((await dueIn(store, "a", gone, 100)).due), ["10", "11"], "known, and gone since");
  });

  it("due() gives what has been due for longest first, then the order of acceptance", async (store, _reopen, clock) => {
    const at = (key: string, ms: number) => newEvent(key, ["a"], { receivedAt: T0 + ms });
    await accept(store, at("third", 20), at("second", 10), at("first", 0), at("fourth", 20), at("later", 21));
    clock.set(T0 + 20);
    assert.deepEqual(keysOf((await dueIn(store, "a", [], 1)).due), ["first"]);
    const { due, isAll, nextAt } = await dueIn(store);
    assert.deepEqual([keysOf(due), isAll, nextAt], [["first", "second", "third", "fourth"], true, T0 + 21]);
    assert.deepEqual(due.map(({ dueAt }) => dueAt - T0), [0, 10, 20, 20]);
    clock.set(T0 + 21);
    assert.deepEqual(keysOf((await dueIn(store, "a", refsOf(due))).due), ["later"]);
    assert.equal(await nextIn(store), undefined);
  });

  it("due() orders the deliveries of one event by their numbers", async (store) => {
    await accept(store, newEvent("1", ["a", "b", "a", "a"]), newEvent("2"));
    assert.deepEqual(refsOf((await dueIn(store)).due).map(({ event, number }) => [event, number]), [[1, 1], [1, 3], [
      1,
      4,
    ], [2, 1]]);
  });

  it("due() says when the next one is due, of the lane that was asked for", async (store, _reopen, clock) => {
    clock.set(T0);
    assert.equal(await nextIn(store), undefined);
    await accept(store, newEvent("1", ["a"], { receivedAt: T0 + 50 }), newEvent("2", ["b"]));
    assert.deepEqual([await nextIn(store, "a"), await nextIn(store, "b"), await nextIn(store, "c")], [
      50,
      undefined,
      undefined,
    ]);
    await settle(store, "pending", "b", { dueAt: T0 + 40 });
    assert.equal(await nextIn(store, "b"), 40);
    clock.set(T0 + 40);
    assert.equal((await dueIn(store, "b")).due.length, 1, "due in the very millisecond");
  });

  it("due() gives large bodies in several reads, and one that is larger still whole", async (store) => {
    const body = new Uint8Array(400_000);
    const huge = new Uint8Array(5_000_000);
    await accept(
      store,
      ...["1", "2", "3", "4"].map((key) => newEvent(key, ["a"], { body })),
      newEvent("5", ["a"], { body: huge }),
    );
    const known: Due[] = [];
    const sizes: number[] = [];
    for (let isDone = false; !isDone;) {
      const { due, isAll } = await dueIn(store, "a", refsOf(known));
      assert.ok(due.length > 0);
      known.push(...due);
      sizes.push(due.length);
      isDone = isAll;
    }
    assert.deepEqual(refsOf(known).map(({ event }) => event), [1, 2, 3, 4, 5]);
    assert.equal(known.at(-1)!.event.body.byteLength, huge.byteLength);
    assert.ok(sizes[0]! < 5, `${sizes}`);
  });

  it("due() tells of the attempts before, since the retry schedule began", async (store, _reopen, clock) => {
    await accept(store, newEvent("1"));
    const fresh = await turnIn(store);
    assert.deepEqual([fresh.attempts, fresh.failures, fresh.failingSince, fresh.reason], [0, 0, undefined, undefined]);
    await settle(store, "pending", "a", { startedAt: T0 + 1_000 });
    await settle(store, "pending", "a", { startedAt: T0 + 2_000 });
    const failing = await turnIn(store);
    assert.deepEqual([failing.attempts, failing.failures, failing.failingSince, failing.reason], [
      2,
      2,
      T0 + 1_000,
      "server_failed",
    ]);
    await store.retry([failing.ref], clock.now());
    const retried = await turnIn(store);
    assert.deepEqual([retried.attempts, retried.failures, retried.failingSince], [2, 0, undefined]);
    await record(store, [recordOf(retried, "pending", { startedAt: T0 + 9_000 })]);
    const again = await turnIn(store);
    assert.deepEqual([again.attempts, again.failures, again.failingSince], [3, 1, T0 + 9_000]);
  });

  it("due() gives nothing that is done", async (store) => {
    await accept(store, newEvent("1"), newEvent("2", ["b"]));
    await settle(store, "delivered");
    await settle(store, "dead", "b");
    for (const lane of ["a", "b"]) {
      assert.deepEqual(await dueIn(store, lane), { lane, due: [], isAll: true, nextAt: undefined });
    }
  });
}
