/** Stores of earlier versions are brought up to date: nothing is lost, and all is in the order in which it was. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { Told } from "../../lib/locale/told.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { makeFolder } from "../helpers/folder.ts";
import { dump, eventRow, LANDED, LANES, makeOld, type Row } from "./old_store.ts";
import {
  accept,
  dueIn,
  epochOf,
  iso,
  keysOf,
  newEvent,
  nextIn,
  observe,
  settle,
  statesOf,
  T0,
  takeOver,
  turnIn,
  turnsIn,
} from "./samples.ts";

const HOUR = 3_600_000;

/** When these stores are brought up to date. */
const NOW = T0 + 60_000;

/** A test with the path of a store in a folder of its own. */
function testIn(name: string, work: (path: string) => Promise<void>): void {
  test(name, async () => {
    const folder = makeFolder();
    try {
      await work(join(folder.path, "relay.db"));
    } finally {
      folder.remove();
    }
  });
}

/** Opens the store for as long as this takes. */
async function withStore(path: string, work: (store: Store, clock: HandClock) => Promise<void>): Promise<void> {
  const clock = new HandClock(NOW);
  const store = openSqlite(path, clock);
  try {
    await work(store, clock);
  } finally {
    await store.close();
  }
}

const refused = { outcome: "dead", reason: "refused", detail: "It answered 400", status: 400, answer: "no" };
const failed = { outcome: "retry", reason: "timed_out", detail: "", status: null, answer: null };

/** A delivery as it was kept: what is not given is as it is accepted. */
const delivery = (event: number, target: string, parts: Row = {}): Row => ({
  event,
  number: 1,
  target,
  state: "pending",
  due_at: T0,
  ...parts,
});

const attempt = (event: number, number: number, attempt: number, parts: Row): Row => ({
  event,
  number,
  attempt,
  started_at: T0 + attempt * 1_000,
  duration_ms: 25,
  ...parts,
});

/** Events by their keys, in the order of acceptance. */
const keys = [
  "buried",
  "cut",
  "behind",
  "behind too",
  "later",
  "paused",
  "held",
  "unrouted",
  "noted",
  "note failed",
  "note limited",
  "done",
  "mixed",
];

const seqOf = (key: string) => keys.indexOf(key) + 1;

/** A store of the landed version that was killed, with everything in it. */
function makeLanded(path: string): void {
  makeOld(path, LANDED, (insert) => {
    for (const key of keys) {
      insert("events", eventRow(seqOf(key), key, key === "mixed" ? { problems: '["late"]' } : {}));
    }
    const deliver = (key: string, target: string, parts?: Row) =>
      insert("deliveries", delivery(seqOf(key), target, parts));
    const dead = { state: "dead", due_at: null, attempts: 1, reason: "refused" };
    const done = { state: "delivered", due_at: null, attempts: 1 };
    const behind = { order_key: "rex", due_at: null };

    deliver("buried", "a", { ...dead, order_key: "rex" });
    insert("attempts", attempt(seqOf("buried"), 1, 1, refused));
    deliver("cut", "a", {
      state: "in_flight",
      attempts: 1,
      due_at: T0 + 90_000,
      reason: "timed_out",
      order_key: "rex",
    });
    insert("attempts", attempt(seqOf("cut"), 1, 1, failed));
    deliver("behind", "a", behind);
    deliver("behind too", "a", behind);
    const later = { attempts: 3, first_attempt: 2, reason: "timed_out", due_at: T0 + 99_000, due_set_at: T0 + 50_000 };
    deliver("later", "a", later);
    for (const number of [1, 2, 3]) insert("attempts", attempt(seqOf("later"), 1, number, failed));
    deliver("paused", "b");
    insert("targets", { name: "b", paused_at: T0 + 1 });
    deliver("held", "c");
    insert("targets", {
      name: "c",
      delivered_at: T0 - 5,
      failed_at: T0 - 2,
      reason: "timed_out",
      open_until: T0 + 80_000,
      paused_until: T0 + 81_000,
      held_at: T0 + 40_000,
    });
    deliver("noted", "d");
    insert("notes", { event: seqOf("noted"), at: T0 + 9, data: Buffer.from('{"id":"n1","name":"Rex"}') });
    deliver("note failed", "d", { attempts: 1, reason: "note_missing", due_at: T0 + 99_000, due_set_at: T0 + 50_000 });
    insert("attempts", attempt(seqOf("note failed"), 1, 1, { ...failed, reason: "note_missing" }));
    insert("notes", { event: seqOf("note failed"), at: T0 + 9, problem: "It answered 404" });
    deliver("note limited", "d", { due_at: T0 + 70_000, due_set_at: T0 + 55_000 });
    for (const at of [41_000, 40_000]) insert("note_requests", { account: "acc", at: T0 + at });
    insert("note_holds", { account: "acc", until: T0 + 95_000, set_at: T0 + 41_000 });
    deliver("done", "a", done);
    insert("attempts", attempt(seqOf("done"), 1, 1, { ...failed, outcome: "delivered", reason: null, status: 200 }));
    deliver("done", "a", { number: 2 });
    deliver("mixed", "a", done);
    deliver("mixed", "b", { ...dead, number: 2, attempts: 0, reason: null });

    insert("activity", { hour: T0 - T0 % HOUR, target: "a", state: "delivered", bucket: 19, count: 7 });
    insert("alarms", { key: "one", watched_since: T0, since: T0 + 5 });
    insert("types", { name: "note.failed", received_at: T0 });
    insert("retention", { id: 1, time: T0 - 7 });
    insert("ended_sessions", { id: "session", until: T0 + HOUR });
    insert("refusals", { minute: T0 - T0 % 60_000, source: "s", reason: "signature_wrong", count: 3, last_at: T0 });
    const details = '{"config":"/etc/relay/relay.config.ts","listeners":[],"targets":[]}';
    insert("runs", { id: 1, pid: 7, version: "1.2.3", since: T0, heard_at: T0 + 9, details });
  });
}

testIn("openSqlite() brings a store of the landed version up to date, and shows all of it as before", async (path) => {
  makeLanded(path);
  await withStore(path, async (store) => {
    const shown = await Promise.all(keys.map(async (key) => [key, ...await statesOf(store, newEvent(key))]));
    assert.deepEqual(shown, [
      ["buried", ["dead", 1, "refused", null]],
      ["cut", ["pending", 1, "timed_out", 60_000]],
      ["behind", ["pending", 0, null, null]],
      ["behind too", ["pending", 0, null, null]],
      ["later", ["pending", 3, "timed_out", 99_000]],
      ["paused", ["pending", 0, null, 0]],
      ["held", ["pending", 0, null, 0]],
      ["unrouted"],
      ["noted", ["pending", 0, null, 0]],
      ["note failed", ["pending", 1, "note_missing", 99_000]],
      ["note limited", ["pending", 0, null, 70_000]],
      ["done", ["delivered", 1, null, null], ["pending", 0, null, 0]],
      ["mixed", ["delivered", 1, null, null], ["dead", 0, null, null]],
    ]);
    const { events } = await store.events({}, { limit: 99 });
    assert.deepEqual(
      events.map(({ state }) => state),
      keys.toReversed().map((key) => key === "unrouted" ? "unrouted" : "accepted"),
    );
    assert.deepEqual(events[0]!.problems, [Told.of("late")]);
    const histories = await Promise.all(
      keys.map(async (key) => (await store.story(newEvent(key).id))!.deliveries.map(({ history }) => history.length)),
    );
    assert.deepEqual(histories.flat(), [1, 1, 0, 0, 3, 0, 0, 0, 1, 0, 1, 0, 0, 0]);
    assert.equal(
      Buffer.from((await store.story(newEvent("noted").id))!.details!.data!).toString(),
      '{"id":"n1","name":"Rex"}',
    );

    const targets = await store.targets();
    assert.deepEqual(targets.map(({ name, pending, dead }) => [name, pending, dead]), [
      ["a", 5, 1],
      ["b", 1, 1],
      ["c", 1, 0],
      ["d", 3, 0],
    ]);
    assert.equal(targets[1]!.pausedAt, iso(T0 + 1));
    const { name: _name, pending: _pending, inFlight: _inFlight, dead: _dead, ...held } = targets[2]!;
    assert.deepEqual(held, {
      oldestPendingAt: iso(T0),
      lastDeliveredAt: iso(T0 - 5),
      lastFailedAt: iso(T0 - 2),
      lastReason: "timed_out",
      circuitOpenUntil: iso(T0 + 80_000),
      throttledUntil: iso(T0 + 81_000),
      pausedAt: null,
    });
    assert.deepEqual(await store.deadGroups({ reason: "refused" }), [
      { target: "a", reason: "refused", count: 1, oldestAt: iso(T0), newestAt: iso(T0) },
    ]);
    assert.deepEqual((await store.activity(T0)).attempts.map(({ count }) => count), [7]);
    assert.deepEqual([...await store.alarms.states()], [["one", { watchedSince: T0, since: T0 + 5 }]]);
    assert.deepEqual([...await store.alarms.lastReceived()], [["note.failed", T0]]);
    assert.equal((await store.upkeep.retention()).time, T0 - 7);
    assert.equal(await store.sessions.isEnded("session"), true);
    assert.equal((await store.runs.refused(T0 - HOUR, NOW))[0]!.count, 3);
    assert.equal((await store.runs.last())!.pid, 7);
  });
});

testIn("openSqlite() lets what an older store held go on where it was, in its order", async (path) => {
  makeLanded(path);
  await withStore(path, async (store, clock) => {
    assert.deepEqual(await store.lanes.waiting(), ["a", "b", "c", "d"]);
    const [done, cut] = await turnsIn(store);
    assert.deepEqual(keysOf([done!, cut!]), ["done", "cut"], "what was in flight is due now");
    assert.deepEqual([cut!.attempts, cut!.failures, cut!.failingSince], [1, 1, T0 + 1_000]);
    assert.equal((await dueIn(store)).due.length, 2);
    await settle(store, "delivered", "c");
    const { epoch, hold } = await takeOver(store, "c");
    assert.deepEqual(hold, { openUntil: undefined, throttledUntil: undefined, pausedAt: undefined });
    assert.equal(epoch.number, 2);
    assert.equal((await takeOver(store, "b")).hold.pausedAt, T0 + 1);

    const seen: string[] = [];
    for (;;) {
      const [due] = (await turnsIn(store)).filter(({ orderKey }) => orderKey === "rex");
      if (!due) break;
      seen.push(...keysOf([due]));
      const { epoch } = await takeOver(store);
      const record = {
        ref: due.ref,
        revision: due.revision,
        orderKey: due.orderKey,
        attempt: due.attempts + 1,
        startedAt: clock.now(),
        durationMs: 0,
        outcome: { kind: "delivered" as const },
        state: "delivered" as const,
        isAwaited: false,
        isOfChain: false,
        wasBegun: false,
        wasMade: true,
      };
      await store.write({ accepts: [], lanes: [{ epoch, hold: {}, records: [record] }] });
    }
    assert.deepEqual(seen, ["cut", "behind", "behind too"]);

    const notes = "relay::connectvets acc";
    const owned = await takeOver(store, notes);
    assert.deepEqual([owned.starts, owned.hold.throttledUntil, owned.wasGivenUp], [
      [T0 + 40_000, T0 + 41_000],
      T0 + 95_000,
      true,
    ]);
    const noted = await turnIn(store, "d");
    assert.deepEqual([noted.event.note?.name, noted.fetched], ["Rex", { at: T0 + 9, outcome: undefined }]);
    assert.equal(await nextIn(store, "d"), 70_000);
    clock.set(T0 + 99_000);
    const [, , missing] = await turnsIn(store, "d");
    assert.deepEqual([keysOf([missing!]), missing!.fetched], [["note failed"], {
      at: T0 + 9,
      outcome: { kind: "dead", reason: "note_unavailable", detail: Told.of("It answered 404") },
    }]);
    const later = (await turnsIn(store)).find(({ event }) => keysOf([{ event }])[0] === "later")!;
    assert.deepEqual([later.attempts, later.failures, later.failingSince], [3, 1, T0 + 3_000]);
    assert.deepEqual(await accept(store, newEvent("mixed"), newEvent("new")), ["duplicate", "stored"]);
    await observe(store);
  });
});

testIn(
  "openSqlite() keeps when deliveries of an older store were put off, and where its clock was set back",
  async (path) => {
    makeOld(path, 1, (insert) => {
      for (const seq of [1, 2, 3]) {
        insert("events", eventRow(seq, `${seq}`, { received_at: T0 + (seq === 2 ? HOUR : 0) }));
      }
      for (const seq of [1, 2]) {
        insert("deliveries", delivery(seq, "a", { due_at: NOW + HOUR, attempts: 1 }));
      }
      insert("deliveries", delivery(3, "a"));
      insert("attempts", attempt(1, 1, 1, { outcome: "retry", started_at: NOW - 30 }));
      insert("attempts", attempt(2, 1, 1, { outcome: "retry", started_at: NOW + 10 * HOUR }));
    });
    await withStore(path, async (store, clock) => {
      assert.equal(await store.lanes.bringForward(), 1, "the one that a clock put off which was ahead");
      clock.pass(1_000);
      assert.deepEqual(keysOf(await turnsIn(store)), ["3", "2"]);
      assert.equal(await nextIn(store), NOW + HOUR - T0);
      const { events } = await store.stored({ since: T0 + 1 }, { limit: 9 });
      assert.deepEqual(events.map(({ seq }) => seq), [2]);
      assert.equal((await store.stored({ since: T0 }, { limit: 9 })).events.length, 3);
    });
  },
);

testIn("openSqlite() brings a store of the first version up to date, and keeps order and everything", async (path) => {
  const rows: [key: string, target: string, state: string, orderKey: string | null][] = [
    ["buried", "a", "dead", "rex"],
    ["1", "a", "pending", "rex"],
    ["2", "a", "pending", "rex"],
    ["3", "a", "pending", "rex"],
    ["fifi", "a", "pending", "fifi"],
    ["free", "a", "pending", null],
    ["free too", "a", "pending", null],
    ["elsewhere", "b", "pending", "rex"],
    ["cut", "c", "in_flight", "rex"],
    ["after it", "c", "pending", "rex"],
    ["lost", "d", "dead", null],
  ];
  makeOld(path, 1, (insert) => {
    rows.forEach(([key, target, state, orderKey], at) => {
      insert("events", eventRow(at + 1, key));
      const due_at = state === "dead" ? null : T0;
      insert("deliveries", delivery(at + 1, target, { state, due_at, order_key: orderKey }));
    });
  });
  await withStore(path, async (store) => {
    assert.deepEqual((await store.targets()).map(({ name, pending, dead }) => [name, pending, dead]), [
      ["a", 6, 1],
      ["b", 1, 0],
      ["c", 2, 0],
      ["d", 0, 1],
    ]);
    assert.deepEqual(keysOf(await turnsIn(store)), ["1", "fifi", "free", "free too"]);
    assert.equal((await dueIn(store)).due.length, 4, "the others of a key are parked");
    assert.deepEqual(keysOf([await settle(store, "delivered", "b")]), ["elsewhere"]);
    assert.deepEqual(keysOf([await settle(store, "delivered", "c")]), ["cut"]);
    assert.deepEqual(keysOf([await turnIn(store, "c")]), ["after it"]);
    assert.deepEqual(await statesOf(store, newEvent("buried")), [["dead", 0, null, null]]);
  });
});

testIn("openSqlite() keeps the order of keys of an older store that hold a NUL", async (path) => {
  makeOld(path, LANDED, (insert) => {
    const orderKeys = ["re\0x", "re\0x", "re\0y", "\\u0000"];
    orderKeys.forEach((order_key, at) => {
      insert("events", eventRow(at + 1, `${at + 1}`));
      insert("deliveries", delivery(at + 1, at < 2 ? "a" : "b", { order_key, due_at: at === 1 ? null : T0 }));
    });
  });
  await withStore(path, async (store) => {
    assert.deepEqual((await turnsIn(store, "b")).map(({ orderKey }) => orderKey), ["re\ufffdy", "\\u0000"]);
    assert.equal(await store.lanes.unpark(await epochOf(store, "a")), 0);
    assert.equal((await settle(store, "delivered")).orderKey, "re\ufffdx");
    assert.deepEqual(keysOf(await turnsIn(store)), ["2"]);
  });
});

testIn("openSqlite() brings a store of the first version with lanes up to date", async (path) => {
  makeOld(path, LANES, (insert) => {
    for (const seq of [1, 2]) {
      insert("events", eventRow(seq, `${seq}`));
      insert("deliveries", delivery(seq, "a", { attempts: 1, order_key: "re\0x" }));
      insert("attempts", { event: seq, number: 1, attempt: 1, started_at: T0, duration_ms: 5, ...failed });
    }
    insert("underway", { event: 1, number: 1, crashes: 1, is_alone: 0 });
  });
  await withStore(path, async (store) => {
    assert.deepEqual(await store.lanes.countCrash(["a"]), []);
    const due = await settle(store, "delivered");
    assert.deepEqual([due.orderKey, keysOf([due, await turnIn(store)])], ["re\ufffdx", ["1", "2"]]);
    const { history } = (await store.story(newEvent("1").id))!.deliveries[0]!;
    assert.deepEqual(history.map(({ outcome }) => outcome), ["retry", "delivered"]);
  });
});

/** A store with one event at this sequence, so that there are as many pages to copy as it takes to get there. */
function makeLong(path: string, last: number): void {
  makeOld(path, LANDED, (insert) => {
    for (const seq of [1, last]) {
      insert("events", eventRow(seq, `${seq}`));
      insert("deliveries", delivery(seq, "a"));
    }
  });
}

testIn("openSqlite() tells how far it is with an older store, and nothing of a new one", async (path) => {
  const told: number[] = [];
  const open = (from: string) => openSqlite(from, new HandClock(NOW), { onUpgrade: (part) => told.push(part) });
  makeLong(path, 400_000);
  const store = open(path);
  assert.deepEqual(keysOf(await turnsIn(store)), ["1", "400000"]);
  await store.close();
  assert.ok(told.length > 3 && told.at(-1) === 1, `${told}`);
  assert.deepEqual(told, told.toSorted((one, other) => one - other));
  const count = told.length;
  await open(path).close();
  await open(`${path}.new`).close();
  assert.equal(told.length, count);
});

testIn("openSqlite() leaves an older store whole where it cannot be brought up to date", async (path) => {
  makeLanded(path);
  const before = dump(path);
  const stop = () => {
    throw new Error("stopped");
  };
  assert.throws(() => openSqlite(path, new HandClock(NOW), { onUpgrade: stop }), /stopped/);
  assert.deepEqual(dump(path), before);
  await openSqlite(path, new HandClock(NOW)).close();
});

testIn("openSqlite() leaves an older store whole where the disk is full, and goes on once it is not", async (path) => {
  makeOld(path, LANDED, (insert) => {
    for (let seq = 1; seq <= 3_000; seq++) {
      insert("events", eventRow(seq, `${seq}`));
      insert("deliveries", delivery(seq, "a"));
    }
  });
  const before = dump(path);
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (sql) {
    if (sql === "BEGIN IMMEDIATE") {
      const { page_count } = this.prepare("PRAGMA page_count").get() as { page_count: number };
      this.prepare(`PRAGMA max_page_count = ${page_count + 8}`).get();
    }
    return exec.call(this, sql);
  };
  try {
    assert.throws(() => openSqlite(path, new HandClock(NOW)), /^StoreError: Cannot open the store .*full/);
  } finally {
    DatabaseSync.prototype.exec = exec;
  }
  assert.deepEqual(dump(path), before);
  await withStore(path, async (store) => assert.equal(await store.upkeep.backlog(["a"]), 3_000));
});

testIn("openSqlite() leaves an older schema alone while a relay serves it", async (path) => {
  makeLanded(path);
  const before = dump(path);
  const lock = new DatabaseSync(`${path}.lock`);
  try {
    lock.exec("BEGIN EXCLUSIVE");
    assert.throws(() => openSqlite(path, new HandClock(NOW)), /another relay serves it/);
    assert.deepEqual(dump(path), before);
  } finally {
    lock.close();
  }
  await openSqlite(path, new HandClock(NOW)).close();
});
