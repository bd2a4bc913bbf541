/** What every store does with a clock that is wrong for a while: nothing waits for it, nothing is lost, no order changes. */

import assert from "node:assert/strict";
import { formatId, parseId } from "../../lib/id.ts";
import type { Store } from "../../lib/store/mod.ts";
import type { TargetView } from "../../lib/store/views.ts";
import type { It } from "./contract.ts";
import {
  accept,
  before,
  dueIn,
  epochOf,
  eventOf,
  expireAll,
  keysOf,
  newEvent,
  nextIn,
  observe,
  record,
  recordOf,
  settle,
  settleAll,
  T0,
  turnIn,
  turnsIn,
} from "./samples.ts";

const HOUR = 3_600_000;
const jumps = [["10 hours", 10 * HOUR], ["20 years", 20 * 365 * 24 * HOUR]] as const;

/** When the only delivery of each of these events is due, in milliseconds from T0. */
async function dueOf(store: Store, ...keys: string[]): Promise<number[]> {
  const stories = await Promise.all(keys.map((key) => eventOf(store, newEvent(key).id)));
  return stories.map((story) => Date.parse(story!.deliveries[0]!.nextAttemptAt!) - T0);
}

const keysSince = async (store: Store, ms: number) =>
  (await store.stored({ since: T0 + ms }, { limit: 100 })).events.map(({ event }) =>
    JSON.parse(new TextDecoder().decode(event.body)).key
  );

export function testClock(it: It): void {
  for (const [name, jump] of jumps) {
    it(`bringForward() makes due what a clock put off that was ${name} ahead`, async (store, reopen, clock) => {
      const wrong = T0 + jump;
      clock.set(wrong);
      const at = { receivedAt: wrong };
      const lane = "relay::notes";
      const awaits = { lane, patienceMs: 12 * HOUR };
      await accept(
        store,
        ...["waits", "failed", "again"].map((key) => newEvent(key, [key], at)),
        newEvent("awaits", [], { ...at, deliveries: [{ target: "awaits", awaits }] }),
      );
      await settle(store, "pending", "failed", { dueAt: wrong + 12 * HOUR, startedAt: wrong - 25 });
      const again = await settle(store, "dead", "again");
      await store.retry([again.ref], wrong);
      await store.redeliver([{ seq: 1, deliveries: [{ target: "replayed" }] }], wrong);
      assert.equal(await store.lanes.bringForward(), 0, "by that clock nothing is wrong");

      const open = await reopen();
      clock.set(T0 + HOUR);
      const keys = ["waits", "failed", "again", "awaits"];
      assert.deepEqual(await dueOf(open, ...keys), keys.map(() => HOUR), "told so even before anybody acts");
      assert.equal(await open.lanes.bringForward(), 6);
      for (const target of [...keys, "replayed", lane]) {
        assert.equal((await turnIn(open, target)).dueAt, T0 + HOUR, target);
      }
      assert.equal((await turnIn(open, "awaits")).awaited, lane, "it waited long enough");
      assert.equal(await open.lanes.bringForward(), 0);
    });
  }

  it("bringForward() finds what was put off while the store was open, too", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, newEvent("1"));
    assert.equal(await store.lanes.bringForward(), 0);
    clock.set(T0 + 10 * HOUR);
    assert.equal(await store.lanes.bringForward(), 0);
    await settle(store, "pending", "a", { dueAt: T0 + 20 * HOUR, startedAt: T0 + 10 * HOUR });
    clock.set(T0 + HOUR);
    assert.equal(await store.lanes.bringForward(), 1);
    assert.equal((await turnsIn(store)).length, 1);
  });

  it(
    "bringForward() finds what is recorded after the clock was set back by an attempt from before",
    async (store, _reopen, clock) => {
      clock.set(T0 + 10 * HOUR);
      await accept(store, newEvent("1"));
      const due = await turnIn(store);
      clock.set(T0);
      await store.lanes.bringForward();
      await record(store, [recordOf(due, "pending", { dueAt: T0 + 20 * HOUR, startedAt: T0 + 10 * HOUR })]);
      assert.equal(await store.lanes.bringForward(), 1);
    },
  );

  it("bringForward() leaves alone what waits for as long as its rule says", async (store, reopen, clock) => {
    clock.set(T0 + 1_100);
    await accept(store, newEvent("1"), newEvent("2", ["b"]));
    await settle(store, "pending", "a", { dueAt: T0 + 12 * HOUR });
    const { ref, revision } = await turnIn(store, "b");
    const awaits = { lane: "relay::notes", patienceMs: HOUR - 1_100 };
    await store.lanes.await(await epochOf(store, "b"), [{ ref, revision, awaits }]);
    assert.equal(await store.lanes.bringForward(), 0);
    clock.set(T0 + 400); // put right by a little, as clocks are
    assert.equal(await store.lanes.bringForward(), 0);
    const after = await reopen();
    assert.equal(await after.lanes.bringForward(), 0);
    assert.deepEqual([await nextIn(after, "a"), await nextIn(after, "b")], [12 * HOUR, HOUR]);
    clock.set(T0 + 11 * HOUR);
    assert.equal(await after.lanes.bringForward(), 0);
    assert.deepEqual([await turnsIn(after), keysOf(await turnsIn(after, "b"))], [[], ["2"]]);
  });

  it("bringForward() leaves parked what is parked, and awaiting what awaits", async (store, _reopen, clock) => {
    clock.set(T0 + 10 * HOUR);
    const at = { receivedAt: T0 + 10 * HOUR };
    const awaits = { lane: "relay::notes" };
    await accept(
      store,
      newEvent("1", ["a:rex"], at),
      newEvent("2", ["a:rex"], at),
      newEvent("3", [], { ...at, deliveries: [{ target: "b", awaits }] }),
    );
    await store.lanes.park(await epochOf(store, "a"), ["rex"]);
    clock.set(T0);
    assert.equal(await store.lanes.bringForward(), 2, "the head, and what is awaited");
    assert.deepEqual([keysOf((await dueIn(store)).due), (await dueIn(store, "b")).due], [["1"], []]);
  });

  it(
    "targets() tells which came last, success or failure, whichever way the clock was set",
    async (store, _, clock) => {
      const last = async () => {
        const [{ lastDeliveredAt, lastFailedAt }] = await store.targets() as [TargetView];
        return Date.parse(lastFailedAt!) > Date.parse(lastDeliveredAt!) ? "failed" : "delivered";
      };
      const make = async (key: string, state: "delivered" | "dead", at: number) => {
        clock.set(at);
        await accept(store, newEvent(key, ["a"], { receivedAt: at }));
        await settle(store, state, "a", { startedAt: at - 25 });
      };
      await make("a", "dead", T0);
      await make("b", "delivered", T0 + 10 * HOUR);
      await make("c", "dead", T0 + HOUR);
      assert.equal(await last(), "failed");
      await make("d", "dead", T0 + 10 * HOUR);
      await make("e", "delivered", T0 + 2 * HOUR);
      assert.equal(await last(), "delivered");
    },
  );

  it("a hold that a wrong clock wrote is over, and an honest one goes on", async (store, _reopen, clock) => {
    clock.set(T0 + 10 * HOUR);
    await accept(store, newEvent("1"));
    const hold = { openUntil: T0 + 10 * HOUR + 60_000, throttledUntil: T0 + 11 * HOUR };
    await settle(store, "pending", "a", { startedAt: T0 + 10 * HOUR }, hold);
    assert.deepEqual((await store.lanes.holds()).get("a"), { ...hold, pausedAt: undefined });
    clock.set(T0);
    const over = { openUntil: T0, throttledUntil: T0, pausedAt: undefined };
    assert.deepEqual((await store.lanes.holds()).get("a"), over);
    const [view] = await store.targets();
    assert.deepEqual([view!.circuitOpenUntil, view!.throttledUntil], Array(2).fill(new Date(T0).toISOString()));
    const owned = (await store.lanes.own(["a"], "token")).get("a")!;
    assert.deepEqual(owned.hold, over);

    const anew = { openUntil: T0 + 60_000, throttledUntil: T0 + HOUR };
    const nobody = { lane: "nobody", number: 1, token: "token" };
    await store.lanes.hold([{ epoch: owned.epoch, hold: anew }, { epoch: nobody, hold: anew }]);
    assert.deepEqual([...await store.lanes.holds()], [["a", { ...anew, pausedAt: undefined }]]);
  });

  it(
    "targets() tells of nothing that happened in the future, and how long what is oldest waits",
    async (store, _reopen, clock) => {
      clock.set(T0 + 10 * HOUR);
      await accept(store, ...["1", "2"].map((key) => newEvent(key, ["a"], { receivedAt: T0 + 10 * HOUR })));
      const [due] = await turnsIn(store);
      await record(store, [recordOf(due!, "delivered", { startedAt: T0 + 10 * HOUR })]);
      await store.pause("a", T0 + 10 * HOUR);
      clock.set(T0 + 5);
      const told = async () => {
        const [{ oldestPendingAt, lastDeliveredAt, pausedAt }] = await store.targets() as [TargetView];
        return [oldestPendingAt, lastDeliveredAt, pausedAt].map((at) => Date.parse(at!) - T0);
      };
      assert.deepEqual(await told(), [5, 5, 5]);
      await accept(store, newEvent("3", ["a"], { receivedAt: T0 + 6 }));
      await observe(store);
      clock.set(T0 + HOUR);
      assert.deepEqual(await told(), [6, HOUR, HOUR], "longer than what came in after it");
    },
  );

  it("an order key keeps the order of acceptance, whichever way the clock is set", async (store, _reopen, clock) => {
    for (const [key, ms] of [["1", 10 * HOUR], ["2", 0], ["3", 20 * HOUR], ["4", -10 * HOUR]] as const) {
      clock.set(T0 + ms);
      await accept(store, newEvent(key, ["a:rex"], { receivedAt: T0 + ms }));
    }
    const seen: string[] = [];
    for (const ms of [0, -HOUR, HOUR, 30 * HOUR]) {
      clock.set(T0 + ms);
      await store.lanes.bringForward();
      seen.push(...keysOf([await settle(store, "delivered", "a", { startedAt: T0 + ms })]));
    }
    assert.deepEqual(seen, ["1", "2", "3", "4"]);
  });

  it("`since` finds what was received since, before and after the clock was set", async (store, reopen, clock) => {
    clock.set(T0 + 30 * HOUR);
    const received = [["a", 0], ["b", 10], ["c", 2], ["d", 3], ["e", -10], ["f", 4], ["g", 5]] as const;
    for (const [key, hours] of received) {
      await accept(store, newEvent(key, ["t"], { receivedAt: T0 + hours * HOUR }));
    }
    await observe(store);
    await settleAll(store, "dead", "t");
    const open = await reopen();
    assert.deepEqual(await keysSince(open, 3 * HOUR), ["b", "d", "f", "g"]);
    assert.deepEqual(await keysSince(open, 11 * HOUR), []);
    assert.deepEqual(await keysSince(open, -20 * HOUR), received.map(([key]) => key));
    const since = T0 + 3 * HOUR;
    const ids = (await open.events({ since, state: "dead" }, { limit: 9 })).events.map(({ id }) => id);
    assert.deepEqual(ids, ["g", "f", "d", "b"].map((key) => formatId(newEvent(key).id)));
    assert.equal((await open.events({ since }, { limit: 9 })).events.length, 4);
    const group = { target: "t", reason: "server_failed" as const, since };
    assert.deepEqual((await open.deadGroups({ since })).map(({ count }) => count), [4]);
    assert.equal((await open.dead(group, { limit: 9 })).length, 4);
  });

  it("activity() counts each hour's events, none of them in the future", async (store, _reopen, clock) => {
    const hour = Math.floor(T0 / HOUR) * HOUR;
    const hours = [0, 1, 20 * 365 * 24, 1, 2, -5, 2];
    for (const [index, at] of hours.entries()) {
      await accept(store, newEvent(`${index}`, ["t"], { receivedAt: hour + at * HOUR }));
    }
    await observe(store);
    const [due] = await turnsIn(store, "t");
    await record(store, [recordOf(due!, "delivered", { startedAt: T0 + 20 * 365 * 24 * HOUR })]);
    clock.set(hour + 2 * HOUR);
    assert.deepEqual(await store.activity(hour), {
      received: [0, 1, 2].map((at) => ({ at: hour + at * HOUR, count: at === 0 ? 1 : 2 })),
      attempts: [],
    });
  });

  it("activity() counts no event that was deleted", async (store, _reopen, clock) => {
    const hour = Math.floor(T0 / HOUR) * HOUR;
    const received = [-30, -30, -30, -29, 0, 0].map((at) => hour + at * HOUR);
    for (const [index, receivedAt] of received.entries()) await accept(store, newEvent(`${index}`, [], { receivedAt }));
    await observe(store);
    clock.set(hour + HOUR / 2);
    await expireAll(store, before(hour - HOUR - T0));
    assert.deepEqual((await store.activity(hour - 24 * HOUR)).received, [{ at: hour, count: 2 }]);
  });

  it(
    "expire() deletes what is old before and behind what was received in the future",
    async (store, _reopen, clock) => {
      const years = 20 * 365 * 24 * HOUR;
      const received = [0, 1, years, years + 1, 2, 3, HOUR];
      for (const [index, ms] of received.entries()) {
        await accept(store, newEvent(`${index}`, [], { receivedAt: T0 + ms }));
      }
      await observe(store);
      clock.set(T0 + 2 * HOUR);
      const deleted = await expireAll(store, before(3), 2);
      const left = await Promise.all(received.map(async (_, index) => await eventOf(store, newEvent(`${index}`).id)));
      assert.deepEqual(left.map((event) => event !== undefined), [false, false, false, false, false, true, true]);
      assert.equal(deleted.reduce((sum, count) => sum + count), 5);
    },
  );

  it("lastReceived() follows the clock when it is set back", async (store, reopen) => {
    const at = (key: string, ms: number) => newEvent(key, [], { receivedAt: T0 + ms });
    const last = async (from: Store) => [...await from.alarms.lastReceived()];
    await accept(store, at("1", 10 * HOUR));
    await observe(store);
    assert.deepEqual(await last(store), [["note.failed", T0 + 10 * HOUR]]);
    await accept(store, at("2", 0), at("3", 5));
    await observe(store);
    assert.deepEqual(await last(await reopen()), [["note.failed", T0 + 5]]);
  });

  it("lastReceived() follows the clock that is set back among what is observed at once", async (store) => {
    const at = (key: string, ms: number) => newEvent(key, [], { receivedAt: T0 + ms });
    await accept(store, at("1", 10 * HOUR), at("2", 0), at("3", 5));
    await observe(store);
    assert.deepEqual([...await store.alarms.lastReceived()], [["note.failed", T0 + 5]]);
  });

  it("observe() finds where the clock was set back, also between two calls, and behind what is deleted", async (store) => {
    const at = (key: string, hours: number, targets: string[] = []) =>
      newEvent(key, targets, { receivedAt: T0 + hours * HOUR });
    await accept(store, at("a", 0, ["t"]), at("b", 10, ["t"]), at("c", 10));
    await observe(store);
    await accept(store, at("d", 1, ["t"]), at("e", 4), at("f", 2));
    await store.upkeep.expire(0, { delivered: T0 + 11 * HOUR, dead: 0 }, 3);
    await observe(store);
    assert.deepEqual(await keysSince(store, 0), ["a", "b", "d", "e", "f"]);
    assert.deepEqual(await keysSince(store, 2 * HOUR), ["b", "e", "f"]);
    assert.deepEqual(await keysSince(store, 3 * HOUR), ["b", "e"]);
  });

  it("states() tells of no alarm that began in the future", async (store, _reopen, clock) => {
    clock.set(T0);
    await store.alarms.watch(["one"], T0);
    await store.alarms.turn("one", T0 + 10 * HOUR, newEvent("1"));
    assert.equal((await store.alarms.states()).get("one")!.since, T0);
  });

  it("ids are told apart and found, whatever the clock said", async (store) => {
    const events = [10, 0, -10].map((hours, index) => newEvent(`${index}`, ["a"], { receivedAt: T0 + hours * HOUR }));
    await accept(store, ...events);
    const ids = (await store.events({}, { limit: 9 })).events.map(({ id }) => id);
    assert.deepEqual(ids, events.map(({ id }) => formatId(id)).reverse(), "the order of acceptance");
    for (const id of ids) assert.equal((await store.story(parseId(id)!))!.id, id);
  });

  it("keepRetention() remembers", async (store, reopen) => {
    assert.deepEqual(await store.upkeep.retention(), { time: undefined, oldest: undefined, newest: undefined });
    await accept(
      store,
      newEvent("1", [], { receivedAt: T0 + 5 }),
      newEvent("2", []),
      newEvent("3", [], { receivedAt: T0 + 3 }),
    );
    await store.upkeep.keepRetention(T0);
    await store.upkeep.keepRetention(T0 + 1);
    assert.deepEqual(await (await reopen()).upkeep.retention(), { time: T0 + 1, oldest: T0 + 5, newest: T0 + 3 });
  });
}
