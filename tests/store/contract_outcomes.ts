/** What every store does: recording, giving back, taking over, and what an operator sees. */

import assert from "node:assert/strict";
import { deliveryId, formatId, parseId } from "../../lib/id.ts";
import type { It } from "./contract.ts";
import { attemptsOf, backlogOf, claimAll, claimOne, eventOf, newEvent, recordOf, statesOf, T0 } from "./samples.ts";

export function testOutcomes(it: It): void {
  it("record() ends a delivery that was delivered", async (store) => {
    const event = newEvent("1");
    await store.accept([event]);
    await store.record([recordOf(await claimOne(store), "delivered")]);
    assert.deepEqual(await statesOf(store, event), [["delivered", 1, null, null]]);
    assert.equal(await backlogOf(store), 0);
    assert.deepEqual(await claimAll(store, "a", T0 + 1e9), []);
  });

  it("record() puts a delivery that failed back, due when it is due", async (store) => {
    const event = newEvent("1");
    await store.accept([event]);
    await store.record([recordOf(await claimOne(store), "pending", T0 + 5_000)]);
    assert.deepEqual(await statesOf(store, event), [["pending", 1, "server_failed", T0 + 5_000]]);
    assert.deepEqual([await backlogOf(store), await store.nextDue("a")], [1, T0 + 5_000]);
    assert.deepEqual(await claimAll(store, "a", T0 + 4_999), []);
    const again = await claimOne(store, "a", T0 + 5_000);
    assert.deepEqual([again.attempts, again.failures], [1, 1]);
    await store.record([recordOf(again, "delivered")]);
    assert.deepEqual(await statesOf(store, event), [["delivered", 2, null, null]]);
  });

  it("record() buries a delivery that is dead, and no other of its event", async (store) => {
    const event = newEvent("1", ["a", "b"]);
    await store.accept([event]);
    await store.record([recordOf(await claimOne(store), "dead")]);
    assert.deepEqual(await statesOf(store, event), [["dead", 1, "server_failed", null], ["pending", 0, null, T0]]);
    assert.equal(await backlogOf(store), 1);
    assert.deepEqual(await claimAll(store, "a", T0 + 1e9), []);
  });

  it("record() writes all of a batch or nothing", async (store) => {
    const events = [newEvent("1"), newEvent("2")];
    await store.accept(events);
    const [first, second] = await claimAll(store);
    const broken = { ...recordOf(second!, "delivered"), startedAt: null as unknown as number };
    await assert.rejects(store.record([recordOf(first!, "delivered"), broken]));
    assert.deepEqual(await statesOf(store, events[0]!), [["in_flight", 0, null, null]]);
    assert.deepEqual(await attemptsOf(store, parseId(first!.id)!), []);
  });

  it("record() of a delivery that is settled leaves it settled", async (store) => {
    const event = newEvent("1");
    await store.accept([event]);
    const claimed = await claimOne(store);
    await store.record([recordOf(claimed, "delivered")]);
    await store.record([recordOf(claimed, "pending", T0)]);
    assert.deepEqual(await statesOf(store, event), [["delivered", 1, null, null]]);
    assert.equal((await attemptsOf(store, parseId(claimed.id)!)).length, 1);
  });

  it("release() gives back without charging an attempt", async (store) => {
    const event = newEvent("1");
    await store.accept([event]);
    const claimed = await claimOne(store);
    await store.release([claimed.ref], T0 + 7);
    assert.deepEqual(await statesOf(store, event), [["pending", 0, null, T0 + 7]]);
    const again = await claimOne(store, "a", T0 + 7);
    assert.deepEqual([again.id, again.attempts, again.failures], [claimed.id, 0, 0]);
    assert.deepEqual(await attemptsOf(store, parseId(claimed.id)!), []);
    await store.record([recordOf(again, "delivered")]);
    await store.release([claimed.ref], T0 + 8);
    assert.deepEqual(await statesOf(store, event), [["delivered", 1, null, null]]);
  });

  it("nextDue() is the first due time of a target's waiting deliveries", async (store) => {
    assert.equal(await store.nextDue("a"), undefined);
    await store.accept([newEvent("1", ["a"], { receivedAt: T0 + 50 }), newEvent("2", ["a", "b"])]);
    assert.deepEqual([await store.nextDue("a"), await store.nextDue("b"), await store.nextDue("c")], [
      T0,
      T0,
      undefined,
    ]);
    await claimOne(store);
    assert.equal(await store.nextDue("a"), T0 + 50);
    await claimOne(store, "a", T0 + 50);
    assert.equal(await store.nextDue("a"), undefined);
  });

  it("serve() takes over what a program that is gone had in flight", async (store, reopen) => {
    assert.equal(await store.serve(T0), 0);
    const event = newEvent("1", ["a", "b", "c"]);
    await store.accept([event]);
    await claimOne(store, "a");
    await store.record([recordOf(await claimOne(store, "b"), "delivered")]);
    const after = await reopen();
    assert.equal(await after.serve(T0 + 9), 1);
    assert.deepEqual(await statesOf(after, event), [
      ["pending", 0, null, T0 + 9],
      ["delivered", 1, null, null],
      ["pending", 0, null, T0],
    ]);
    assert.equal((await claimOne(after, "a", T0 + 9)).attempts, 0);
  });

  it("keeps everything over a restart", async (store, reopen) => {
    const event = newEvent("1", ["a:rex", "b"], { problems: ["routes[0].when threw: é"] });
    await store.accept([event, newEvent("2", [])]);
    const claimed = await claimOne(store);
    await store.record([recordOf(claimed, "pending", T0 + 5_000)]);
    const before = [await eventOf(store, event.id), await attemptsOf(store, parseId(claimed.id)!)];
    const after = await reopen();
    assert.deepEqual([await eventOf(after, event.id), await attemptsOf(after, parseId(claimed.id)!)], before);
    assert.deepEqual(await after.accept([event, newEvent("2", [])]), ["duplicate", "duplicate"]);
    assert.equal(await backlogOf(after), 2);
  });

  it("story() shows an event and its deliveries", async (store) => {
    const event = newEvent("1", ["a", "b"], { problems: ["first", 'second "quoted"'] });
    await store.accept([event]);
    const pending = { state: "pending", attempts: 0, reason: null, nextAttemptAt: "2026-01-02T03:04:05.678Z" };
    assert.deepEqual(await eventOf(store, event.id), {
      id: formatId(event.id),
      source: "clinic",
      type: "note.failed",
      state: "accepted",
      receivedAt: "2026-01-02T03:04:05.678Z",
      noteId: null,
      externalId: null,
      problems: ["first", 'second "quoted"'],
      deliveries: [
        { id: formatId(deliveryId(event.id, 1)), target: "a", ...pending },
        { id: formatId(deliveryId(event.id, 2)), target: "b", ...pending },
      ],
    });
    await claimOne(store);
    assert.deepEqual(await statesOf(store, event), [["in_flight", 0, null, null], ["pending", 0, null, T0]]);
  });

  it("story() shows an event without a target as unrouted, and none for an id that is not there", async (store) => {
    const event = newEvent("1", []);
    await store.accept([event]);
    const view = await eventOf(store, event.id);
    assert.deepEqual([view!.state, view!.deliveries], ["unrouted", []]);
    assert.equal(await eventOf(store, newEvent("2").id), undefined);
    assert.equal(await eventOf(store, deliveryId(event.id, 1)), undefined);
  });

  it("story() shows each attempt of one delivery", async (store) => {
    await store.accept([newEvent("0"), newEvent("1", ["a", "b"])]);
    const [other, first] = await claimAll(store);
    await store.record([recordOf(other!, "dead"), recordOf(first!, "pending", T0)]);
    await store.record([recordOf(await claimOne(store), "delivered")]);
    const startedAt = "2026-01-02T03:04:06.678Z";
    const failure = { reason: "server_failed", detail: "It answered 500", status: 500, answer: "no" };
    assert.deepEqual(await attemptsOf(store, parseId(first!.id)!), [
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
    assert.equal((await attemptsOf(store, parseId(other!.id)!)).length, 1);
    assert.deepEqual(await attemptsOf(store, deliveryId(newEvent("1").id, 2)), []);
    assert.deepEqual(await attemptsOf(store, deliveryId(newEvent("9").id, 1)), []);
  });

  it("story() shows an answer without a status as it is, and an empty one as none", async (store) => {
    await store.accept([newEvent("1")]);
    const claimed = await claimOne(store);
    const outcome = { kind: "retry", reason: "dns_failed", detail: "no such host" } as const;
    await store.record([{ ...recordOf(claimed, "pending", T0), outcome }]);
    await store.record([{
      ...recordOf(await claimOne(store), "delivered"),
      outcome: { kind: "delivered", answer: "" },
    }]);
    const [failed, delivered] = await attemptsOf(store, parseId(claimed.id)!);
    assert.deepEqual([failed!.reason, failed!.status, failed!.answer], ["dns_failed", null, null]);
    assert.deepEqual([delivered!.status, delivered!.answer], [null, null]);
  });
}
