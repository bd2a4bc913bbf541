/** Moving a store: what is carried, how it goes on, and what is refused. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { Told } from "../../lib/locale/told.ts";
import { cancelMove, moveStore, previewMove } from "../../lib/operator/migrate.ts";
import { Connections } from "../../lib/store/postgres/connections.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { openPostgresTransfer } from "../../lib/store/postgres/transfer.ts";
import { parsePostgresUrl } from "../../lib/store/postgres/url.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { openSqliteTransfer } from "../../lib/store/sqlite/transfer.ts";
import { tables, type TransferSide } from "../../lib/store/transfer.ts";
import { makeFolder } from "../helpers/folder.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { fill, SMALL } from "./filled.ts";
import { accept, newEvent } from "./samples.ts";

let server: Postgres;
const folder = makeFolder();
let files = 0;
before(async () => {
  server = await startPostgres();
});
after(async () => {
  await server.close();
  folder.remove();
});

const newFile = () => join(folder.path, `${++files}.db`);
const newUrl = () => server.url({ freshSchema: true });
const sqlite = (path: string) => openSqliteTransfer(path, systemClock);
const postgres = (url: string) => openPostgresTransfer(parsePostgresUrl(url), true);

/** Does this with both sides open. */
async function between<Result>(
  from: TransferSide | Promise<TransferSide>,
  to: TransferSide | Promise<TransferSide>,
  work: (from: TransferSide, to: TransferSide) => Promise<Result>,
): Promise<Result> {
  const sides = [await from, await to] as const;
  try {
    return await work(...sides);
  } finally {
    for (const side of sides) await side.close();
  }
}

const move = (from: TransferSide, to: TransferSide) => moveStore(from, to, { limits: SMALL });

async function contents(side: TransferSide) {
  const all: Record<string, unknown> = { observed: await side.observed() };
  for (const table of tables) all[table.name] = await side.page({ ...table, isWhole: true }, undefined, SMALL);
  return all;
}

test("moveStore() carries everything to PostgreSQL and back, as it was", async () => {
  const [file, url, next] = [newFile(), newUrl(), newFile()];
  const filled = sqlite(file);
  await fill(filled);
  await filled.finish(33);
  const original = await contents(filled);
  await filled.close();

  const there = await between(sqlite(file), postgres(url), async (from, to) => {
    const moved = await move(from, to);
    assert.deepEqual(await contents(to), original);
    return moved;
  });
  assert.match(there.digest, /^[0-9a-f]{64}$/);
  assert.deepEqual([there.counts.events, there.counts.retention, there.wasDone], [40, 1, false]);

  const back = await between(postgres(url), sqlite(next), async (from, to) => {
    const moved = await move(from, to);
    assert.deepEqual(await contents(to), original);
    return moved;
  });
  assert.equal(back.digest, there.digest);
});

test("moveStore() leaves a store in which new events come behind the old ones", async () => {
  const [before, url] = [newUrl(), newUrl()];
  const source = await postgres(before);
  await fill(source, 3);
  await source.finish(9); // newer events were deleted
  await source.close();
  await between(postgres(before), postgres(url), move);
  const { schema } = parsePostgresUrl(url);
  const [row] = await server.query<{ next: string }>(`SELECT nextval('"${schema}".events_seq') AS next`);
  assert.equal(Number(row!.next), 10);
});

test("moveStore() writes a zero byte, which PostgreSQL does not take, as the character for what is unknown", async () => {
  const [file, url] = [newFile(), newUrl()];
  const store = openSqlite(file, systemClock);
  await accept(store, newEvent("1", ["a"], { problems: [Told.of("a\0b")], type: "a\0b" }));
  await store.close();
  await between(sqlite(file), postgres(url), async (from, to) => {
    // PostgreSQL has these in another order.
    await from.insert(tables.find(({ name }) => name === "types")!, [["a\0b", 1], ["aa", 2]]);
    await move(from, to);
  });
  const { schema } = parsePostgresUrl(url);
  const [row] = await server.query<{ type: string }>(`SELECT type FROM "${schema}".events`);
  assert.match(row!.type, /^a(\ufffdb)?$/); // Deno reads no further than to the zero
});

test("moveStore() goes on where it was ended, and begins nothing twice", async () => {
  const [file, url] = [newFile(), newUrl()];
  const filled = sqlite(file);
  await fill(filled);
  await filled.close();
  for (let pages = 1;; pages++) {
    let left = pages;
    const isDone = await between(sqlite(file), postgres(url), async (from, to) => {
      const ending = new Proxy(to, {
        get(_, name) {
          if (name === "insert" && left-- === 0) throw new Error("ended");
          const value = Reflect.get(to, name) as unknown;
          return typeof value === "function" ? value.bind(to) : value;
        },
      });
      try {
        await move(from, ending);
        return true;
      } catch (error) {
        assert.match(String(error), /ended/);
        return false;
      }
    });
    if (isDone) break;
    await assert.rejects(serve(file), /it is being moved to postgres:/);
  }
  await between(sqlite(file), postgres(url), async (from, to) => {
    assert.equal((await move(from, to)).wasDone, true);
    assert.deepEqual(await contents(to), await contents(from));
  });
});

async function serve(file: string): Promise<void> {
  const store = openSqlite(file, systemClock);
  try {
    await store.serve();
  } finally {
    await store.close();
  }
}

test("a store that was moved is served and written to no more, and read still", async () => {
  const [file, url, back] = [newFile(), newUrl(), newFile()];
  const local = openSqlite(file, systemClock);
  await refusesMoved(local, async () => {
    await local.close();
    await between(sqlite(file), postgres(url), move);
    return openSqlite(file, systemClock);
  }, /it was moved to postgres:/);
  const shared = openPostgres(url, systemClock);
  await refusesMoved(shared, async () => {
    await between(postgres(url), sqlite(back), move);
    return shared;
  }, /the store is being moved, or was/);
});

/** @param moveAway Moves the store, and gives it as it is then. @param words Those that refuse a write. */
async function refusesMoved(store: Store, moveAway: () => Promise<Store>, words: RegExp): Promise<void> {
  await accept(store, newEvent("1"));
  const { epoch } = (await store.lanes.own(["a"], "an owner")).get("a")!;
  const { seq } = (await store.stored({}, { limit: 1 })).events[0]!;
  const moved = await moveAway();
  const writes = [
    () => moved.serve(),
    () => moved.pause("a", 0),
    () => moved.resume("a"),
    () => moved.redeliver([{ seq, deliveries: [{ target: "a" }] }], 0),
    () => moved.lanes.own(["a"], "another owner"),
    () => moved.lanes.await(epoch, []),
    () => moved.upkeep.expire(0, { delivered: 0, dead: 0 }, 10),
    () => accept(moved, newEvent("2")),
  ];
  for (const write of writes) await assert.rejects(write(), words, `${write}`);
  assert.equal((await moved.events({}, { limit: 10 })).events.length, 1);
  await moved.close();
}

test("what comes in after a move is observed, and nothing of before anew", async () => {
  const [file, url, back] = [newFile(), newUrl(), newFile()];
  const before = openSqlite(file, systemClock);
  await accept(before, newEvent("1"), newEvent("2"), newEvent("3"));
  while (await before.upkeep.observe());
  await before.close();
  await between(sqlite(file), postgres(url), move);

  const { schema } = parsePostgresUrl(url);
  const shared = openPostgres(url, systemClock);
  await accept(shared, newEvent("4"));
  await shared.upkeep.observe();
  const [{ seq }] = await server.query<{ seq: string }>(`SELECT seq FROM "${schema}".observed`) as [{ seq: string }];
  assert.equal(Number(seq), 3, "it was all observed before");
  await shared.upkeep.observe();
  await server.query(`DELETE FROM "${schema}".deliveries; DELETE FROM "${schema}".events`); // as retention does
  await shared.close();
  await between(postgres(url), sqlite(back), move);

  const after = openSqlite(back, systemClock);
  await accept(after, newEvent("5"));
  await after.upkeep.observe();
  await after.close();
  const db = new DatabaseSync(back);
  const observed = db.prepare("SELECT o.seq AS observed, max(e.seq) AS newest FROM observed o, events e").get();
  db.close();
  assert.deepEqual({ ...observed }, { observed: 1, newest: 1 });
});

test("moveStore() refuses a source that is served, and a destination that is", async () => {
  const [file, url] = [newFile(), newUrl()];
  const store = openSqlite(file, systemClock);
  await store.serve();
  await assert.rejects(between(sqlite(file), postgres(url), move), /another relay serves it/);
  await assert.rejects(between(postgres(url), sqlite(file), move), /another relay serves it/);
  await store.close();

  // As a relay does: it holds the lock of its own number.
  const connections = new Connections(parsePostgresUrl(url));
  await connections.transaction(async ({ query }) => {
    await query("SELECT pg_advisory_xact_lock(oid::int, 1) FROM pg_namespace WHERE nspname = $1", [
      connections.url.schema,
    ]);
    const words = /: another relay serves it/;
    await assert.rejects(between(sqlite(file), postgres(url), move), words);
    await assert.rejects(between(postgres(url), sqlite(newFile()), move), words);
    await serve(file); // it is marked no more
  });
  await connections.end();
  await between(sqlite(file), postgres(url), move);
});

test("moveStore() refuses a destination that holds anything, or is of another move, and a second move at once", async () => {
  const [file, other, url] = [newFile(), newFile(), newUrl()];
  for (const path of [file, other]) {
    const side = sqlite(path);
    await fill(side, 9);
    await side.close();
  }
  await assert.rejects(between(sqlite(file), sqlite(other), move), /the destination is not empty/);

  const failing = (from: TransferSide, to: TransferSide) =>
    moveStore(from, to, {
      limits: SMALL,
      onProgress: ({ table }) => {
        if (table === "attempts") throw new Error("ended");
      },
    });
  await assert.rejects(between(sqlite(file), postgres(url), failing), /ended/);
  await assert.rejects(between(sqlite(other), postgres(url), move), /the destination belongs to a move from /);
  await assert.rejects(between(sqlite(file), postgres(newUrl()), move), /it is being moved to postgres/);
  await assert.rejects(between(postgres(url), sqlite(newFile()), move), /its move from .* is not finished/);

  await between(postgres(url), sqlite(newFile()), async (held) => {
    await held.hold();
    await assert.rejects(between(sqlite(file), postgres(url), move), /another move is in progress/);
  });

  await between(sqlite(file), sqlite(newFile()), async (from) => {
    assert.match((await cancelMove(from))!, /^postgres:/);
    assert.equal(await cancelMove(from), undefined);
  });
  await serve(file);
  await assert.rejects(between(sqlite(file), postgres(url), move), /the destination belongs to a move/);
  const next = newUrl();
  await between(sqlite(file), postgres(next), move);
  await assert.rejects(between(sqlite(file), postgres(newUrl()), move), /it was moved to postgres/);
  await assert.rejects(between(sqlite(file), postgres(next), cancelMove), /Cannot cancel/);
});

test("moveStore() says nothing of being done where both sides differ", async () => {
  const [file, url] = [newFile(), newUrl()];
  const side = sqlite(file);
  await fill(side, 9);
  await side.close();
  const { schema } = parsePostgresUrl(url);
  const changing = (from: TransferSide, to: TransferSide) =>
    moveStore(
      from,
      new Proxy(to, {
        get(_, name) {
          const value = Reflect.get(to, name) as unknown;
          if (name !== "insert") return typeof value === "function" ? value.bind(to) : value;
          return async (...args: Parameters<TransferSide["insert"]>) => {
            await to.insert(...args);
            if (args[0].name === "attempts") {
              await server.query(`UPDATE "${schema}".deliveries SET due_at = 1 WHERE event = 2`);
            }
          };
        },
      }),
      { limits: SMALL },
    );
  await assert.rejects(
    between(sqlite(file), postgres(url), changing),
    /its deliveries \(9\) differ from those of .* \(9\)/,
  );
  await assert.rejects(serve(file), /it is being moved/);
});

test("previewMove() says what would be carried, and changes nothing", async () => {
  const [file, url] = [newFile(), newUrl()];
  const side = sqlite(file);
  await fill(side, 9);
  await side.close();
  await between(sqlite(file), postgres(url), async (from, to) => {
    assert.equal((await previewMove(from, to)).events, 9);
    assert.deepEqual([await from.mark(), await to.mark(), await to.count(tables[0]!)], [undefined, undefined, 0]);
  });
  await between(sqlite(file), sqlite(newFile()), async (from) => {
    assert.equal((await previewMove(from, undefined)).deliveries, 9);
  });
});

test("a PostgreSQL side does nothing more once the session has ended by which it is held", async () => {
  const side = await postgres(newUrl());
  try {
    await side.hold();
    assert.equal(await side.count(tables[0]!), 0);
    await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'");
    await assert.rejects(side.count(tables[0]!), /Cannot read the store/);
    await assert.rejects(side.finish(0), /Cannot finish the move/);
  } finally {
    await side.close();
  }
});

test("openPostgresTransfer() makes no schema for a source", async () => {
  const url = parsePostgresUrl(newUrl());
  await assert.rejects(openPostgresTransfer(url, false), /Cannot read the store .*: it does not exist yet/);
  const rows = await server.query("SELECT FROM pg_namespace WHERE nspname = $1", [url.schema]);
  assert.equal(rows.length, 0);
});

test("tables names every column of both back ends, but for what stays behind", async () => {
  const file = newFile();
  sqlite(file).close();
  const url = newUrl();
  (await postgres(url)).close();
  const behind = [
    "changes",
    "crashes",
    "members",
    "meta",
    "moves",
    "observed",
    "runs",
    "takeovers",
    "lanes.number",
    "lanes.member",
    "types.seq", // every event that is observed later has a later one than 0
  ];
  const db = new DatabaseSync(file);
  const inFile = db.prepare(
    `SELECT m.name AS "table", c.name AS "column" FROM sqlite_schema m, pragma_table_info(m.name) c
    WHERE m.type = 'table'`,
  ).all();
  db.close();
  const { schema } = parsePostgresUrl(url);
  const inDatabase = await server.query(
    `SELECT table_name AS "table", column_name AS "column" FROM information_schema.columns WHERE table_schema = $1`,
    [schema],
  );
  const named = tables.flatMap(({ name, columns }) => Object.keys(columns).map((column) => `${name}.${column}`));
  for (const rows of [inFile, inDatabase] as Record<string, unknown>[][]) {
    const there = rows.map(({ table, column }) => `${table}.${column}`);
    const carried = there.filter((one) => !behind.includes(one) && !behind.includes(one.split(".")[0]!));
    assert.deepEqual(carried.sort(), [...named].sort());
  }
});
