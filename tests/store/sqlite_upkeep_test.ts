/** The SQLite store's file over time: brought up to date, left alone, and made smaller again. */

import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite.ts";
import { makeFolder } from "../helpers/folder.ts";
import { backlogOf, claimAll, claimOne, keysOf, newEvent, recordOf, statesOf, T0 } from "./samples.ts";

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

/** Makes a store as the first version of the schema had it: every waiting delivery has a due time. */
function makeFirstVersion(path: string, rows: [key: string, target: string, state: string, orderKey: string | null][]) {
  const db = new DatabaseSync(path);
  try {
    db.exec(readFileSync(new URL("../../lib/store/sql/001_initial.sql", import.meta.url), "utf8"));
    const insertEvent = db.prepare("INSERT INTO events VALUES (?, ?, 'clinic', 'note.failed', ?, 0, '{}', ?, NULL)");
    const insertDelivery = db.prepare("INSERT INTO deliveries VALUES (?, 1, ?, ?, 0, 0, ?, NULL, ?)");
    rows.forEach(([key, target, state, orderKey], at) => {
      insertEvent.run(at + 1, newEvent(key).id, T0, newEvent(key).body);
      insertDelivery.run(at + 1, target, state, state === "dead" ? null : T0, orderKey);
    });
    db.exec("PRAGMA user_version = 1");
  } finally {
    db.close();
  }
}

testIn(
  "openSqlite() keeps what a store of an earlier version had put off, and finds where its clock was set back",
  async (path) => {
    makeFirstVersion(path, [["1", "a", "pending", null], ["2", "a", "pending", null], ["3", "a", "pending", null]]);
    const db = new DatabaseSync(path);
    const [now, hour] = [Date.now(), 3_600_000];
    db.exec(`UPDATE deliveries SET due_at = ${now + hour}, attempts = 1 WHERE event < 3;
    INSERT INTO attempts VALUES (1, 1, 1, ${now - 30}, 25, 'retry', NULL, NULL, NULL, NULL);
    INSERT INTO attempts VALUES (2, 1, 1, ${now + 10 * hour}, 25, 'retry', NULL, NULL, NULL, NULL);
    UPDATE events SET received_at = ${T0 + hour} WHERE seq = 2`);
    db.close();
    const store = openSqlite(path);
    try {
      assert.equal(await store.bringForward(), 1, "the one that a clock put off which was ahead");
      assert.deepEqual(keysOf(await claimAll(store, "a", now + 1_000)), ["3", "2"]);
      assert.equal(await store.nextDue("a"), now + hour);
      const { events } = await store.stored({ since: T0 + 1 }, { limit: 9 });
      assert.deepEqual(events.map(({ seq }) => seq), [2]);
      assert.equal((await store.stored({ since: T0 }, { limit: 9 })).events.length, 3);
    } finally {
      await store.close();
    }
  },
);

testIn("openSqlite() brings a store of the first version up to date, and keeps order and everything", async (path) => {
  makeFirstVersion(path, [
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
  ]);
  const store = openSqlite(path);
  try {
    assert.equal(await store.serve(T0), 1);
    assert.deepEqual((await store.targets()).map(({ name, pending, dead }) => [name, pending, dead]), [
      ["a", 6, 1],
      ["b", 1, 0],
      ["c", 2, 0],
      ["d", 0, 1],
    ]);
    const [one, ...others] = await claimAll(store);
    assert.deepEqual(keysOf([one!, ...others]), ["1", "fifi", "free", "free too"]);
    await store.record([recordOf(one!, "delivered")]);
    const two = await claimOne(store, "a", T0 + 9_000);
    assert.deepEqual(keysOf([two]), ["2"]);
    await store.record([recordOf(two, "dead")]);
    assert.deepEqual(keysOf([await claimOne(store, "a", T0 + 9_000)]), ["3"]);
    assert.deepEqual(keysOf([await claimOne(store, "b")]), ["elsewhere"]);
    const cut = await claimOne(store, "c");
    assert.deepEqual(keysOf([cut]), ["cut"]);
    await store.record([recordOf(cut, "delivered")]);
    assert.deepEqual(keysOf([await claimOne(store, "c", T0 + 9_000)]), ["after it"]);
    assert.deepEqual(await statesOf(store, newEvent("buried")), [["dead", 0, null, null]]);
  } finally {
    await store.close();
  }
});

testIn("openSqlite() writes nothing to a store that is up to date, and needs no lock for it", async (path) => {
  const first = openSqlite(path);
  const other = new DatabaseSync(path);
  try {
    await first.accept([newEvent("1", ["a:rex"]), newEvent("2", ["a:rex"])]);
    const version = () => ({ ...other.prepare("PRAGMA data_version").get() });
    const [wasVersion, wasBytes] = [version(), statSync(`${path}-wal`).size];
    await openSqlite(path).close();
    assert.deepEqual([version(), statSync(`${path}-wal`).size], [wasVersion, wasBytes]);
    other.exec("BEGIN IMMEDIATE");
    const reader = openSqlite(path);
    assert.equal(await backlogOf(reader), 2);
    await reader.close();
  } finally {
    other.close();
    await first.close();
  }
});

/** Opens the store for as long as this takes. */
async function withStore(path: string, work: (store: Store) => Promise<void>): Promise<void> {
  const store = openSqlite(path);
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

testIn("giveBack() gives the disk back what large events took", async (path) => {
  const body = new Uint8Array(100_000).fill(0x20);
  const keys = Array.from({ length: 200 }, (_, number) => `${number}`);
  await withStore(path, async (store) => {
    await store.accept(keys.map((key) => newEvent(key, [], { body })));
    await store.accept([newEvent("waits")]);
  });
  const full = statSync(path).size;
  assert.ok(full > keys.length * body.length);

  await withStore(path, async (store) => {
    const ages = { delivered: T0 + 1, dead: T0 + 1 };
    for (let next: number | undefined = 0; next !== undefined;) ({ next } = await store.expire(next, ages, 10));
    while (await store.giveBack());
  });
  const after = statSync(path).size;
  assert.ok(after < full / 4, `${full} bytes became ${after}`);

  await withStore(path, async (store) => {
    assert.deepEqual(keysOf([await claimOne(store)]), ["waits"]);
    assert.deepEqual(await store.accept([newEvent("1", [], { body })]), ["stored"]);
  });
});

testIn("openSqlite() leaves an older schema alone while a relay serves it", async (path) => {
  const old = new DatabaseSync(path);
  old.exec(
    `${readFileSync(new URL("../../lib/store/sql/001_initial.sql", import.meta.url), "utf8")}; PRAGMA user_version = 1`,
  );
  const lock = new DatabaseSync(`${path}.lock`);
  try {
    lock.exec("BEGIN EXCLUSIVE");
    assert.throws(() => openSqlite(path), /another relay serves it/);
    assert.deepEqual({ ...old.prepare("PRAGMA user_version").get() }, { user_version: 1 });
  } finally {
    lock.close();
    old.close();
  }
  await openSqlite(path).close();
});

testIn("write() that waits for a lock holds up those after it no longer than itself", async (path) => {
  const store = openSqlite(path);
  const other = new DatabaseSync(path);
  try {
    other.exec("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE");
    const startedAt = performance.now();
    const one = await Promise.allSettled([store.accept([newEvent("0")])]);
    const alone = performance.now() - startedAt;
    const many = await Promise.allSettled(
      Array.from({ length: 1_500 }, (_, key) => store.accept([newEvent(`${key}`)])),
    );
    const together = performance.now() - startedAt - alone;
    assert.ok([...one, ...many].every(({ status }) => status === "rejected"));
    assert.ok(together < 1.5 * alone, `${together} ms for many, ${alone} ms for one`);
  } finally {
    other.close();
    await store.close();
  }
});
