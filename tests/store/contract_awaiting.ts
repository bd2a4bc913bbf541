/** What every store does: deliveries that await another one of their event, in a lane of relay's own. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Awaited, NewEvent } from "../../lib/event.ts";
import { Told } from "../../lib/locale/told.ts";
import type { AttemptRecord, Due, Store, Waiting } from "../../lib/store/mod.ts";
import type { It } from "./contract.ts";
import {
  accept,
  attemptsOf,
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
  takeOver,
  turnIn,
} from "./samples.ts";

const LANE = "relay::notes";
const HOUR = 3_600_000;
const data = Buffer.from('{"id":"n1","name":"Rex"}');

/** An event whose deliveries await one in the lane of notes, for so many milliseconds at most. */
const awaiting = (key: string, targets: string[], ...patience: (number | undefined)[]): NewEvent =>
  newEvent(key, [], {
    deliveries: targets.map((target, index) => ({ target, awaits: { lane: LANE, patienceMs: patience[index] } })),
  });

const fetched: Partial<AttemptRecord> = { outcome: { kind: "delivered", status: 200, fetched: data } };
const detail = Told.of(({ outcomes }) => outcomes.answered.connectVets(404));
const refused = { kind: "dead", reason: "note_refused", detail, status: 404 } as const;

/** What has the delivery that may begin in a lane await another one. */
async function waitFor(store: Store, lane: string): Promise<Waiting> {
  const { ref, revision } = await turnIn(store, lane);
  return { ref, revision, awaits: { lane: LANE } };
}

/** Has these await another one, as their owner; they were read before. */
async function awaitAll(store: Store, due: Due[], awaits: Awaited): Promise<void> {
  await store.lanes.await(
    await epochOf(store, due[0]!.lane),
    due.map(({ ref, revision }) => ({ ref, revision, awaits })),
  );
}

export function testAwaiting(it: It): void {
  it("write() makes what is awaited, due at once, and nothing of what awaits it", async (store) => {
    await accept(store, awaiting("1", ["a"]));
    const one = await turnIn(store, LANE);
    assert.deepEqual([one.ref, one.isAwaited, one.expiresAt, one.dueAt, one.awaited], [
      { event: 1, number: 2 },
      true,
      undefined,
      T0,
      undefined,
    ]);
    assert.deepEqual(await dueIn(store), { lane: "a", due: [], isAll: true, nextAt: undefined });
    assert.deepEqual(await store.lanes.waiting(), ["a", LANE]);
    assert.equal(await store.upkeep.backlog(["a"]), 1);
  });

  it("what is awaited is in no view, and in no count", async (store) => {
    await accept(store, awaiting("1", ["a"]));
    await takeOver(store, LANE);
    const one = await turnIn(store, LANE);
    const look = async (state: "pending" | "dead") => {
      const story = (await store.story(newEvent("1").id))!;
      const { events } = await store.events({}, { limit: 9 });
      assert.deepEqual(
        [story.deliveries, events[0]!.deliveries].map((views) => views.map(({ target }) => target)),
        [["a"], ["a"]],
      );
      assert.equal(await store.story(Buffer.from(one.id.replaceAll("-", ""), "hex")), undefined);
      assert.deepEqual((await store.targets()).map(({ name, pending, dead }) => [name, pending, dead]), [["a", 1, 0]]);
      assert.deepEqual(await store.totals(9), { waiting: 1, dead: 0 });
      assert.deepEqual(await store.deadGroups(), []);
      assert.equal(await store.alarms.countDead(9), 0);
      assert.deepEqual((await store.activity(T0)).attempts, []);
      for (const filter of [{ target: LANE }, { target: LANE, state }, { state: "dead" as const }]) {
        assert.deepEqual((await store.events(filter, { limit: 9 })).events, [], JSON.stringify(filter));
        assert.deepEqual((await store.stored(filter, { limit: 9 })).events, [], JSON.stringify(filter));
      }
    };
    await look("pending");
    await record(store, [recordOf(one, "dead", { outcome: refused })]);
    await look("dead");
  });

  it("an event whose deliveries are all of relay's own lanes goes nowhere", async (store) => {
    await accept(store, newEvent("1", [], { deliveries: [{ target: LANE }] }));
    const { events } = await store.events({ state: "unrouted" }, { limit: 9 });
    assert.deepEqual(events.map(({ state, deliveries }) => [state, deliveries]), [["unrouted", []]]);
    assert.deepEqual((await store.events({ state: "accepted" }, { limit: 9 })).events, []);
  });

  it("write() lets go what awaits what was fetched, with that", async (store, reopen, clock) => {
    await accept(store, awaiting("1", ["a", "b"]), awaiting("2", ["b"]));
    const [one, two] = (await dueIn(store, LANE)).due as [Due, Due];
    const lanes = [{ epoch: await epochOf(store, LANE), hold: {}, records: [recordOf(one, "delivered", fetched)] }];
    const { released } = await store.write({ accepts: [], lanes });
    assert.deepEqual(released, ["a", "b"]);
    for (const lane of released) {
      const due = await turnIn(store, lane);
      assert.deepEqual([due.ref.event, due.event.note?.name, due.awaited, due.dueAt], [1, "Rex", LANE, clock.now()]);
      assert.deepEqual(due.fetched, { at: clock.now(), outcome: undefined });
    }
    const after = await reopen();
    const story = await after.story(newEvent("1").id);
    assert.deepEqual(
      { ...story!.details, data: Buffer.from(story!.details!.data!) },
      { at: clock.now(), data, problem: undefined },
    );
    assert.equal((await after.story(newEvent("2").id))!.details, undefined);
    assert.equal((await turnIn(after, LANE)).ref.event, two.ref.event);
  });

  it("write() lets go what awaits what failed, with the failure", async (store, _reopen, clock) => {
    await accept(store, awaiting("1", ["a"]));
    await settle(store, "dead", LANE, { outcome: refused });
    const due = await turnIn(store);
    assert.deepEqual([due.event.note, due.awaited, due.fetched], [undefined, LANE, {
      at: clock.now(),
      outcome: refused,
    }]);
    assert.deepEqual((await store.story(newEvent("1").id))!.details, {
      at: clock.now(),
      data: undefined,
      problem: refused.detail,
    });
    await settle(store, "pending");
    assert.equal((await turnIn(store)).awaited, undefined, "its next attempt awaited nothing");
  });

  it("write() keeps what was fetched last in place of what was before", async (store, _reopen, clock) => {
    await accept(store, awaiting("1", ["a"]));
    const outcome = { ...refused, kind: "retry" as const };
    await settle(store, "pending", LANE, { outcome });
    assert.deepEqual((await turnIn(store)).fetched?.outcome, outcome);
    clock.pass(9);
    await awaitAll(store, [await turnIn(store)], { lane: LANE });
    await settle(store, "delivered", LANE, fetched);
    assert.deepEqual((await turnIn(store)).fetched, { at: clock.now(), outcome: undefined });
    const details = (await store.story(newEvent("1").id))!.details!;
    assert.deepEqual([details.at, details.problem], [clock.now(), undefined]);
  });

  it("write() of another owner's, or of one that is not awaited, lets nothing go", async (store) => {
    await accept(store, awaiting("1", ["a"]), newEvent("2", [], { deliveries: [{ target: LANE }] }));
    const [one, two] = (await dueIn(store, LANE)).due as [Due, Due];
    const old = await epochOf(store, LANE);
    await takeOver(store, LANE);
    const late = { epoch: old, hold: {}, records: [recordOf(one, "delivered", fetched)] };
    assert.deepEqual((await store.write({ accepts: [], lanes: [late] })).released, []);
    await record(store, [recordOf(two, "delivered", fetched)]);
    assert.deepEqual((await dueIn(store)).due, []);
    for (const key of ["1", "2"]) assert.equal((await store.story(newEvent(key).id))!.details, undefined);
  });

  it("due() gives what awaits another when its patience ends", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, awaiting("1", ["a", "b"], 5_000, undefined));
    assert.deepEqual([await nextIn(store, "a"), await nextIn(store, "b")], [5_000, undefined]);
    clock.set(T0 + 5_000);
    const due = await turnIn(store);
    assert.deepEqual([due.awaited, due.fetched], [LANE, undefined]);
    await settle(store, "delivered");
    await settle(store, "delivered", LANE, fetched);
    assert.deepEqual(await dueIn(store), { lane: "a", due: [], isAll: true, nextAt: undefined }, "done, and not again");
    assert.equal((await turnIn(store, "b")).event.note?.name, "Rex");
  });

  it("write() makes one for several that await it, which expires with the last of these", async (store) => {
    const other = { lane: "relay::others", patienceMs: 1 };
    await accept(
      store,
      awaiting("1", ["a", "b"], 5_000, 9_000),
      awaiting("2", ["a", "b"], 5_000, undefined),
      newEvent("3", [], {
        deliveries: [{ target: "a", awaits: { lane: LANE, patienceMs: 3 } }, { target: "b", awaits: other }],
      }),
    );
    const { due } = await dueIn(store, LANE);
    assert.deepEqual(due.map(({ ref, expiresAt }) => [ref.event, ref.number, expiresAt && expiresAt - T0]), [
      [1, 3, 9_000],
      [2, 3, undefined],
      [3, 3, 3],
    ]);
    const { ref, expiresAt } = await turnIn(store, other.lane);
    assert.deepEqual([ref, expiresAt], [{ event: 3, number: 4 }, T0 + 1]);
  });

  it("await() makes what a delivery turns out to need", async (store, _reopen, clock) => {
    await accept(store, newEvent("1", ["a", "b"]));
    const due = await turnIn(store);
    await awaitAll(store, [due], { lane: LANE, patienceMs: 5_000 });
    const one = await turnIn(store, LANE);
    assert.deepEqual([one.ref, one.isAwaited, one.dueAt, one.expiresAt], [
      { event: 1, number: 3 },
      true,
      clock.now(),
      clock.now() + 5_000,
    ]);
    assert.deepEqual([(await dueIn(store)).due, await nextIn(store)], [[], clock.now() + 5_000 - T0]);
    assert.equal((await turnIn(store, "b")).ref.number, 2);
    assert.deepEqual(await attemptsOf(store, due.id), [], "which is no attempt");
    await settle(store, "delivered", LANE, fetched);
    const again = await turnIn(store);
    assert.deepEqual([again.attempts, again.revision, again.awaited], [0, due.revision, LANE]);
  });

  it("await() joins one that is there, which expires with the last that awaits it", async (store, _reopen, clock) => {
    await accept(store, newEvent("1", ["a", "b", "c"]));
    const start = clock.now();
    const expiry = async (lane: string, patienceMs?: number) => {
      await awaitAll(store, [await turnIn(store, lane)], { lane: LANE, patienceMs });
      const one = await turnIn(store, LANE);
      assert.deepEqual(one.ref, { event: 1, number: 4 });
      return one.expiresAt && one.expiresAt - start;
    };
    assert.equal(await expiry("a", 5_000), 5_000);
    assert.equal(await expiry("b", 3_000), 5_000);
    clock.pass(2_900);
    await settle(store, "pending", LANE, { dueAt: clock.now() });
    assert.equal(await expiry("a", 5_000), 7_900);
    assert.equal(await expiry("c"), undefined);
    assert.equal(await expiry("b", 1), undefined, "one that waits for ever is among those");
    await settle(store, "delivered", LANE, fetched);
    for (const lane of ["a", "b", "c"]) assert.equal((await turnIn(store, lane)).awaited, LANE);
  });

  it("await() has one that has ended made again, with a new set of attempts", async (store, _reopen, clock) => {
    await accept(store, awaiting("1", ["a"]));
    const first = await settle(store, "dead", LANE, { outcome: refused });
    clock.pass(60_000);
    await awaitAll(store, [await turnIn(store)], { lane: LANE, patienceMs: 7 });
    const again = await turnIn(store, LANE);
    assert.deepEqual([again.ref, again.attempts, again.failures, again.dueAt, again.expiresAt], [
      first.ref,
      1,
      0,
      clock.now(),
      clock.now() + 7,
    ]);
    const late = recordOf(first, "dead", { startedAt: T0 + 7, outcome: refused });
    assert.equal((await record(store, [late]))[0]!.fate, "history", "what was under way then is of the set before");
    await settle(store, "delivered", LANE, { ...fetched, startedAt: clock.now() });
    assert.equal((await turnIn(store)).event.note?.name, "Rex");
  });

  it("await() leaves one alone that was changed since it was read", async (store) => {
    await accept(store, newEvent("1"), newEvent("2"));
    const [one, two] = (await dueIn(store)).due as [Due, Due];
    await record(store, [recordOf(one, "delivered")]);
    await store.retry([two.ref], T0 + 5);
    await awaitAll(store, [one, two], { lane: LANE });
    assert.deepEqual(await store.lanes.waiting(), ["a"], "and makes nothing for it");
    assert.equal((await turnIn(store)).dueAt, T0 + 5);
  });

  it("retry() of one that awaits another makes it due, and it awaits nothing", async (store) => {
    await accept(store, awaiting("1", ["a", "b"]));
    const { deliveries } = (await store.story(newEvent("1").id))!;
    assert.equal(await store.retry([deliveries[0]!.ref], T0 + 5), 1);
    const due = await turnIn(store);
    assert.deepEqual([due.awaited, due.dueAt], [undefined, T0 + 5]);
    const lanes = [{
      epoch: await epochOf(store, LANE),
      hold: {},
      records: [recordOf(await turnIn(store, LANE), "delivered", fetched)],
    }];
    assert.deepEqual((await store.write({ accepts: [], lanes })).released, ["b"]);
    assert.deepEqual([(await turnIn(store)).revision, (await turnIn(store)).dueAt], [due.revision, T0 + 5]);
  });

  it("retry() of one that awaits another has that made at once, unless it is due", async (store, _reopen, clock) => {
    await accept(store, awaiting("1", ["a", "b"]), awaiting("2", ["c"]));
    const { deliveries: [a, b] } = (await store.story(newEvent("1").id))!;
    const [one] = (await dueIn(store, LANE)).due as [Due];
    await store.retry([a!.ref], clock.now());
    const outcome = { ...refused, kind: "retry" as const };
    const later = { outcome, dueAt: clock.now() + HOUR, startedAt: clock.now() };
    assert.equal((await record(store, [recordOf(one, "pending", later)]))[0]!.fate, "recorded", "it was under way");
    const openUntil = clock.now() + 60_000;
    await store.lanes.await(await epochOf(store, "b"), [await waitFor(store, "b")]);
    await store.lanes.hold([{ epoch: await epochOf(store, LANE), hold: { openUntil } }]);
    assert.deepEqual((await dueIn(store, LANE)).due.map(({ ref }) => ref.event), [2]);
    await store.retry([b!.ref, a!.ref], clock.now());
    const again = (await dueIn(store, LANE)).due.find(({ ref }) => ref.event === 1)!;
    assert.deepEqual([again.dueAt, again.attempts, again.failures], [clock.now(), 1, 0]);
    assert.equal((await store.lanes.holds()).get(LANE)!.openUntil, clock.now(), "its circuit lets it through");
  });

  it("story() shows of what awaits another when that is due", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, awaiting("1", ["a"], 9_000));
    const event = newEvent("1");
    assert.deepEqual(await statesOf(store, event), [["pending", 0, null, 0]]);
    clock.set(T0 + ENDED);
    await awaitAfter(store, { outcome: { ...refused, kind: "retry" }, dueAt: T0 + 4_000 });
    assert.deepEqual(await statesOf(store, event), [["pending", 0, null, 4_000]]);
    const { events } = await store.events({}, { limit: 1 });
    assert.equal(events[0]!.deliveries[0]!.nextAttemptAt, iso(T0 + 4_000));
    clock.set(T0 + 4_000);
    await settle(store, "delivered", LANE, fetched);
    assert.deepEqual(await statesOf(store, event), [["pending", 0, null, 4_000]], "its own, from then on");
    await settle(store, "delivered");
    assert.deepEqual(await statesOf(store, event), [["delivered", 1, null, null]]);
  });

  /** Records an attempt of what is awaited, and has what was let go await it again. */
  async function awaitAfter(store: Store, parts: Partial<AttemptRecord>): Promise<void> {
    await settle(store, "pending", LANE, parts);
    await awaitAll(store, [await turnIn(store)], { lane: LANE });
  }

  it("redeliver() and send() make what their deliveries await", async (store, _reopen, clock) => {
    await accept(store, newEvent("1", ["a"]));
    await store.redeliver([{ seq: 1, deliveries: [{ target: "b", awaits: { lane: LANE, patienceMs: 7 } }] }], T0 + 9);
    await store.send(awaiting("2", ["c"]));
    const { due } = await dueIn(store, LANE);
    assert.deepEqual(due.map(({ ref, expiresAt, dueAt }) => [ref.event, ref.number, expiresAt, dueAt]), [
      [2, 2, undefined, T0],
      [1, 3, T0 + 16, T0 + 9],
    ]);
    clock.set(T0 + 10);
    assert.equal(await nextIn(store, "b"), 16);
  });

  it("expire() keeps an event of which something awaited waits, and deletes what was fetched with it", async (store) => {
    const ages = { delivered: T0 + 1, dead: T0 + 1 };
    await accept(store, awaiting("1", ["a"]), awaiting("2", ["b"]));
    const [one] = (await dueIn(store, LANE)).due as [Due];
    await record(store, [recordOf(one, "delivered", fetched)]);
    await settle(store, "delivered");
    const { deliveries } = (await store.story(newEvent("2").id))!;
    await store.retry([deliveries[0]!.ref], T0);
    await settle(store, "delivered", "b");
    assert.equal((await store.upkeep.expire(0, ages, 9)).deleted, 1);
    await settle(store, "dead", LANE, { outcome: refused });
    assert.equal((await store.upkeep.expire(0, { ...ages, dead: 0 }, 9)).deleted, 1, "no dead letter of a target");
    await accept(store, newEvent("1"), newEvent("2"));
    for (const key of ["1", "2"]) assert.equal((await store.story(newEvent(key).id))!.details, undefined);
  });
}
