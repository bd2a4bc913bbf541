/** What every store does: telling how each target is, and how much waits. */

import assert from "node:assert/strict";
import { Told } from "../../lib/locale/told.ts";
import type { Store } from "../../lib/store/mod.ts";
import type { TargetView } from "../../lib/store/views.ts";
import type { It } from "./contract.ts";
import {
  accept,
  ENDED,
  iso,
  newEvent,
  record,
  recordOf,
  refOf,
  settle,
  settleAll,
  T0,
  takeOver,
  turnIn,
  turnsIn,
} from "./samples.ts";

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

export function testTargets(it: It): void {
  it("targets() counts what waits and is dead, in the order of names", async (store) => {
    assert.deepEqual(await store.targets(), []);
    await accept(
      store,
      newEvent("1", ["b", "a:rex", "ä"]),
      newEvent("2", ["a:rex", "B"], { receivedAt: T0 + 10 }),
      newEvent("3", ["b"], { receivedAt: T0 + 20 }),
      newEvent("4", []),
    );
    const oldestPendingAt = iso(T0);
    assert.deepEqual(await store.targets(), [
      { ...untouched("B"), pending: 1, oldestPendingAt: iso(T0 + 10) },
      { ...untouched("a"), pending: 2, oldestPendingAt },
      { ...untouched("b"), pending: 2, oldestPendingAt },
      { ...untouched("ä"), pending: 1, oldestPendingAt },
    ]);
    await record(store, [recordOf((await turnsIn(store, "b"))[0]!, "dead")]);
    const [, a, b] = await store.targets();
    assert.deepEqual(a, { ...untouched("a"), pending: 2, oldestPendingAt });
    assert.deepEqual([b!.pending, b!.dead, b!.oldestPendingAt], [1, 1, iso(T0 + 20)]);
  });

  it("targets() tells since when the oldest waits, due or not", async (store) => {
    await accept(store, newEvent("1"), newEvent("2", ["a"], { receivedAt: T0 + 10 }));
    const [one, two] = await turnsIn(store);
    await record(store, [recordOf(one!, "pending", { dueAt: T0 + 1e12 })]);
    assert.equal((await store.targets())[0]!.oldestPendingAt, iso(T0));
    await store.retry([one!.ref], T0);
    await record(store, [recordOf((await turnsIn(store))[0]!, "delivered", { startedAt: T0 + 9 })]);
    assert.equal((await store.targets())[0]!.oldestPendingAt, iso(T0 + 10));
    await record(store, [recordOf(two!, "delivered")]);
    assert.equal((await store.targets())[0]!.oldestPendingAt, null);
  });

  it("targets() names a target that somebody owns, and no lane of relay's own", async (store) => {
    await takeOver(store, "a");
    await takeOver(store, "relay::notes");
    assert.deepEqual(await store.targets(), [untouched("a")]);
  });

  it("targets() remembers the last success and the last failure, each across the other", async (store) => {
    await accept(store, newEvent("1"), newEvent("2", ["b"]));
    await settle(store, "pending");
    const failed = { lastFailedAt: iso(T0 + ENDED), lastReason: "server_failed" } as const;
    assert.deepEqual((await store.targets())[0], {
      ...untouched("a"),
      pending: 1,
      oldestPendingAt: iso(T0),
      ...failed,
    });
    await settle(store, "delivered", "a", { startedAt: T0 + 2_000 });
    const delivered = { lastDeliveredAt: iso(T0 + 2_025) };
    assert.deepEqual((await store.targets())[0], { ...untouched("a"), ...failed, ...delivered });

    await accept(store, newEvent("3"));
    const outcome = { kind: "retry", reason: "timed_out", detail: Told.of("") } as const;
    await settle(store, "pending", "a", { startedAt: T0 + 3_000, outcome });
    const [a, b] = await store.targets();
    assert.deepEqual([a!.lastDeliveredAt, a!.lastFailedAt, a!.lastReason], [
      iso(T0 + 2_025),
      iso(T0 + 3_025),
      "timed_out",
    ]);
    assert.deepEqual(b, { ...untouched("b"), pending: 1, oldestPendingAt: iso(T0) }, "and nothing of another target");
  });

  it("targets() takes the last of several records that were written at once", async (store) => {
    await accept(store, ...["1", "2", "3", "4"].map((key) => newEvent(key)));
    const states = ["delivered", "dead", "delivered", "dead"] as const;
    const due = await turnsIn(store);
    await record(store, due.map((one, at) => recordOf(one, states[at]!, { startedAt: T0 + at })), {});
    const [a] = await store.targets();
    assert.deepEqual([a!.dead, a!.lastDeliveredAt, a!.lastFailedAt, a!.circuitOpenUntil], [
      2,
      iso(T0 + 27),
      iso(T0 + 28),
      null,
    ]);
  });

  it("targets() says until when a circuit is open, until an attempt closes it", async (store, reopen, clock) => {
    clock.set(T0 + ENDED);
    await accept(store, newEvent("1", ["a", "b"]));
    await settle(store, "pending", "a", {}, { openUntil: T0 + 60_000, throttledUntil: T0 + 70_000 });
    await settle(store, "pending", "b");
    const openUntil = async (from: Store) => (await from.targets()).map(({ circuitOpenUntil }) => circuitOpenUntil);
    assert.deepEqual(await openUntil(store), [iso(T0 + 60_000), null]);
    assert.equal((await store.targets())[0]!.throttledUntil, iso(T0 + 70_000));
    await settle(store, "pending", "a", { startedAt: T0 + 1 }, { openUntil: T0 + 90_000 });
    const after = await reopen();
    assert.deepEqual(await openUntil(after), [iso(T0 + 90_000), null]);
    await settle(after, "delivered", "a", { startedAt: T0 + 2 });
    assert.deepEqual(await openUntil(after), [null, null]);
  });

  it("targets() is the same after a restart", async (store, reopen) => {
    await accept(store, newEvent("1", ["a", "b", "c"]), newEvent("2", ["a"]));
    await record(store, [recordOf((await turnsIn(store))[0]!, "dead")]);
    await settle(store, "delivered", "b");
    await store.pause("c", T0);
    const was = await store.targets();
    assert.deepEqual(await (await reopen()).targets(), was);
  });

  it("targets() counts what was retried, and replayed", async (store) => {
    await accept(store, newEvent("1"));
    await settle(store, "dead");
    const counts = async () => (await store.targets()).map(({ name, pending, dead }) => [name, pending, dead]);
    assert.deepEqual(await counts(), [["a", 0, 1]]);
    await store.retry([await refOf(store, newEvent("1"))], T0);
    assert.deepEqual(await counts(), [["a", 1, 0]]);
    await store.redeliver([{ seq: 1, deliveries: [{ target: "a" }, { target: "b" }] }], T0);
    assert.deepEqual(await counts(), [["a", 2, 0], ["b", 1, 0]]);
  });

  it("backlog() counts what waits in these lanes alone, due or not", async (store, _reopen, clock) => {
    await accept(store, newEvent("1", ["a", "b:rex"]), newEvent("2", ["a", "b:rex"]));
    await store.lanes.park((await takeOver(store, "b")).epoch, ["rex"]);
    await record(store, (await turnsIn(store)).map((due) => recordOf(due, "pending", { dueAt: clock.now() + 9 })));
    const { backlog } = store.upkeep;
    const count = (lanes: string[]) => backlog.call(store.upkeep, lanes);
    assert.deepEqual([await count(["a"]), await count(["b"]), await count(["z"]), await count([])], [2, 2, 0, 0]);
    assert.equal(await count(["a", "b", "c"]), 4);
    await settle(store, "dead", "b");
    assert.equal(await count(["b"]), 1);
  });

  it("totals() counts what waits and what is dead, up to a limit", async (store) => {
    assert.deepEqual(await store.totals(5), { waiting: 0, dead: 0 });
    await accept(store, ...["1", "2", "3"].map((key) => newEvent(key, ["a", "b"])));
    const [one, two, three] = await turnsIn(store);
    await record(store, [recordOf(one!, "dead"), recordOf(two!, "dead"), recordOf(three!, "delivered")]);
    await accept(store, newEvent("4", ["a"]));
    assert.deepEqual(await store.totals(5), { waiting: 4, dead: 2 });
    assert.deepEqual(await store.totals(2), { waiting: 2, dead: 2 });
    assert.deepEqual(await store.totals(1), { waiting: 1, dead: 1 });
    await settleAll(store, "delivered", "b");
    await settle(store, "delivered");
    assert.deepEqual(await store.totals(5), { waiting: 0, dead: 2 });
    assert.equal((await turnsIn(store, "b")).length, 0);
    await assert.rejects(turnIn(store));
  });
}
