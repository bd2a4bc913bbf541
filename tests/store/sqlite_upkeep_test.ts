/** The SQLite store's file over time: brought up to date, left alone, and made smaller again. */

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { makeFolder } from "../helpers/folder.ts";
import { accept, backlogOf, expireAll, keysOf, newEvent, T0, turnIn } from "./samples.ts";

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

testIn("openSqlite() writes nothing to a store that is up to date, and needs no lock for it", async (path) => {
  const first = openSqlite(path, systemClock);
  const other = new DatabaseSync(path);
  try {
    await accept(first, newEvent("1", ["a:rex"]), newEvent("2", ["a:rex"]));
    const version = () => ({ ...other.prepare("PRAGMA data_version").get() });
    const [wasVersion, wasBytes] = [version(), statSync(`${path}-wal`).size];
    await openSqlite(path, systemClock).close();
    assert.deepEqual([version(), statSync(`${path}-wal`).size], [wasVersion, wasBytes]);
    other.exec("BEGIN IMMEDIATE");
    const reader = openSqlite(path, systemClock);
    assert.equal(await backlogOf(reader), 2);
    await reader.close();
  } finally {
    other.close();
    await first.close();
  }
});

/** Opens the store for as long as this takes. */
async function withStore(path: string, work: (store: Store) => Promise<void>): Promise<void> {
  const store = openSqlite(path, systemClock);
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

testIn("shrink() gives the disk back what large events took", async (path) => {
  const body = new Uint8Array(100_000).fill(0x20);
  const keys = Array.from({ length: 200 }, (_, number) => `${number}`);
  await withStore(path, async (store) => {
    await accept(store, ...keys.map((key) => newEvent(key, [], { body })));
    await accept(store, newEvent("waits"));
  });
  const full = statSync(path).size;
  assert.ok(full > keys.length * body.length);

  await withStore(path, async (store) => {
    const ages = { delivered: T0 + 1, dead: T0 + 1 };
    await expireAll(store, ages, 10);
    while (await store.upkeep.shrink());
  });
  const after = statSync(path).size;
  assert.ok(after < full / 4, `${full} bytes became ${after}`);

  await withStore(path, async (store) => {
    assert.deepEqual(keysOf([await turnIn(store)]), ["waits"]);
    assert.deepEqual(await accept(store, newEvent("1", [], { body })), ["stored"]);
  });
});

testIn(
  "write() waits for another program that writes, lets other work go on, and gives up in the end",
  async (path) => {
    const clock = new HandClock(T0);
    const store = openSqlite(path, clock);
    const other = new DatabaseSync(path);
    try {
      other.exec("BEGIN IMMEDIATE");
      const waiting = accept(store, newEvent("1"));
      await clock.run(1_000);
      assert.equal(await store.story(newEvent("1").id), undefined);
      other.exec("COMMIT");
      await clock.run(1_000);
      assert.deepEqual(await waiting, ["stored"]);
      other.exec("BEGIN IMMEDIATE");
      const failing = assert.rejects(accept(store, newEvent("2")), /^StoreError: Cannot store events: .*locked/);
      await clock.run(60_000);
      await failing;
      other.exec("COMMIT");
      assert.equal(await backlogOf(store), 1);
    } finally {
      other.close();
      await store.close();
    }
  },
);
