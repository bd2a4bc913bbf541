/** The SQLite store: the contract of all stores, and what is its own. */

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { StoreError } from "../../lib/errors.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { makeFolder } from "../helpers/folder.ts";
import { testStore } from "./contract.ts";
import { accept, backlogOf, epochOf, newEvent, turnsIn } from "./samples.ts";

testStore("sqlite", async (clock) => {
  const folder = makeFolder();
  const path = join(folder.path, "relay.db");
  return {
    store: openSqlite(path, clock),
    reopen: async () => openSqlite(path, clock),
    remove: async () => folder.remove(),
  };
});

/** A test with a folder of its own, and the path of a store in it. */
function testIn(name: string, work: (path: string, folder: string) => Promise<void>): void {
  test(name, async () => {
    const folder = makeFolder();
    try {
      await work(join(folder.path, "relay.db"), folder.path);
    } finally {
      folder.remove();
    }
  });
}

/** Opens a store, and the connection that it uses. */
function openWatched(path: string): { store: Store; connection: DatabaseSync } {
  let connection: DatabaseSync | undefined;
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (sql) {
    connection = this;
    return exec.call(this, sql);
  };
  try {
    return { store: openSqlite(path, systemClock), connection: connection! };
  } finally {
    DatabaseSync.prototype.exec = exec;
  }
}

/** Whether this fails as a store does that an operator can do something about. */
function isRefusal(message: RegExp, hint: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.match(error.message, message);
    assert.match(error.hint ?? "", hint);
    return true;
  };
}

testIn("openSqlite() flushes the disk with every commit, in a write-ahead log", async (path) => {
  const { store, connection } = openWatched(path);
  try {
    const pragma = (name: string) => Object.values(connection.prepare(`PRAGMA ${name}`).get()!)[0];
    assert.equal(pragma("journal_mode"), "wal");
    assert.equal(pragma("synchronous"), 2, "FULL");
    assert.equal(pragma("journal_size_limit"), 64 * 1024 ** 2);
    await accept(store, newEvent("1"));
    assert.ok(existsSync(`${path}-wal`));
  } finally {
    await store.close();
  }
});

testIn("openSqlite() tells of each durable commit how long it took, and of no other", async (path) => {
  const commits: number[] = [];
  const store = openSqlite(path, systemClock, { onCommit: (ms) => commits.push(ms) });
  try {
    const countOf = async (work: () => Promise<unknown>) => {
      const before = commits.length;
      await work();
      return commits.length - before;
    };
    assert.equal(await countOf(() => accept(store, newEvent("1"), newEvent("2"))), 1);
    const { ref } = (await turnsIn(store))[0]!;
    const epoch = await epochOf(store, "a");
    assert.equal(await countOf(() => store.lanes.begin(epoch, [ref])), 0, "not safe from a power cut");
    assert.equal(await countOf(() => store.targets()), 0);
    assert.equal(await countOf(() => store.probe(0)), 1);
    assert.ok(commits.every((ms) => ms > 0 && ms < 60_000), commits.join());
  } finally {
    await store.close();
  }
});

testIn("openSqlite() refuses the store of a newer relay, and leaves it as it is", async (path) => {
  const store = openSqlite(path, systemClock);
  await accept(store, newEvent("1"));
  await store.close();
  const db = new DatabaseSync(path);
  const next = Number(db.prepare("PRAGMA user_version").get()!.user_version) + 1;
  db.exec(`PRAGMA user_version = ${next}`);
  db.close();
  const newer = new RegExp(`^Cannot open the store .*relay\\.db: it was written by a newer relay \\(schema ${next}; `);
  assert.throws(() => openSqlite(path, systemClock), isRefusal(newer, /newer relay/));
  const after = new DatabaseSync(path);
  assert.deepEqual({ ...after.prepare("SELECT count(*) AS count FROM events").get() }, { count: 1 });
  after.close();
});

testIn("openSqlite() refuses the database of another program, and leaves it as it is", async (path) => {
  const other = new DatabaseSync(path);
  other.exec("CREATE TABLE clients (name TEXT)");
  other.close();
  const before = readFileSync(path);
  assert.throws(
    () => openSqlite(path, systemClock),
    isRefusal(/^Cannot open the store .*relay\.db: it is the database of another/, /`store`/),
  );
  assert.deepEqual(readFileSync(path), before);
});

testIn("openSqlite() opens a new store that another program makes at the same moment", async (path) => {
  const { exec } = DatabaseSync.prototype;
  let isFirst = true;
  DatabaseSync.prototype.exec = function (sql) {
    if (sql === "BEGIN IMMEDIATE" && isFirst) {
      isFirst = false;
      void openSqlite(path, systemClock).close();
    }
    return exec.call(this, sql);
  };
  try {
    const store = openSqlite(path, systemClock);
    assert.deepEqual(await accept(store, newEvent("1")), ["stored"]);
    await store.close();
    assert.equal(isFirst, false);
  } finally {
    DatabaseSync.prototype.exec = exec;
  }
});

testIn("a store that cannot be read says so", async (path) => {
  const store = openSqlite(path, systemClock);
  await store.close();
  await assert.rejects(backlogOf(store), isRefusal(/^Cannot read the store: /, /^/));
});

testIn("openSqlite() refuses a file that is no store, and leaves it as it is", async (path) => {
  const text = "A letter that somebody wrote. ".repeat(500);
  writeFileSync(path, text);
  assert.throws(() => openSqlite(path, systemClock), isRefusal(/^Cannot open the store .*relay\.db: /, /./));
  assert.equal(readFileSync(path, "utf8"), text);
});

testIn("openSqlite() refuses a store whose first page is damaged, and leaves it as it is", async (path) => {
  const store = openSqlite(path, systemClock);
  await accept(store, newEvent("1"));
  await store.close();
  const bytes = readFileSync(path);
  bytes.fill(0xff, 0, 1_024);
  writeFileSync(path, bytes);
  assert.throws(() => openSqlite(path, systemClock), isRefusal(/^Cannot open the store .*relay\.db: /, /./));
  assert.deepEqual(readFileSync(path), bytes);
});

testIn("openSqlite() refuses a folder that is not there, and a folder in place of the file", async (path, folder) => {
  assert.throws(
    () => openSqlite(join(folder, "none", "relay.db"), systemClock),
    isRefusal(/^Cannot open the store /, /folder/),
  );
  mkdirSync(path);
  assert.throws(() => openSqlite(path, systemClock), isRefusal(/^Cannot open the store /, /folder/));
});

/** Runs `work` as a user who cannot write what others own; as root, no mode of a file would stop it. */
async function unprivileged(work: () => Promise<void>): Promise<void> {
  const user = process.geteuid!();
  if (user === 0) process.seteuid!(65_534);
  try {
    await work();
  } finally {
    if (user === 0) process.seteuid!(0);
  }
}

testIn("openSqlite() refuses a folder that cannot be written", async (path, folder) => {
  chmodSync(folder, 0o555);
  await unprivileged(async () => {
    assert.throws(
      () => openSqlite(path, systemClock),
      isRefusal(/^Cannot open the store /, /can write to the file and its folder/),
    );
  });
  chmodSync(folder, 0o755);
});

testIn("serve() and write() refuse a store that can only be read", async (path, folder) => {
  await openSqlite(path, systemClock).close();
  chmodSync(path, 0o444);
  chmodSync(folder, 0o555);
  await unprivileged(async () => {
    const refused = isRefusal(/^Cannot .*(readonly|unable to open|EACCES)/, /can write to the file and its folder/);
    let store: Store;
    try {
      store = openSqlite(path, systemClock);
    } catch (error) {
      return void refused(error);
    }
    try {
      await assert.rejects(store.serve(), refused);
      await assert.rejects(accept(store, newEvent("1")), refused);
    } finally {
      await store.close();
    }
  });
  chmodSync(folder, 0o755);
});

testIn("serve() refuses a store that another relay serves, until that one closes", async (path) => {
  const [first, second] = [openSqlite(path, systemClock), openSqlite(path, systemClock)];
  try {
    await first.serve();
    await assert.rejects(
      second.serve(),
      isRefusal(/^Cannot serve the store .*relay\.db: another relay serves it$/, /stop that relay/),
    );
  } finally {
    await first.close();
    await second.close();
  }
  const third = openSqlite(path, systemClock);
  await third.serve();
  await third.close();
});

testIn("serve() says what is wrong with a lock that cannot be made", async (path) => {
  const store = openSqlite(path, systemClock);
  try {
    mkdirSync(`${path}.lock`);
    await assert.rejects(store.serve(), isRefusal(/^Cannot lock the store with .*relay\.db\.lock: /, /./));
  } finally {
    await store.close();
  }
});

testIn("write() refuses at once, and keeps nothing, where another file was put in the store's place", async (path) => {
  const { store, connection } = openWatched(path);
  let begins = 0;
  const exec = connection.exec.bind(connection);
  connection.exec = (sql) => {
    if (sql === "BEGIN IMMEDIATE") begins++;
    exec(sql);
  };
  try {
    renameSync(path, `${path}.away`);
    writeFileSync(path, "");
    await assert.rejects(
      accept(store, newEvent("1")),
      isRefusal(/relay\.db was replaced by another file$/, /put it back/),
    );
    assert.equal(begins, 1);
    renameSync(`${path}.away`, path);
    assert.deepEqual(await accept(store, newEvent("1")), ["stored"]);
  } finally {
    await store.close();
  }
});

testIn("a store that another one writes to goes on, and both see the same", async (path) => {
  const [first, second] = [openSqlite(path, systemClock), openSqlite(path, systemClock)];
  try {
    await first.serve();
    assert.deepEqual(await accept(second, newEvent("1")), ["stored"]);
    assert.deepEqual(await accept(first, newEvent("1"), newEvent("2")), ["duplicate", "stored"]);
    assert.equal(await backlogOf(second), 2);
  } finally {
    await first.close();
    await second.close();
  }
});
