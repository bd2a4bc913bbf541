/** What every store does: showing an operator what is stored, and changing it. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { deliveryId, eventId, formatId } from "../../lib/id.ts";
import type { Store } from "../../lib/store/mod.ts";
import type { EventFilter } from "../../lib/store/operator.ts";
import type { It } from "./contract.ts";
import { accept, keysOf, newEvent, record, recordOf, settle, settleAll, statesOf, T0, turnsIn } from "./samples.ts";

const idOf = (key: string) => formatId(newEvent(key).id);

/** Ids of all pages of a list, and how many pages it took. */
async function listed(store: Store, filter: EventFilter, limit = 100): Promise<string[]> {
  const ids: string[] = [];
  let before: number | undefined;
  do {
    const page = await store.events(filter, { limit, before });
    ids.push(...page.events.map(({ id }) => id));
    before = page.next;
  } while (before !== undefined);
  return ids;
}

export function testOperator(it: It): void {
  it("events() lists the newest first, page by page, each once", async (store) => {
    const keys = ["1", "2", "3", "4", "5", "6", "7"];
    await accept(store, ...keys.map((key) => newEvent(key)));
    for (const limit of [1, 2, 3, 7, 100]) {
      assert.deepEqual(await listed(store, {}, limit), keys.toReversed().map(idOf), `${limit} a page`);
    }
  });

  it("events() takes those that fit all of a filter", async (store) => {
    const body = Buffer.from('{"event":"note.failed","data":{"note_id":"n-17","external_id":42}}');
    await accept(
      store,
      newEvent("old", ["a"], { receivedAt: T0 - 3_600_000 }),
      newEvent("unrouted", []),
      newEvent("both", ["a", "b"], { type: "note.transcription.failed" }),
      newEvent("b", ["b"], { body }),
      newEvent("odd", ["c"], { type: "note.[x]?" }),
    );
    await settleAll(store, "dead");
    const rows: [EventFilter, string[]][] = [
      [{ type: "note.failed" }, ["b", "unrouted", "old"]],
      [{ type: "note.*" }, ["odd", "b", "unrouted", "old"]],
      [{ type: "note.**" }, ["odd", "b", "both", "unrouted", "old"]],
      [{ type: "note.[x]?" }, ["odd"]],
      [{ type: "**.failed" }, ["b", "both", "unrouted", "old"]],
      [{ state: "unrouted" }, ["unrouted"]],
      [{ state: "accepted" }, ["odd", "b", "both", "old"]],
      [{ state: "dead" }, ["both", "old"]],
      [{ state: "pending" }, ["odd", "b", "both"]],
      [{ state: "in_flight" }, []],
      [{ state: "delivered" }, []],
      [{ target: "b" }, ["b", "both"]],
      [{ target: "b", state: "dead" }, []],
      [{ target: "b", state: "pending" }, ["b", "both"]],
      [{ target: "a", state: "dead", type: "note.failed" }, ["old"]],
      [{ since: T0 }, ["odd", "b", "both", "unrouted"]],
      [{ since: T0, state: "dead" }, ["both"]],
      [{ since: T0 + 1 }, []],
      [{ text: "n-17" }, ["b"]],
      [{ text: "n-17", state: "pending" }, ["b"]],
      [{ text: "n-18" }, []],
    ];
    for (const [filter, keys] of rows) {
      for (const limit of [1, 100]) {
        assert.deepEqual(await listed(store, filter, limit), keys.map(idOf), JSON.stringify(filter));
      }
    }
    const [found] = (await store.events({ text: "n-17" }, { limit: 1 })).events;
    assert.deepEqual([found!.noteId, found!.externalId], ["n-17", "42"]);
  });

  it("events() takes a place that no event has as that of the next one", async (store) => {
    await accept(store, newEvent("1"));
    for (const filter of [{}, { state: "pending" }] as const) {
      const { events, next } = await store.events(filter, { limit: 2, before: Number.MAX_SAFE_INTEGER });
      assert.deepEqual([events.map(({ id }) => id), next], [[idOf("1")], undefined]);
    }
  });

  it("events() gives note ids and references as text, whatever JSON they are", async (store) => {
    const rows: [string, string][] = [
      ['"n-17"', "n-17"],
      ["42", "42"],
      ["9007199254740993", "9007199254740993"],
      ["-9223372036854775808", "-9223372036854775808"],
      ['{"a":1}', '{"a":1}'],
      ['""', ""],
    ];
    for (const [json, text] of rows) {
      const body = Buffer.from(`{"event":"note.failed","data":{"note_id":${json},"external_id":${json}}}`);
      const event = newEvent(json, ["a"], { body });
      await accept(store, event);
      const [listed] = (await store.events({}, { limit: 1 })).events;
      const story = await store.story(event.id);
      for (const found of [listed, story]) assert.deepEqual([found?.noteId, found?.externalId], [text, text]);
    }
  });

  it("events() shows an event once that has several deliveries in a state", async (store) => {
    await accept(store, newEvent("1", ["a", "b", "c"]), newEvent("2", ["a"]));
    assert.deepEqual(await listed(store, { state: "pending" }, 1), ["2", "1"].map(idOf));
  });

  it("stored() gives events with their bodies in the order of acceptance, page by page", async (store) => {
    const keys = ["1", "2", "3", "4", "5"];
    await accept(store, ...keys.map((key) => newEvent(key, ["a"], { type: key === "3" ? "other" : "note.failed" })));
    const found: string[] = [];
    let after: number | undefined = 0;
    while (after !== undefined) {
      const page = await store.stored({ type: "note.*" }, { limit: 2, after }) as Awaited<ReturnType<Store["stored"]>>;
      found.push(...page.events.map(({ event }) => JSON.parse(Buffer.from(event.body).toString()).key));
      after = page.next;
    }
    assert.deepEqual(found, ["1", "2", "4", "5"]);
  });

  it("story() tells everything of an event, also by the id of a delivery", async (store) => {
    const event = newEvent("1", ["a", "b"], { secretIndex: 1 });
    await accept(store, newEvent("0", []), event);
    await settleAll(store, "dead");
    const story = (await store.story(event.id))!;
    assert.deepEqual(
      [story.headers, Buffer.from(story.body), story.secretIndex],
      [event.headers, Buffer.from(event.body), 1],
    );
    assert.deepEqual(
      story.deliveries.map(({ ref, history, failures }) => [ref.number, history.length, failures]),
      [[1, 1, 1], [2, 0, 0]],
    );
    assert.deepEqual(await store.story(deliveryId(event.id, 2)), story);
    assert.equal(await store.story(deliveryId(event.id, 3)), undefined);
    assert.equal(await store.story(newEvent("9").id), undefined);
  });

  it("find() finds events and deliveries by the beginnings of their ids, and no more than it is asked for", async (store) => {
    const events = ["1", "2", "3"].map((key) => newEvent(key, ["a", "b"]));
    const far = newEvent("far", ["c"], { id: eventId("source", "far", T0 + 3_600_000) });
    const awaiting = { target: "b", awaits: { lane: "relay::notes", patienceMs: 5 } };
    const fetching = newEvent("fetching", [], {
      id: eventId("source", "fetching", T0 - 3_600_000),
      deliveries: [awaiting],
    });
    await accept(store, ...events, far, fetching);
    const digits = (id: string, count: number) => id.replaceAll("-", "").slice(0, count);
    const sorted = events.map(({ id }) => formatId(id)).sort();
    const at = new Date(T0).toISOString();
    const find = async (prefix: string, limit = 10) => (await store.find([prefix], limit))[0]!;
    const idsOf = async (prefix: string, limit?: number) => (await find(prefix, limit)).map(({ id }) => id);

    assert.deepEqual(await idsOf(digits(sorted[0]!, 8)), sorted);
    assert.deepEqual(await idsOf(digits(sorted[0]!, 8), 2), sorted.slice(0, 2));
    for (const count of [20, 28, 32]) {
      assert.deepEqual(await find(digits(sorted[1]!, count)), [
        { id: sorted[1], type: "note.failed", receivedAt: at },
      ], `${count} digits`);
    }
    const [one, two] = [1, 2].map((number) => formatId(deliveryId(events[0]!.id, number)));
    const shown = { type: "note.failed", receivedAt: at };
    assert.deepEqual(await find(digits(one!, 28)), [
      { id: one, ...shown, target: "a" },
      { id: two, ...shown, target: "b" },
    ]);
    assert.deepEqual(await idsOf(digits(one!, 28), 1), [one]);
    assert.deepEqual(await idsOf(digits(two!, 32)), [two]);
    assert.deepEqual(await idsOf(digits(formatId(deliveryId(events[0]!.id, 3)), 32)), []);
    const fetched = digits(formatId(deliveryId(fetching.id, 1)), 20);
    assert.deepEqual((await find(fetched)).map(({ target }) => target), ["b"], "no lane of relay's own");
    assert.deepEqual(
      (await store.find([digits(formatId(far.id), 8), "ffffffff", digits(two!, 32)], 2)).map((found) =>
        found.map(({ id }) => id)
      ),
      [[formatId(far.id)], [], [two]],
    );
  });

  it("deadGroups() and dead() tell dead letters by target and reason", async (store) => {
    await accept(
      store,
      newEvent("old", ["a"], { receivedAt: T0 - 3_600_000 }),
      newEvent("1", ["a", "b"]),
      newEvent("2", ["a"]),
    );
    await settleAll(store, "dead");
    await settleAll(store, "dead", "b");
    const [iso, older] = [T0, T0 - 3_600_000].map((ms) => new Date(ms).toISOString());
    const reason = "server_failed";
    const b = { target: "b", reason, count: 1, oldestAt: iso, newestAt: iso };
    assert.deepEqual(await store.deadGroups(), [{ target: "a", reason, count: 3, oldestAt: older, newestAt: iso }, b]);
    assert.deepEqual(await store.deadGroups({ since: T0, target: "a" }), [
      { target: "a", reason, count: 2, oldestAt: iso, newestAt: iso },
    ]);
    assert.deepEqual(await store.deadGroups({ reason: "refused" }), []);
    const first = await store.dead({ target: "a", reason }, { limit: 2 });
    const second = await store.dead({ target: "a", reason }, { limit: 2, after: first.at(-1) });
    assert.deepEqual([...first, ...second].map(({ event }) => event), [1, 2, 3]);
    assert.equal((await store.dead({ target: "a", reason, since: T0 }, { limit: 9 })).length, 2);
  });

  it("retry() gives what is dead or waits a new set of attempts, and leaves the rest alone", async (store) => {
    await accept(store, newEvent("dead"), newEvent("waits"), newEvent("done"));
    const [dead, waits, done] = await turnsIn(store);
    await record(store, [
      recordOf(dead!, "dead"),
      recordOf(waits!, "pending", { dueAt: T0 + 99_000 }),
      recordOf(done!, "delivered"),
    ]);
    const refs = [dead!, waits!, done!].map(({ ref }) => ref);
    assert.equal(await store.retry([...refs, { event: 99, number: 1 }], T0 + 5), 2);
    assert.deepEqual(await statesOf(store, newEvent("dead")), [["pending", 1, "server_failed", 5]]);
    assert.deepEqual(await statesOf(store, newEvent("waits")), [["pending", 1, "server_failed", 5]]);
    assert.deepEqual(await statesOf(store, newEvent("done")), [["delivered", 1, null, null]]);
    const [retried] = (await store.story(newEvent("dead").id))!.deliveries;
    assert.deepEqual([retried!.attempts, retried!.failures], [1, 0]);
    const again = await turnsIn(store);
    assert.deepEqual(again.map(({ id, attempts, failures }) => [id, attempts, failures]), [[dead!.id, 1, 0], [
      waits!.id,
      1,
      0,
    ]]);
  });

  it("send() accepts an event, and says whether it is new", async (store) => {
    assert.deepEqual([await store.send(newEvent("1")), await store.send(newEvent("1"))], [true, false]);
    assert.deepEqual(keysOf(await turnsIn(store)), ["1"]);
  });

  it("retry() and redeliver() let an open circuit be tried at once, and no other", async (store, _reopen, clock) => {
    const openUntil = clock.now() + 60_000;
    for (const act of ["retry", "redeliver"] as const) {
      await accept(store, newEvent(act, ["a", "b"]));
      const due = await settle(store, "dead", "a", { startedAt: clock.now() }, { openUntil });
      await settle(store, "dead", "b", { startedAt: clock.now() }, { openUntil });
      if (act === "retry") await store.retry([due.ref], T0);
      else await store.redeliver([{ seq: due.ref.event, deliveries: [{ target: "a" }] }], T0);
      const holds = await store.lanes.holds();
      assert.deepEqual([holds.get("a")!.openUntil, holds.get("b")!.openUntil], [T0, openUntil], act);
      await settleAll(store, "delivered");
    }
  });

  it("redeliver() gives an event further deliveries with ids of their own", async (store) => {
    await accept(store, newEvent("1", ["a"]), newEvent("2", []));
    const made = await store.redeliver([
      { seq: 1, deliveries: [{ target: "a" }, { target: "b" }] },
      { seq: 2, deliveries: [{ target: "b" }] },
      { seq: 99, deliveries: [{ target: "b" }] },
    ], T0 + 5);
    const [first, second] = [newEvent("1").id, newEvent("2").id];
    assert.deepEqual(made, [
      [formatId(deliveryId(first, 2)), formatId(deliveryId(first, 3))],
      [formatId(deliveryId(second, 1))],
      [],
    ]);
    assert.equal((await store.story(second))!.state, "accepted");
    assert.deepEqual(keysOf(await turnsIn(store, "b")), ["1", "2"]);
  });

  it("pause() and resume() are kept, and say whether they changed anything", async (store, reopen) => {
    assert.equal(await store.resume("a"), false);
    assert.equal(await store.pause("a", T0), true);
    assert.equal(await store.pause("a", T0 + 5), false);
    await accept(store, newEvent("1"));
    await settle(store, "delivered");
    const after = await reopen();
    assert.equal((await after.lanes.holds()).get("a")!.pausedAt, T0);
    assert.equal((await after.targets())[0]!.pausedAt, new Date(T0).toISOString());
    assert.equal(await after.resume("a"), true);
    assert.equal((await after.lanes.holds()).get("a")!.pausedAt, undefined);
  });

  it("activity() counts by the hour what came in and what became of attempts", async (store) => {
    const hour = Math.floor(T0 / 3_600_000) * 3_600_000;
    await accept(
      store,
      newEvent("old", [], { receivedAt: T0 - 3_600_000 }),
      newEvent("1"),
      newEvent("2"),
      newEvent("3"),
    );
    const states = ["delivered", "delivered", "dead"] as const;
    await record(store, (await turnsIn(store)).map((due, index) => recordOf(due, states[index]!)));
    const { received, attempts } = await store.activity(T0 - 3_600_000);
    assert.deepEqual(received, [{ at: hour - 3_600_000, count: 1 }, { at: hour, count: 3 }]);
    assert.deepEqual(attempts.map(({ at, target, state, count }) => [at, target, state, count]), [
      [hour, "a", "dead", 1],
      [hour, "a", "delivered", 2],
    ]);
    assert.ok(attempts.every(({ durationMs }) => durationMs > 25 / 1.2 && durationMs < 25 * 1.2));
    assert.deepEqual((await store.activity(T0)).received, [{ at: hour, count: 3 }]);
    assert.deepEqual(await store.activity(T0 + 3_600_000), { received: [], attempts: [] });
  });
}
