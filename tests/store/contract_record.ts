/** What every store does: recording attempts. */

import assert from "node:assert/strict";
import { deliveryId } from "../../lib/id.ts";
import { Told } from "../../lib/locale/told.ts";
import type { It } from "./contract.ts";
import {
  accept,
  answered500,
  attemptsOf,
  backlogOf,
  dueIn,
  ENDED,
  epochOf,
  iso,
  newEvent,
  nextIn,
  record,
  recordOf,
  settle,
  statesOf,
  T0,
  turnIn,
  turnsIn,
} from "./samples.ts";

export function testRecord(it: It): void {
  it("write() ends a delivery that was delivered", async (store) => {
    const event = newEvent("1");
    await accept(store, event);
    assert.deepEqual(await record(store, [recordOf(await turnIn(store), "delivered")]), [{
      fate: "recorded",
      head: undefined,
    }]);
    assert.deepEqual(await statesOf(store, event), [["delivered", 1, null, null]]);
    assert.equal(await backlogOf(store), 0);
    assert.deepEqual(await turnsIn(store), []);
  });

  it("write() puts a delivery that failed back, due when it is due", async (store, _reopen, clock) => {
    clock.set(T0);
    const event = newEvent("1");
    await accept(store, event);
    await settle(store, "pending", "a", { dueAt: T0 + 5_000 });
    clock.set(T0 + ENDED);
    assert.deepEqual(await statesOf(store, event), [["pending", 1, "server_failed", 5_000]]);
    assert.deepEqual([await backlogOf(store), await nextIn(store)], [1, 5_000]);
    clock.set(T0 + 4_999);
    assert.deepEqual(await turnsIn(store), []);
    clock.set(T0 + 5_000);
    const again = await settle(store, "delivered");
    assert.deepEqual([again.attempts, again.failures, again.dueAt], [1, 1, T0 + 5_000]);
    assert.deepEqual(await statesOf(store, event), [["delivered", 2, null, null]]);
  });

  it("write() buries a delivery that is dead, and no other of its event", async (store) => {
    const event = newEvent("1", ["a", "b"]);
    await accept(store, event);
    await settle(store, "dead");
    assert.deepEqual(await statesOf(store, event), [["dead", 1, "server_failed", null], ["pending", 0, null, 0]]);
    assert.equal(await backlogOf(store), 1);
    assert.deepEqual(await turnsIn(store), []);
  });

  it("write() writes all records of a batch or none", async (store) => {
    const events = [newEvent("1"), newEvent("2", ["b"])];
    await accept(store, ...events);
    const [first, second] = [await turnIn(store), await turnIn(store, "b")];
    const broken = recordOf(second, "delivered", { startedAt: null as unknown as number });
    await assert.rejects(record(store, [recordOf(first, "delivered"), broken]));
    assert.deepEqual(await statesOf(store, events[0]!), [["pending", 0, null, 0]]);
    assert.deepEqual(await attemptsOf(store, first.id), []);
    assert.deepEqual([(await store.activity(T0)).attempts, (await store.targets())[0]!.lastDeliveredAt], [[], null]);
    assert.deepEqual((await record(store, [recordOf(first, "delivered")]))[0]!.fate, "recorded");
  });

  it("write() gives what became of each record, lane by lane in its order", async (store) => {
    await accept(store, ...["1", "2", "3"].map((key) => newEvent(key, ["a", "b"])));
    const [a, b] = [await turnsIn(store, "a"), await turnsIn(store, "b")];
    await record(store, [recordOf(a[1]!, "delivered")]);
    const lane = async (name: string, due: typeof a) => ({
      epoch: await epochOf(store, name),
      hold: {},
      records: due.map((one) => recordOf(one, "delivered")),
    });
    const { lanes } = await store.write({ accepts: [], lanes: [await lane("b", b), await lane("a", a)] });
    assert.deepEqual(lanes.map((recorded) => recorded.map(({ fate }) => fate)), [
      ["recorded", "recorded", "recorded"],
      ["recorded", "known", "recorded"],
    ]);
  });

  it("story() shows each attempt of one delivery", async (store) => {
    await accept(store, newEvent("0"), newEvent("1", ["a", "b"]));
    const [other, first] = await turnsIn(store);
    await record(store, [recordOf(other!, "dead"), recordOf(first!, "pending")]);
    await settle(store, "delivered");
    const startedAt = "2026-01-02T03:04:06.678Z";
    const failure = { reason: "server_failed", detail: answered500, status: 500, answer: "no" };
    assert.deepEqual(await attemptsOf(store, first!.id), [
      { attempt: 1, startedAt, durationMs: 25, outcome: "retry", ...failure },
      {
        attempt: 2,
        startedAt,
        durationMs: 25,
        outcome: "delivered",
        reason: null,
        detail: null,
        status: 200,
        answer: "ok",
      },
    ]);
    assert.equal((await attemptsOf(store, other!.id)).length, 1);
    assert.deepEqual(await attemptsOf(store, deliveryId(newEvent("1").id, 2)), []);
    assert.deepEqual(await attemptsOf(store, deliveryId(newEvent("9").id, 1)), []);
  });

  it("story() shows an answer without a status as it is, and an empty one as none", async (store) => {
    await accept(store, newEvent("1"));
    const outcome = { kind: "retry", reason: "dns_failed", detail: Told.of("no such host") } as const;
    const { id } = await settle(store, "pending", "a", { outcome });
    await settle(store, "delivered", "a", { outcome: { kind: "delivered", answer: "" } });
    const [failed, delivered] = await attemptsOf(store, id);
    assert.deepEqual([failed!.reason, failed!.status, failed!.answer], ["dns_failed", null, null]);
    assert.deepEqual([delivered!.status, delivered!.answer], [null, null]);
  });

  it("write() keeps how the lane is held after its records, also where there is none", async (store, reopen) => {
    await accept(store, newEvent("1", ["a", "b"]));
    const hold = { openUntil: T0 + 2 * 86_400_000, throttledUntil: T0 + 3 * 86_400_000 };
    await settle(store, "pending", "a", {}, hold);
    await store.write({
      accepts: [],
      lanes: [{ epoch: await epochOf(store, "b"), hold: { throttledUntil: hold.throttledUntil }, records: [] }],
    });
    const after = await reopen();
    const holds = await after.lanes.holds();
    assert.deepEqual(holds.get("a"), { ...hold, pausedAt: undefined });
    assert.deepEqual(holds.get("b"), {
      openUntil: undefined,
      throttledUntil: hold.throttledUntil,
      pausedAt: undefined,
    });
    assert.deepEqual((await after.targets()).map(({ circuitOpenUntil }) => circuitOpenUntil), [
      iso(hold.openUntil),
      null,
    ]);
  });

  it("write() counts each attempt in the hour in which it ended, by target and state", async (store) => {
    const hour = Math.floor(T0 / 3_600_000) * 3_600_000;
    await accept(store, ...["1", "2", "3"].map((key) => newEvent(key)));
    const [one, two, three] = await turnsIn(store);
    const end = { startedAt: hour + 3_600_000 - 10, durationMs: 10 };
    await record(store, [
      recordOf(one!, "delivered"),
      recordOf(two!, "delivered"),
      recordOf(three!, "pending", end),
    ]);
    await record(store, [recordOf((await dueIn(store)).due[0]!, "delivered")]);
    const { attempts } = await store.activity(T0);
    assert.deepEqual(attempts.map(({ at, target, state, count }) => [at - hour, target, state, count]), [
      [0, "a", "delivered", 3],
      [3_600_000, "a", "pending", 1],
    ]);
  });
}
