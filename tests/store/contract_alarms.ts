/** What every store does: remembering alarms, and what they look at. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { formatId } from "../../lib/id.ts";
import { systemEvent } from "../../lib/system_event.ts";
import type { It } from "./contract.ts";
import { accept, dueIn, eventOf, newEvent, observe, settle, settleAll, T0, turnIn } from "./samples.ts";

/** An event that tells target `a` of dead letters. */
const told = (orderKey?: string) =>
  systemEvent("relay.alarm.begin", ["a"], { alarm: "dead", limit: 1, since: "" }, T0, orderKey);

export function testAlarms(it: It): void {
  it("watch() keeps what it knows of alerts that stay, and forgets those that are gone", async (store, reopen) => {
    assert.deepEqual(await store.alarms.states(), new Map());
    await store.alarms.watch(["one", "two"], T0);
    await store.alarms.turn("one", T0 + 5, told());
    const after = await reopen();
    const states = await after.alarms.watch(["one", "three"], T0 + 10);
    assert.deepEqual(
      states,
      new Map([["one", { watchedSince: T0, since: T0 + 5 }], ["three", { watchedSince: T0 + 10, since: undefined }]]),
    );
    assert.deepEqual(await after.alarms.states(), states);
    assert.deepEqual(await after.alarms.watch([], T0), new Map());
  });

  it("turn() keeps the event of an alarm that turns, once, also across a restart", async (store, reopen) => {
    await store.alarms.watch(["one"], T0);
    const [first, second, third] = [told(), told(), told()];
    assert.equal(await store.alarms.turn("one", T0, first), true);
    assert.equal(await store.alarms.turn("one", T0 + 1, second), false, "it is on already");
    const after = await reopen();
    assert.equal(await after.alarms.turn("one", T0 + 2, second), false);
    assert.equal(await after.alarms.turn("one", undefined, third), true);
    assert.equal(await after.alarms.turn("one", undefined, second), false, "it is off already");
    assert.equal(await after.alarms.turn("none", T0, second), false, "nobody watches it");
    assert.equal(await eventOf(after, second.id), undefined);
    const ids = (await dueIn(after)).due.map(({ event }) => event.id).sort();
    assert.deepEqual(ids, [first, third].map(({ id }) => formatId(id)).sort());
  });

  it("turn() leaves an alarm as it was whose event cannot be written", async (store) => {
    await store.alarms.watch(["one"], T0);
    await assert.rejects(
      store.alarms.turn("one", T0, { ...told(), deliveries: [{ target: null as unknown as string }] }),
    );
    assert.equal((await store.alarms.states()).get("one")!.since, undefined);
    assert.deepEqual((await dueIn(store)).due, []);
    assert.equal(await store.alarms.turn("one", T0, told()), true);
  });

  it("turn() keeps the order of events that have one order key", async (store) => {
    await store.alarms.watch(["one"], T0);
    await store.alarms.turn("one", T0, told("one"));
    await store.alarms.turn("one", undefined, told("one"));
    const first = await settle(store, "delivered");
    assert.notEqual((await turnIn(store)).event.id, first.event.id);
  });

  it("countDead() counts to its limit, whatever the target, and none of relay's own", async (store) => {
    assert.equal(await store.alarms.countDead(10), 0);
    await accept(store, told(), newEvent("1", ["a", "b"]), newEvent("2", ["b"]), newEvent("3", ["c"]));
    await settleAll(store, "dead");
    assert.equal(await store.alarms.countDead(10), 1);
    await settleAll(store, "dead", "b");
    assert.deepEqual([await store.alarms.countDead(10), await store.alarms.countDead(2)], [3, 2]);
    const refs = await store.dead({ target: "b", reason: "server_failed" }, { limit: 9 });
    await store.retry(refs, T0);
    assert.equal(await store.alarms.countDead(10), 1);
  });

  it("lastReceived() tells of each type, not of duplicates, nor of relay's own", async (store, reopen) => {
    assert.deepEqual(await store.alarms.lastReceived(), new Map());
    const at = (key: string, type: string, ms: number) => newEvent(key, [], { type, receivedAt: T0 + ms });
    await accept(store, at("1", "x", 0), at("2", "y", 0), at("3", "x", 1_000), told());
    await observe(store);
    await accept(store, at("4", "y", 2_000), at("1", "x", 5_000));
    await observe(store);
    assert.deepEqual(await store.alarms.lastReceived(), new Map([["x", T0 + 1_000], ["y", T0 + 2_000]]));
    await accept(store, at("5", "y", 500));
    await observe(store);
    const after = await reopen();
    assert.deepEqual((await after.alarms.lastReceived()).get("y"), T0 + 2_000, "one that came in late");
  });

  it("lastReceived() tells of types whose names not every store would take", async (store) => {
    const long = randomBytes(30_000).toString("hex");
    const emoji = `${"x".repeat(499)}\u{1f600}`;
    await accept(store, newEvent("1", [], { type: long }), newEvent("2", []), newEvent("3", [], { type: emoji }));
    await observe(store);
    const types = [...(await store.alarms.lastReceived()).keys()].sort();
    assert.deepEqual(types, [long.slice(0, 500), "note.failed", `${"x".repeat(499)}\ufffd`].sort());
  });

  it("lastReceived() remembers types whose events are deleted, but not for ever", async (store) => {
    await accept(store, newEvent("1", []));
    await observe(store);
    const day = 86_400_000;
    const expire = (ms: number) => store.upkeep.expire(0, { delivered: T0 + ms, dead: T0 + ms }, 10);
    assert.equal((await expire(29 * day)).deleted, 1);
    assert.deepEqual([...await store.alarms.lastReceived()], [["note.failed", T0]]);
    await expire(31 * day);
    assert.deepEqual([...await store.alarms.lastReceived()], []);
  });
}
