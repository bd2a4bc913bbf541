/** What every store does: telling how each target is, deleting what is old, saying whether it can write. */

import assert from "node:assert/strict";
import { parseId } from "../../lib/id.ts";
import type { AttemptRecord, Store } from "../../lib/store/mod.ts";
import type { TargetView } from "../../lib/store/views.ts";
import type { It } from "./contract.ts";
import { attemptsOf, claimAll, claimOne, eventOf, keysOf, newEvent, recordOf, T0 } from "./samples.ts";

/** When an attempt of `recordOf` ends. */
const ENDED = "2026-01-02T03:04:06.703Z";

/** A target as it is with nothing known of it but its name. */
const untouched = (name: string): TargetView => ({
  name,
  pending: 0,
  inFlight: 0,
  dead: 0,
  oldestPendingAt: null,
  lastDeliveredAt: null,
  lastFailedAt: null,
  lastReason: null,
  circuitOpenUntil: null,
  throttledUntil: null,
  pausedAt: null,
});

const iso = (ms: number) => new Date(ms).toISOString();

/** Claims the one delivery that is due and records what became of it. */
async function settle(store: Store, state: AttemptRecord["state"], parts: Partial<AttemptRecord> = {}, target = "a") {
  await store.record([{ ...recordOf(await claimOne(store, target), state, T0), ...parts }]);
}

/** Ages by which everything received before T0 + `ms` is old. */
const before = (delivered: number, dead = delivered) => ({ delivered: T0 + delivered, dead: T0 + dead });

/** Deletes what is old, in batches, until there is nothing older left. Gives how many each batch deleted. */
async function expireAll(store: Store, ages: ReturnType<typeof before>, limit = 100): Promise<number[]> {
  const counts: number[] = [];
  for (let next: number | undefined = 0; next !== undefined;) {
    const expired = await store.expire(next, ages, limit);
    counts.push(expired.deleted);
    next = expired.next;
  }
  return counts;
}

export function testTargets(it: It): void {
  it("targets() counts what waits, is on its way and is dead, in the order of names", async (store) => {
    assert.deepEqual(await store.targets(), []);
    await store.accept([
      newEvent("1", ["b", "a:rex", "ä"]),
      newEvent("2", ["a:rex", "B"], { receivedAt: T0 + 10 }),
      newEvent("3", ["b"], { receivedAt: T0 + 20 }),
      newEvent("4", []),
    ]);
    const oldestPendingAt = iso(T0);
    assert.deepEqual(await store.targets(), [
      { ...untouched("B"), pending: 1, oldestPendingAt: iso(T0 + 10) },
      { ...untouched("a"), pending: 2, oldestPendingAt },
      { ...untouched("b"), pending: 2, oldestPendingAt },
      { ...untouched("ä"), pending: 1, oldestPendingAt },
    ]);
    await claimOne(store, "a");
    await settle(store, "dead", {}, "b");
    const [, a, b] = await store.targets();
    assert.deepEqual(a, { ...untouched("a"), pending: 1, inFlight: 1, oldestPendingAt });
    assert.deepEqual([b!.pending, b!.inFlight, b!.dead, b!.oldestPendingAt], [1, 0, 1, iso(T0 + 20)]);
  });

  it("targets() takes one in flight for the oldest, if it is", async (store) => {
    await store.accept([newEvent("1"), newEvent("2", ["a"], { receivedAt: T0 + 10 })]);
    const first = await claimOne(store);
    assert.equal((await store.targets())[0]!.oldestPendingAt, iso(T0));
    await store.record([recordOf(first, "delivered")]);
    assert.equal((await store.targets())[0]!.oldestPendingAt, iso(T0 + 10));
    const second = await claimOne(store, "a", T0 + 10);
    assert.equal((await store.targets())[0]!.oldestPendingAt, iso(T0 + 10), "in flight, and nothing waits");
    await store.record([recordOf(second, "delivered")]);
    assert.equal((await store.targets())[0]!.oldestPendingAt, null);
  });

  it("targets() names a target of which everything is in flight for the first time", async (store) => {
    await store.accept([newEvent("1")]);
    await claimOne(store);
    assert.deepEqual(await store.targets(), [{ ...untouched("a"), inFlight: 1, oldestPendingAt: iso(T0) }]);
  });

  it("targets() remembers the last success and the last failure, each across the other", async (store) => {
    await store.accept([newEvent("1"), newEvent("2", ["b"])]);
    await settle(store, "pending");
    const failed = { lastFailedAt: ENDED, lastReason: "server_failed" } as const;
    assert.deepEqual((await store.targets())[0], {
      ...untouched("a"),
      pending: 1,
      oldestPendingAt: iso(T0),
      ...failed,
    });
    await settle(store, "delivered", { startedAt: T0 + 2_000 });
    const delivered = { lastDeliveredAt: iso(T0 + 2_025) };
    assert.deepEqual((await store.targets())[0], { ...untouched("a"), ...failed, ...delivered });

    await store.accept([newEvent("3")]);
    const outcome = { kind: "retry", reason: "timed_out", detail: "" } as const;
    await settle(store, "pending", { startedAt: T0 + 3_000, outcome });
    const [a, b] = await store.targets();
    assert.deepEqual([a!.lastDeliveredAt, a!.lastFailedAt, a!.lastReason], [
      iso(T0 + 2_025),
      iso(T0 + 3_025),
      "timed_out",
    ]);
    assert.deepEqual(b, { ...untouched("b"), pending: 1, oldestPendingAt: iso(T0) }, "and nothing of another target");
  });

  it("targets() takes the last of several records that were written at once", async (store) => {
    await store.accept(["1", "2", "3", "4"].map((key) => newEvent(key)));
    const claimed = await claimAll(store);
    const states = ["delivered", "dead", "delivered", "dead"] as const;
    await store.record(
      claimed.map((one, at) => ({
        ...recordOf(one, states[at]!),
        startedAt: T0 + at,
        hold: { openUntil: at < 3 ? T0 + 99 : undefined },
      })),
    );
    const [a] = await store.targets();
    assert.deepEqual([a!.dead, a!.lastDeliveredAt, a!.lastFailedAt, a!.circuitOpenUntil], [
      2,
      iso(T0 + 27),
      iso(T0 + 28),
      null,
    ]);
  });

  it("targets() says until when a circuit is open, until an attempt closes it", async (store, reopen) => {
    await store.accept([newEvent("1", ["a", "b"])]);
    await settle(store, "pending", { hold: { openUntil: T0 + 60_000, throttledUntil: T0 + 70_000 } });
    await settle(store, "pending", {}, "b");
    const openUntil = async (from: Store) => (await from.targets()).map(({ circuitOpenUntil }) => circuitOpenUntil);
    assert.deepEqual(await openUntil(store), [iso(T0 + 60_000), null]);
    assert.equal((await store.targets())[0]!.throttledUntil, iso(T0 + 70_000));
    await settle(store, "pending", { hold: { openUntil: T0 + 90_000 } });
    const after = await reopen();
    assert.deepEqual(await openUntil(after), [iso(T0 + 90_000), null]);
    await settle(after, "delivered");
    assert.deepEqual(await openUntil(after), [null, null]);
  });

  it("targets() is the same after a restart, but for what is taken over", async (store, reopen) => {
    await store.accept([newEvent("1", ["a", "b", "c"]), newEvent("2", ["a"])]);
    const [first] = await claimAll(store);
    await store.record([recordOf(first!, "dead")]);
    await settle(store, "delivered", {}, "b");
    const was = await store.targets();
    const after = await reopen();
    assert.deepEqual(await after.targets(), was);
    await after.serve(T0);
    assert.deepEqual(await after.targets(), [{ ...was[0]!, pending: 1, inFlight: 0 }, was[1]!, was[2]!]);
  });

  it("expire() deletes what was delivered, or went nowhere, before its time", async (store) => {
    const [old, nowhere, young] = [
      newEvent("1"),
      newEvent("2", []),
      newEvent("3", ["a"], { receivedAt: T0 + 10 }),
    ];
    await store.accept([old, nowhere, young]);
    const claimed = await claimAll(store, "a", T0 + 10);
    await store.record(claimed.map((one) => recordOf(one, "delivered")));
    assert.deepEqual(await store.expire(0, before(0), 100), { deleted: 0, next: undefined });
    assert.deepEqual(await store.expire(0, before(10), 100), { deleted: 2, next: undefined });
    for (const gone of [old, nowhere]) assert.equal(await eventOf(store, gone.id), undefined);
    assert.deepEqual(await attemptsOf(store, parseId(claimed[0]!.id)!), []);
    assert.equal((await eventOf(store, young.id))!.deliveries.length, 1);
    assert.equal((await attemptsOf(store, parseId(claimed[1]!.id)!)).length, 1);
  });

  it("expire() deletes an event with a dead delivery by its own time only", async (store) => {
    const [buried, mixed] = [newEvent("1"), newEvent("2", ["b", "c"])];
    await store.accept([buried, mixed]);
    await settle(store, "dead");
    await settle(store, "delivered", {}, "b");
    await settle(store, "dead", {}, "c");
    assert.deepEqual(await expireAll(store, before(1e9, 0)), [0]);
    assert.deepEqual(await expireAll(store, before(0, 1), 1), [1, 1, 0], "also where dead ones are kept more briefly");
    assert.deepEqual((await store.targets()).map(({ dead }) => dead), [0, 0, 0]);
  });

  it("expire() deletes nothing that is still to be delivered, however old", async (store) => {
    await store.accept([
      newEvent("pending", ["a"]),
      newEvent("in flight", ["b"]),
      newEvent("first of its key", ["c:rex"]),
      newEvent("waits for its turn", ["c:rex"]),
      newEvent("half delivered", ["d", "a"]),
      newEvent("half dead", ["e", "a"]),
      newEvent("retried", ["f"]),
    ]);
    await claimOne(store, "b");
    await settle(store, "delivered", {}, "d");
    await settle(store, "dead", {}, "e");
    await settle(store, "pending", { dueAt: T0 + 1e9 }, "f");
    const was = await store.targets();
    assert.deepEqual(await expireAll(store, before(1e12)), [0]);
    assert.deepEqual(await store.targets(), was);
    assert.deepEqual(keysOf(await claimAll(store)), ["pending", "half delivered", "half dead"]);
    await settle(store, "delivered", {}, "c");
    assert.deepEqual(await expireAll(store, before(1e12)), [1], "the first of its key, and now the next may go");
    assert.deepEqual(keysOf(await claimAll(store, "c", T0 + 1e9)), ["waits for its turn"]);
  });

  it("expire() goes through old events in batches, and ends where they are young", async (store) => {
    const at = (number: number, targets: string[]) => newEvent(`${number}`, targets, { receivedAt: T0 + number });
    await store.accept([0, 1, 2, 3, 4, 5, 6, 7].map((number) => at(number, number % 3 === 0 ? ["a"] : [])));
    assert.deepEqual(await expireAll(store, before(8), 2), [1, 1, 2, 1, 0], "0, 3 and 6 wait");
    assert.deepEqual(await expireAll(store, before(8), 2), [0, 0]);
    await store.accept([8, 9, 10, 11].map((number) => at(number, [])));
    assert.deepEqual(await expireAll(store, before(9), 2), [0, 1, 0], "the first that is young ends it");
  });

  it("expire() lets an event that was deleted be accepted again, and leaves its duplicates duplicates", async (store) => {
    await store.accept([newEvent("2", ["b"]), newEvent("1")]); // the one that goes is the last: its place may be taken again
    await settle(store, "delivered");
    assert.deepEqual(await expireAll(store, before(1)), [1]);
    assert.deepEqual(await store.accept([newEvent("1"), newEvent("2", ["b"])]), ["stored", "duplicate"]);
    const again = await claimOne(store);
    assert.equal(again.attempts, 0);
    assert.deepEqual(await attemptsOf(store, parseId(again.id)!), []);
  });

  it("expire() keeps what is known of a target", async (store) => {
    await store.accept([newEvent("1")]);
    await settle(store, "delivered");
    await expireAll(store, before(1));
    assert.deepEqual(await store.targets(), [{ ...untouched("a"), lastDeliveredAt: ENDED }]);
  });

  it("probe() writes and changes nothing", async (store, reopen) => {
    const event = newEvent("1", ["a", "b"]);
    await store.accept([event]);
    await claimOne(store);
    const was = [await eventOf(store, event.id), await store.targets()];
    await store.probe();
    assert.deepEqual([await eventOf(store, event.id), await store.targets()], was);
    const after = await reopen();
    assert.deepEqual([await eventOf(after, event.id), await after.targets()], was);
  });

  it("bytes() grows with what is kept", async (store) => {
    const empty = await store.bytes();
    assert.ok(empty > 0);
    await store.accept([newEvent("1", ["a"], { body: new Uint8Array(2 ** 20) })]);
    assert.ok(await store.bytes() >= empty + 2 ** 20);
  });

  it("expire() deletes no more bytes at once than a few large bodies have", async (store) => {
    const body = new Uint8Array(1024 ** 2);
    const keys = Array.from({ length: 10 }, (_, index) => `${index}`);
    await store.accept(keys.map((key) => newEvent(key, [], { body })));
    const counts = await expireAll(store, before(T0 + 1, T0 + 1));
    assert.equal(counts.reduce((sum, count) => sum + count), 10);
    assert.ok(Math.max(...counts) <= 4, `${counts}`);
  });

  it("backlog() counts deliveries to these targets alone", async (store) => {
    await store.accept([newEvent("1", ["a", "b"]), newEvent("2", ["a"])]);
    await claimOne(store, "b");
    assert.deepEqual([await store.backlog(["a"]), await store.backlog(["b"]), await store.backlog(["z"])], [2, 1, 0]);
  });

  it("totals() counts what waits, is on its way or is dead, up to a limit", async (store) => {
    assert.deepEqual(await store.totals(5), { waiting: 0, dead: 0 });
    await store.accept(["1", "2", "3"].map((key) => newEvent(key, ["a", "b"])));
    const [one, two, three] = await claimAll(store);
    await store.record([recordOf(one!, "dead"), recordOf(two!, "dead"), recordOf(three!, "delivered")]);
    await store.accept([newEvent("4", ["a"])]);
    assert.deepEqual(await store.totals(5), { waiting: 4, dead: 2 });
    assert.deepEqual(await store.totals(2), { waiting: 2, dead: 2 });
    assert.deepEqual(await store.totals(1), { waiting: 1, dead: 1 });
  });

  it("waitingTargets() and holds() name each target once", async (store, reopen) => {
    assert.deepEqual([await store.waitingTargets(), [...await store.holds()]], [[], []]);
    await store.accept(["1", "2", "3"].map((key) => newEvent(key, ["c", "a", "b:rex"])));
    assert.deepEqual(await store.waitingTargets(), ["a", "b", "c"]);
    const [one, ...more] = await claimAll(store);
    await store.record([{ ...recordOf(one!, "delivered"), hold: { openUntil: T0 + 5, throttledUntil: T0 + 7 } }]);
    await store.record(more.map((claimed) => ({ ...recordOf(claimed, "dead"), hold: { throttledUntil: T0 + 9 } })));
    const after = await reopen();
    assert.deepEqual(await after.waitingTargets(), ["b", "c"]);
    assert.deepEqual([...await after.holds()], [["a", {
      openUntil: undefined,
      throttledUntil: T0 + 9,
      pausedAt: undefined,
    }]]);
  });
}
