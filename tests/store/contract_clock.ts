/** What every store does with a clock that is wrong for a while: nothing waits for it, nothing is lost, no order changes. */

import assert from "node:assert/strict";
import { formatId, parseId } from "../../lib/id.ts";
import type { Store } from "../../lib/store/mod.ts";
import type { TargetView } from "../../lib/store/views.ts";
import type { It } from "./contract.ts";
import { claimAll, claimOne, eventOf, keysOf, newEvent, recordOf, T0 } from "./samples.ts";

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
      const receivedAt = wrong;
      await store.accept(["waits", "failed", "put off", "again"].map((key) => newEvent(key, [key], { receivedAt })));
      const failed = await claimOne(store, "failed", wrong);
      await store.record([{ ...recordOf(failed, "pending", wrong + 12 * HOUR), startedAt: wrong - 25 }]);
      const putOff = await claimOne(store, "put off", wrong);
      await store.release([putOff.ref], wrong + HOUR, wrong);
      const again = await claimOne(store, "again", wrong);
      await store.record([recordOf(again, "dead")]);
      await store.retry([again.ref], wrong);
      await store.redeliver([{ seq: 1, deliveries: [{ target: "replayed" }] }], wrong);
      assert.equal(await store.bringForward(), 0, "by that clock nothing is wrong");

      const open = await reopen();
      clock.set(T0 + HOUR);
      const keys = ["waits", "failed", "put off", "again"];
      assert.deepEqual(await dueOf(open, ...keys), keys.map(() => HOUR), "told so even before anybody acts");
      assert.equal(await open.bringForward(), 5);
      for (const target of [...keys, "replayed"]) {
        assert.equal(await open.nextDue(target), T0 + HOUR, target);
        assert.equal((await claimAll(open, target, T0 + HOUR)).length, 1, target);
      }
      assert.equal(await open.bringForward(), 0);
    });
  }

  it("bringForward() finds what was put off while the store was open, too", async (store, _reopen, clock) => {
    clock.set(T0);
    await store.accept([newEvent("1")]);
    assert.equal(await store.bringForward(), 0);
    clock.set(T0 + 10 * HOUR);
    assert.equal(await store.bringForward(), 0);
    const claimed = await claimOne(store);
    await store.record([{ ...recordOf(claimed, "pending", T0 + 20 * HOUR), startedAt: T0 + 10 * HOUR }]);
    clock.set(T0 + HOUR);
    assert.equal(await store.bringForward(), 1);
    assert.equal((await claimAll(store, "a", T0 + HOUR)).length, 1);
  });

  it(
    "bringForward() finds what is recorded after the clock was set back by an attempt from before",
    async (store, _reopen, clock) => {
      clock.set(T0 + 10 * HOUR);
      await store.accept([newEvent("1")]);
      const claimed = await claimOne(store);
      clock.set(T0);
      await store.bringForward();
      await store.record([{ ...recordOf(claimed, "pending", T0 + 20 * HOUR), startedAt: T0 + 10 * HOUR }]);
      assert.equal(await store.bringForward(), 1);
    },
  );

  it("bringForward() leaves alone what waits for as long as its rule says", async (store, reopen, clock) => {
    clock.set(T0 + 1_100);
    await store.accept([newEvent("1"), newEvent("2")]);
    const [one, two] = await claimAll(store);
    await store.record([recordOf(one!, "pending", T0 + 12 * HOUR)]);
    await store.release([two!.ref], T0 + HOUR, T0 + 1_100);
    assert.equal(await store.bringForward(), 0);
    clock.set(T0 + 400); // put right by a little, as clocks are
    assert.equal(await store.bringForward(), 0);
    const after = await reopen();
    assert.equal(await after.bringForward(), 0);
    assert.deepEqual(await dueOf(after, "1", "2"), [12 * HOUR, HOUR]);
    clock.set(T0 + 11 * HOUR);
    assert.equal(await after.bringForward(), 0);
    assert.deepEqual(keysOf(await claimAll(after, "a", T0 + 11 * HOUR)), ["2"]);
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
        await store.accept([newEvent(key, ["a"], { receivedAt: at })]);
        await store.record([{ ...recordOf(await claimOne(store, "a", at), state), startedAt: at - 25 }]);
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
    await store.accept([newEvent("1")]);
    const claimed = await claimOne(store);
    const hold = { openUntil: T0 + 10 * HOUR + 60_000, throttledUntil: T0 + 11 * HOUR };
    await store.record([{ ...recordOf(claimed, "pending", T0), startedAt: T0 + 10 * HOUR, hold }]);
    assert.deepEqual((await store.holds()).get("a"), { ...hold, pausedAt: undefined });
    clock.set(T0);
    assert.deepEqual((await store.holds()).get("a"), { openUntil: T0, throttledUntil: T0, pausedAt: undefined });
    const [view] = await store.targets();
    assert.deepEqual([view!.circuitOpenUntil, view!.throttledUntil], Array(2).fill(new Date(T0).toISOString()));

    const anew = { openUntil: T0 + 60_000, throttledUntil: T0 + HOUR };
    await store.hold(new Map([["a", anew], ["nobody", anew]]), T0);
    assert.deepEqual([...await store.holds()], [["a", { ...anew, pausedAt: undefined }]]);
  });

  it(
    "targets() tells of nothing that happened in the future, and how long what is oldest waits",
    async (store, _reopen, clock) => {
      clock.set(T0 + 10 * HOUR);
      await store.accept(["1", "2"].map((key) => newEvent(key, ["a"], { receivedAt: T0 + 10 * HOUR })));
      const [claimed] = await claimAll(store, "a", T0 + 10 * HOUR);
      await store.record([{ ...recordOf(claimed!, "delivered"), startedAt: T0 + 10 * HOUR }]);
      await store.pause("a", T0 + 10 * HOUR);
      clock.set(T0 + 5);
      const told = async () => {
        const [{ oldestPendingAt, lastDeliveredAt, pausedAt }] = await store.targets() as [TargetView];
        return [oldestPendingAt, lastDeliveredAt, pausedAt].map((at) => Date.parse(at!) - T0);
      };
      assert.deepEqual(await told(), [5, 5, 5]);
      await store.accept([newEvent("3", ["a"], { receivedAt: T0 + 6 })]);
      clock.set(T0 + HOUR);
      assert.deepEqual(await told(), [6, HOUR, HOUR], "longer than what came in after it");
    },
  );

  it("notes.use() holds for no longer than the API said, and counts every request", async (store, reopen, clock) => {
    clock.set(T0 + 10 * HOUR);
    await store.notes.request("x", T0 + 10 * HOUR, 0);
    await store.notes.hold("x", T0 + 10 * HOUR + 30_000, T0 + 10 * HOUR);
    clock.set(T0);
    assert.deepEqual(await store.notes.use("x", T0 - HOUR), { requests: [T0], heldUntil: T0 });
    const after = await reopen();
    clock.set(T0 + 2 * HOUR);
    assert.deepEqual((await after.notes.use("x", T0 + HOUR)).requests, [], "of which none counts for ever");
  });

  it("an order key keeps the order of acceptance, whichever way the clock is set", async (store, _reopen, clock) => {
    for (const [key, ms] of [["1", 10 * HOUR], ["2", 0], ["3", 20 * HOUR], ["4", -10 * HOUR]] as const) {
      clock.set(T0 + ms);
      await store.accept([newEvent(key, ["a:rex"], { receivedAt: T0 + ms })]);
    }
    const seen: string[] = [];
    for (const ms of [0, -HOUR, HOUR, 30 * HOUR]) {
      clock.set(T0 + ms);
      await store.bringForward();
      const claimed = await claimAll(store, "a", T0 + ms);
      seen.push(...keysOf(claimed));
      await store.record([{ ...recordOf(claimed[0]!, "delivered"), startedAt: T0 + ms }]);
    }
    assert.deepEqual(seen, ["1", "2", "3", "4"]);
  });

  it("`since` finds what was received since, before and after the clock was set", async (store, reopen, clock) => {
    clock.set(T0 + 30 * HOUR);
    const received = [["a", 0], ["b", 10], ["c", 2], ["d", 3], ["e", -10], ["f", 4], ["g", 5]] as const;
    for (const [key, hours] of received) {
      await store.accept([newEvent(key, ["t"], { receivedAt: T0 + hours * HOUR })]);
    }
    await store.record((await claimAll(store, "t", T0 + 11 * HOUR)).map((one) => recordOf(one, "dead")));
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
      await store.accept([newEvent(`${index}`, ["t"], { receivedAt: hour + at * HOUR })]);
    }
    const [claimed] = await claimAll(store, "t", T0 + 1e12);
    await store.record([{ ...recordOf(claimed!, "delivered"), startedAt: T0 + 20 * 365 * 24 * HOUR }]);
    clock.set(hour + 2 * HOUR);
    assert.deepEqual(await store.activity(hour), {
      received: [0, 1, 2].map((at) => ({ at: hour + at * HOUR, count: at === 0 ? 1 : 2 })),
      attempts: [],
    });
  });

  it(
    "expire() deletes what is old before and behind what was received in the future",
    async (store, _reopen, clock) => {
      const years = 20 * 365 * 24 * HOUR;
      const received = [0, 1, years, years + 1, 2, 3, HOUR];
      for (const [index, ms] of received.entries()) {
        await store.accept([newEvent(`${index}`, [], { receivedAt: T0 + ms })]);
      }
      clock.set(T0 + 2 * HOUR);
      const ages = { delivered: T0 + 3, dead: T0 + 3 };
      let deleted = 0;
      for (let next: number | undefined = 0; next !== undefined;) {
        const expired = await store.expire(next, ages, 2);
        deleted += expired.deleted;
        next = expired.next;
      }
      const left = await Promise.all(received.map(async (_, index) => await eventOf(store, newEvent(`${index}`).id)));
      assert.deepEqual(left.map((event) => event !== undefined), [false, false, false, false, false, true, true]);
      assert.equal(deleted, 5);
    },
  );

  it("lastReceived() follows the clock when it is set back", async (store, reopen) => {
    const at = (key: string, ms: number) => newEvent(key, [], { receivedAt: T0 + ms });
    await store.accept([at("1", 10 * HOUR)]);
    await store.accept([at("2", 0), at("3", 5)]);
    assert.deepEqual([...await (await reopen()).alarms.lastReceived()], [["note.failed", T0 + 5]]);
  });

  it("states() tells of no alarm that began in the future", async (store, _reopen, clock) => {
    clock.set(T0);
    await store.alarms.watch(["one"], T0);
    await store.alarms.turn("one", T0 + 10 * HOUR, newEvent("1"));
    assert.equal((await store.alarms.states()).get("one")!.since, T0);
  });

  it("ids are told apart and found, whatever the clock said", async (store) => {
    const events = [10, 0, -10].map((hours, index) => newEvent(`${index}`, ["a"], { receivedAt: T0 + hours * HOUR }));
    await store.accept(events);
    const ids = (await store.events({}, { limit: 9 })).events.map(({ id }) => id);
    assert.deepEqual(ids, events.map(({ id }) => formatId(id)).reverse(), "the order of acceptance");
    for (const id of ids) assert.equal((await store.story(parseId(id)!))!.id, id);
  });

  it("keepRetention() remembers", async (store, reopen) => {
    assert.deepEqual(await store.retention(), { time: undefined, oldest: undefined, newest: undefined });
    await store.accept([
      newEvent("1", [], { receivedAt: T0 + 5 }),
      newEvent("2", []),
      newEvent("3", [], { receivedAt: T0 + 3 }),
    ]);
    await store.keepRetention(T0);
    await store.keepRetention(T0 + 1);
    assert.deepEqual(await (await reopen()).retention(), { time: T0 + 1, oldest: T0 + 5, newest: T0 + 3 });
  });
}
