/** What every store does with chains: steps of which one begins after the other until one satisfies the chain. */

import assert from "node:assert/strict";
import type { ChainStep, NewDelivery, NewEvent } from "../../lib/event.ts";
import type { Due, Store } from "../../lib/store/mod.ts";
import type { It } from "./contract.ts";
import {
  accept,
  before,
  dueIn,
  ENDED,
  epochOf,
  expireAll,
  iso,
  newEvent,
  nextIn,
  record,
  recordOf,
  refOf,
  settle,
  T0,
  takeOver,
  turnIn,
} from "./samples.ts";

const WITHIN = 600_000;

/** An event with a chain of these steps, each of one target or several, with an order key after a colon if it has one. */
function chained(key: string, steps: (string | string[])[], parts: Partial<ChainStep> = {}): NewEvent {
  const deliveries = steps.flatMap((step, index) =>
    [step].flat().map((text): NewDelivery => {
      const [target = "", orderKey] = text.split(":");
      const chain = {
        chain: 0,
        step: index + 1,
        withinMs: WITHIN,
        until: "delivered" as const,
        hasProof: false,
        ...parts,
      };
      return { target, ...(orderKey !== undefined && { orderKey }), chain };
    })
  );
  return newEvent(key, [], { deliveries });
}

/** State of each delivery of an event, when the next attempt is due in milliseconds from T0, and whether it waits. */
async function shown(store: Store, key: string): Promise<string[]> {
  const story = (await store.story(newEvent(key).id))!;
  return story.deliveries.map(({ target, state, nextAttemptAt, chain }) => {
    const at = nextAttemptAt === null ? "" : ` ${Date.parse(nextAttemptAt) - T0}`;
    return `${target} ${chain?.isWaiting ? "waits" : state}${at}`;
  });
}

/** What is due and has begun. */
const begun = async (store: Store, lane: string) => (await dueIn(store, lane)).due.filter((one) => !one.isWaiting);

/** Writes these as records of the lanes' owner. */
async function write(store: Store, due: Due, state: "pending" | "delivered" | "dead", startedAt = T0) {
  const records = [recordOf(due, state, { startedAt })];
  return await store.write({ accepts: [], lanes: [{ epoch: await epochOf(store, due.lane), hold: {}, records }] });
}

export function testChains(it: It): void {
  it("write() has the first step of a chain due at once, and all others wait", async (store, reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", ["b", "c"], "d"]));
    const after = await reopen();
    assert.deepEqual(await shown(after, "1"), ["a pending 0", `b waits ${WITHIN}`, `c waits ${WITHIN}`, "d waits"]);
    const due = await turnIn(after);
    assert.deepEqual([due.isOfChain, due.isWaiting, due.awaited], [true, false, undefined]);
    assert.deepEqual([await nextIn(after, "b"), await nextIn(after, "d")], [WITHIN, undefined]);
    const story = (await after.story(newEvent("1").id))!;
    const place = { id: 1, steps: 3, withinMs: WITHIN, until: "delivered" };
    assert.deepEqual(story.deliveries.map(({ chain }) => chain), [
      { ...place, step: 1, isWaiting: false },
      { ...place, step: 2, isWaiting: true },
      { ...place, step: 2, isWaiting: true },
      { ...place, step: 3, isWaiting: true },
    ]);
    const { events } = await after.events({}, { limit: 1 });
    assert.deepEqual(events[0]!.deliveries.map(({ chain }) => chain?.step), [1, 2, 2, 3]);
  });

  it("write() keeps the chains of an event apart, beside its other deliveries", async (store, _reopen, clock) => {
    clock.set(T0);
    const one = chained("1", ["a", "b"]).deliveries;
    const other = chained("1", ["c", "d"], { chain: 1, withinMs: 5 }).deliveries;
    await accept(store, newEvent("1", [], { deliveries: [{ target: "e" }, ...one, ...other] }));
    assert.deepEqual(await shown(store, "1"), [
      "e pending 0",
      "a pending 0",
      `b waits ${WITHIN}`,
      "c pending 0",
      "d waits 5",
    ]);
    const { deliveries } = (await store.story(newEvent("1").id))!;
    assert.deepEqual(deliveries.map(({ chain }) => chain?.id), [undefined, 2, 2, 4, 4]);
    await settle(store, "dead");
    assert.deepEqual((await shown(store, "1")).slice(1), [
      "a dead",
      `b pending 0`,
      "c pending 0",
      "d waits 5",
    ]);
  });

  it("write() skips what waits of a chain once a step is delivered", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b", "c"]));
    const written = await write(store, await turnIn(store), "delivered");
    assert.deepEqual([written.released, written.outdated], [[], []], "nobody has read what was skipped");
    assert.deepEqual(await shown(store, "1"), ["a delivered", "b skipped", "c skipped"]);
    assert.deepEqual(await store.lanes.waiting(), []);
    const { deliveries } = (await store.story(newEvent("1").id))!;
    assert.deepEqual(deliveries.map(({ reason, attempts }) => [reason, attempts]), [[null, 1], [null, 0], [null, 0]]);
    const found = async (state: "skipped" | "pending") => (await store.events({ state }, { limit: 9 })).events.length;
    assert.deepEqual([await found("skipped"), await found("pending")], [1, 0]);
  });

  it("write() begins the next step of a chain at once when the one before is dead", async (store, _reopen, clock) => {
    clock.set(T0 + ENDED);
    await accept(store, chained("1", ["a", "b", "c"]));
    clock.pass(1_000);
    const { released } = await write(store, await turnIn(store), "dead");
    assert.deepEqual(released.toSorted(), ["b", "c"]);
    const at = ENDED + 1_000;
    assert.deepEqual(await shown(store, "1"), ["a dead", `b pending ${at}`, `c waits ${at + WITHIN}`]);
    await write(store, await turnIn(store, "b"), "dead");
    await write(store, await turnIn(store, "c"), "dead");
    assert.deepEqual(await shown(store, "1"), ["a dead", "b dead", "c dead"]);
  });

  it(
    "write() waits for all deliveries of a step to be dead, and for one to be delivered",
    async (store, _reopen, clock) => {
      clock.set(T0);
      await accept(store, chained("1", [["a", "b"], "c"]), chained("2", [["d", "e"], "f"]));
      await settle(store, "dead");
      assert.equal((await shown(store, "1"))[2], `c waits ${WITHIN}`);
      await settle(store, "dead", "b");
      assert.equal((await shown(store, "1"))[2], "c pending 0");
      await settle(store, "delivered", "d");
      assert.deepEqual(await shown(store, "2"), ["d delivered", "e skipped", "f skipped"], "one of them has arrived");
    },
  );

  it("write() lets a chain be while a step is tried again", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b"]));
    const due = await turnIn(store);
    clock.set(T0 + ENDED);
    await record(store, [recordOf(due, "pending", { dueAt: T0 + 5_000 })]);
    assert.deepEqual(await shown(store, "1"), ["a pending 5000", `b waits ${WITHIN}`]);
  });

  it("due() tells of a step whose time has come, and beginSteps() begins it", async (store, reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b", "c"]));
    assert.deepEqual(await store.lanes.beginSteps(), [], "not before its time");
    const early = await refOf(store, newEvent("1"), 2);
    assert.deepEqual(await store.lanes.beginSteps([early]), []);
    clock.set(T0 + WITHIN);
    const after = await reopen();
    const waiting = await turnIn(after, "b");
    assert.deepEqual([waiting.isOfChain, waiting.isWaiting, waiting.dueAt], [true, true, T0 + WITHIN]);
    clock.pass(50);
    assert.deepEqual((await after.lanes.beginSteps([waiting.ref])).toSorted(), ["b", "c"]);
    assert.deepEqual(await shown(after, "1"), [
      "a pending 0",
      `b pending ${WITHIN + 50}`,
      `c waits ${2 * WITHIN + 50}`,
    ]);
    const due = await turnIn(after, "b");
    assert.deepEqual([due.isWaiting, due.revision > waiting.revision], [false, true]);
    assert.deepEqual(await after.lanes.beginSteps([waiting.ref]), [], "once");
    assert.deepEqual((await record(after, [recordOf(waiting, "delivered")])).map(({ fate }) => fate), ["history"]);
  });

  it("beginSteps() finds every step whose time has come, whoever owns its lane", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b"]), chained("2", ["a", "c"], { withinMs: 5 }));
    clock.set(T0 + 5);
    assert.deepEqual(await store.lanes.beginSteps(), ["c"]);
    assert.deepEqual(await store.lanes.beginSteps(), []);
    clock.set(T0 + WITHIN);
    assert.deepEqual(await store.lanes.beginSteps(), ["b"]);
  });

  it(
    "write() skips what has begun of a chain, and tells that what was read is out of date",
    async (store, _reopen, clock) => {
      clock.set(T0);
      await accept(store, chained("1", ["a", "b", "c"]));
      const one = await turnIn(store);
      clock.set(T0 + WITHIN);
      await store.lanes.beginSteps();
      const two = await turnIn(store, "b");
      const changes = await store.lanes.changes();
      assert.deepEqual((await write(store, one, "delivered")).outdated, ["b"]);
      assert.deepEqual(await shown(store, "1"), ["a delivered", "b skipped", "c skipped"]);
      assert.equal((await write(store, two, "delivered")).lanes[0]![0]!.fate, "history");
      assert.deepEqual((await shown(store, "1"))[1], "b skipped", "what was under way is history");
      const { deliveries } = (await store.story(newEvent("1").id))!;
      assert.equal(deliveries[1]!.history.length, 1);
      assert.ok(await store.lanes.changes() >= changes);
    },
  );

  it("write() takes the first of two steps that succeed in one batch", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b"]));
    const one = await turnIn(store);
    clock.set(T0 + WITHIN);
    await store.lanes.beginSteps();
    const fates = await record(store, [recordOf(one, "delivered"), recordOf(await turnIn(store, "b"), "delivered")]);
    assert.deepEqual(fates.map(({ fate }) => fate), ["recorded", "history"]);
    assert.deepEqual(await shown(store, "1"), ["a delivered", "b skipped"]);
  });

  it(
    "write() of a record that is known, or another owner's, changes nothing of a chain",
    async (store, _reopen, clock) => {
      clock.set(T0);
      await accept(store, chained("1", ["a", "b", "c"]));
      const due = await turnIn(store);
      const old = await epochOf(store, "a");
      await takeOver(store, "a");
      const late = { epoch: old, hold: {}, records: [recordOf(due, "dead", { startedAt: T0 - 9 })] };
      assert.deepEqual((await store.write({ accepts: [], lanes: [late] })).released, []);
      assert.equal((await shown(store, "1"))[1], `b waits ${WITHIN}`);
      await write(store, due, "dead");
      const once = await shown(store, "1");
      clock.pass(5_000);
      assert.deepEqual((await write(store, due, "dead")).released, []);
      assert.deepEqual(await shown(store, "1"), once);
    },
  );

  it("write() and beginSteps() wait for the proof of a step that gives one", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b"], { hasProof: true }), chained("2", ["c", "d"], { until: "read" }));
    await settle(store, "delivered");
    await settle(store, "delivered", "c");
    assert.deepEqual(await shown(store, "1"), ["a delivered", `b waits ${WITHIN}`]);
    assert.deepEqual(await shown(store, "2"), ["c delivered", `d waits ${WITHIN}`], "nobody says that it was read");
    clock.set(T0 + WITHIN);
    await store.lanes.beginSteps();
    assert.deepEqual(await shown(store, "1"), ["a delivered", `b pending ${WITHIN}`]);
  });

  it("write() lets go what stands behind a step that is skipped", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b:rex"]), newEvent("2", ["b:rex"]), newEvent("3", ["b:rex"]));
    const behind = (await dueIn(store, "b")).due;
    assert.deepEqual(behind.map(({ ref, head }) => [ref.event, head!.event]), [[2, 1], [3, 1]]);
    await store.lanes.park(await epochOf(store, "b"), ["rex"]);
    assert.deepEqual((await dueIn(store, "b")).due, []);
    const { released, outdated } = await write(store, await turnIn(store), "delivered");
    assert.deepEqual([released, outdated], [["b"], ["b"]]);
    assert.deepEqual((await dueIn(store, "b")).due.map(({ ref, head }) => [ref.event, head!.event]), [[2, 2]]);
  });

  it("park() leaves the time of a step alone", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, newEvent("1", ["b:rex"]), chained("2", ["a", "b:rex", "c"]), newEvent("3", ["b:rex"]));
    clock.set(T0 + WITHIN);
    await store.lanes.park(await epochOf(store, "b"), ["rex"]);
    assert.deepEqual((await dueIn(store, "b")).due.map(({ ref }) => ref.event), [1, 2], "3 is parked");
    assert.deepEqual((await store.lanes.beginSteps()).toSorted(), ["b", "c"]);
    await store.lanes.park(await epochOf(store, "b"), ["rex"]);
    assert.deepEqual((await dueIn(store, "b")).due.map(({ ref }) => ref.event), [1]);
    await settle(store, "delivered", "b");
    assert.deepEqual((await begun(store, "b")).map(({ ref }) => ref.event), [2]);
  });

  it("unpark() leaves a step alone that waits, though it is the head of its key", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b", "c:rex"]), newEvent("2", ["c:rex"]));
    assert.equal(await store.lanes.unpark(await epochOf(store, "c")), 0);
    assert.equal((await shown(store, "1"))[2], "c waits");
  });

  it("retry() of a step that waits begins it, with those before it", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b", ["c", "d"], "e"]));
    clock.pass(9);
    const openUntil = T0 + 60_000;
    await store.lanes.hold([{ epoch: await epochOf(store, "d"), hold: { openUntil } }]);
    assert.equal(await store.retry([await refOf(store, newEvent("1"), 3)], T0 + 9), 1);
    assert.deepEqual(await shown(store, "1"), [
      "a pending 0",
      "b pending 9",
      "c pending 9",
      "d pending 9",
      `e waits ${WITHIN + 9}`,
    ]);
    assert.equal((await store.lanes.holds()).get("d")!.openUntil, T0 + 9, "its circuit lets it through");
  });

  it("retry() of a dead step retries that one alone", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b"]));
    await settle(store, "dead");
    await settle(store, "delivered", "b");
    assert.equal(await store.retry([await refOf(store, newEvent("1"))], T0), 1);
    assert.deepEqual(await shown(store, "1"), ["a pending 0", "b delivered"]);
    await settle(store, "dead", "a", { startedAt: T0 });
    assert.deepEqual(await shown(store, "1"), ["a dead", "b delivered"]);
    await store.retry([await refOf(store, newEvent("1"))], T0);
    await settle(store, "delivered", "a", { startedAt: T0 });
    assert.deepEqual(await shown(store, "1"), ["a delivered", "b delivered"]);
  });

  it("retry() of a step that was skipped does nothing", async (store, _reopen, clock) => {
    clock.set(T0);
    await accept(store, chained("1", ["a", "b"]));
    await settle(store, "delivered");
    assert.equal(await store.retry([await refOf(store, newEvent("1"), 2)], T0), 0);
    assert.deepEqual(await shown(store, "1"), ["a delivered", "b skipped"]);
  });

  it("redeliver() and send() make new chains", async (store, _reopen, clock) => {
    clock.set(T0);
    const event = chained("1", ["a", "b"]);
    await store.send(event);
    await settle(store, "delivered");
    clock.pass(7);
    const ids = await store.redeliver([{ seq: 1, deliveries: event.deliveries }, {
      seq: 9,
      deliveries: event.deliveries,
    }], T0 + 7);
    assert.deepEqual(ids.map(({ length }) => length), [2, 0]);
    assert.deepEqual(await shown(store, "1"), ["a delivered", "b skipped", "a pending 7", `b waits ${WITHIN + 7}`]);
    const { deliveries } = (await store.story(event.id))!;
    assert.deepEqual(deliveries.map(({ chain }) => chain!.id), [1, 1, 3, 3]);
    await settle(store, "delivered", "a", { startedAt: T0 });
    assert.deepEqual((await shown(store, "1")).slice(2), ["a delivered", "b skipped"]);
  });

  it("targets() and backlog() count no step that has not begun", async (store, _reopen, clock) => {
    clock.set(T0);
    const counts = async () =>
      (await store.targets()).map(({ name, pending, oldestPendingAt }) =>
        `${name} ${pending} ${oldestPendingAt !== null}`
      );
    const backlog = () => store.upkeep.backlog(["a", "b"]);
    await accept(store, chained("1", ["a", "b"]));
    assert.deepEqual([await counts(), await backlog()], [["a 1 true", "b 0 false"], 1]);
    clock.set(T0 + 5_000);
    await accept(store, newEvent("2", ["b"], { receivedAt: T0 + 5_000 }));
    assert.deepEqual([await counts(), await backlog()], [["a 1 true", "b 1 true"], 2]);
    assert.equal((await store.targets())[1]!.oldestPendingAt, iso(T0 + 5_000));
    clock.set(T0 + WITHIN);
    await store.lanes.beginSteps();
    assert.deepEqual([await counts(), await backlog()], [["a 1 true", "b 2 true"], 3]);
    assert.equal((await store.targets())[1]!.oldestPendingAt, iso(T0));
    await settle(store, "delivered", "a", { startedAt: T0 });
    assert.deepEqual([await counts(), await backlog()], [["a 0 false", "b 1 true"], 1]);
  });

  it("bringForward() begins a step that a clock put off", async (store, _reopen, clock) => {
    clock.set(T0 + 1e9);
    await accept(store, { ...chained("1", ["a", "b"]), receivedAt: T0 + 1e9 });
    clock.set(T0);
    assert.ok(await store.lanes.bringForward() >= 1);
    const waiting = (await dueIn(store, "b")).due;
    assert.deepEqual(waiting.map(({ isWaiting }) => isWaiting), [true]);
    assert.deepEqual(await store.lanes.beginSteps(waiting.map(({ ref }) => ref)), ["b"]);
  });

  it("expire() keeps an event of which a step waits, and deletes its chain with it", async (store, _reopen, clock) => {
    clock.set(T0 + 1);
    await accept(store, chained("1", ["a", "b"]));
    const due = await turnIn(store);
    assert.deepEqual(await expireAll(store, before(9)), [0]);
    await write(store, due, "delivered");
    assert.deepEqual(await expireAll(store, before(9)), [1]);
    await accept(store, chained("1", ["a", "b"]));
    assert.deepEqual((await shown(store, "1")).map((one) => one.split(" ")[1]), ["pending", "waits"]);
  });
}
