/** How the SQLite store finds what it reads and writes: by indexes, however much there is besides. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { makeFolder } from "../helpers/folder.ts";
import {
  accept,
  dueIn,
  epochOf,
  keysOf,
  newEvent,
  record,
  recordOf,
  settle,
  T0,
  takeOver,
  turnIn,
  turnsIn,
} from "./samples.ts";

/** A store, its path, and the texts of the statements that it ran; a text comes as often as it was run. */
interface Bench {
  store: Store;
  path: string;
  ran: string[];
}

/** A test with a new store, which is opened a second time, so that nothing that made its tables counts. */
function testIn(name: string, work: (bench: Bench) => Promise<void>): void {
  test(name, async () => {
    const folder = makeFolder();
    const path = join(folder.path, "relay.db");
    await openSqlite(path, systemClock).close();
    const ran: string[] = [];
    const store = watched(ran, () => openSqlite(path, systemClock));
    try {
      await work({ store, path, ran });
    } finally {
      await store.close();
      folder.remove();
    }
  });
}

/** Adds each statement to `ran` as it is run that is prepared meanwhile. */
function watched<Result>(ran: string[], work: () => Result): Result {
  const { prepare } = DatabaseSync.prototype;
  DatabaseSync.prototype.prepare = function (sql) {
    const statement = prepare.call(this, sql);
    for (const name of ["get", "all", "run", "iterate"] as const) {
      const method = statement[name] as (...args: unknown[]) => unknown;
      Object.defineProperty(statement, name, {
        value: (...args: unknown[]) => {
          ran.push(sql);
          return method.apply(statement, args);
        },
      });
    }
    return statement;
  };
  try {
    return work();
  } finally {
    DatabaseSync.prototype.prepare = prepare;
  }
}

/** Steps of the plan of a statement. */
function planOf(path: string, sql: string): string[] {
  const db = new DatabaseSync(path);
  try {
    return db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map(({ detail }) => String(detail));
  } finally {
    db.close();
  }
}

/** Steps that take the longer the more there is in a table that grows without bound. */
const isLong = (step: string) =>
  /SCAN (events|deliveries|attempts|notes|activity|lane_starts|[den])\b|TEMP B-TREE/.test(step);

testIn("what an owner reads and writes is found by indexes, and nothing is sorted", async ({ store, path, ran }) => {
  await takeOver(store);
  ran.length = 0;
  await accept(
    store,
    ...["1", "2", "3"].map((key) => newEvent(key, ["a:rex"])),
    newEvent("4", [], { deliveries: [{ target: "b", awaits: { lane: "relay::notes", patienceMs: 5 } }] }),
  );
  const epoch = await epochOf(store, "a");
  await dueIn(store);
  await store.lanes.park(epoch, ["rex"]);
  await settle(store, "pending");
  await settle(store, "delivered");
  await record(store, [recordOf(await turnIn(store), "dead", { orderKey: undefined })]);
  assert.equal(await store.lanes.unpark(epoch), 1);
  const { ref, revision } = await turnIn(store);
  await store.lanes.await(epoch, [{ ref, revision, awaits: { lane: "relay::notes" } }]);
  await record(store, (await turnsIn(store, "relay::notes")).map((due) => recordOf(due, "delivered")));
  await store.lanes.begin(epoch, [ref]);
  await store.lanes.waiting();
  await store.lanes.bringForward();
  await store.lanes.changes();
  await store.upkeep.backlog(["a"]);

  const statements = [...new Set(ran)];
  assert.ok(statements.length > 20, `${statements.length}`);
  for (const sql of statements) {
    const plan = planOf(path, sql);
    assert.ok(!plan.some(isLong), `${sql}\n${plan.join("\n")}`);
  }
  const firstOf = (part: string) => planOf(path, statements.find((sql) => sql.includes(part)) ?? "")[0] ?? "";
  assert.match(
    firstOf("SELECT event, number FROM deliveries WHERE target = ? AND state = 'pending'"),
    /USING COVERING INDEX deliveries_pending \(target=\? AND due_at<\?\)/,
  );
  assert.match(
    firstOf("SELECT event, number FROM deliveries\n  WHERE target = :target AND order_key"),
    /deliveries_ordered \(target=\? AND order_key=\?\)/,
  );
  assert.match(firstOf("min(order_key)"), /deliveries_parked \(target=\? AND order_key>\?\)/);
});

testIn("no statement looks through a table that grows, unless it ends by itself", async ({ path }) => {
  const prepared: string[] = [];
  const { prepare } = DatabaseSync.prototype;
  DatabaseSync.prototype.prepare = function (sql) {
    prepared.push(sql);
    return prepare.call(this, sql);
  };
  try {
    await openSqlite(path, systemClock).close();
  } finally {
    DatabaseSync.prototype.prepare = prepare;
  }
  assert.ok(prepared.length > 100);
  const long = [...new Set(prepared)].filter((sql) =>
    !sql.startsWith("PRAGMA") && planOf(path, sql).some(isLong) && !/LIMIT/.test(sql)
  );
  assert.deepEqual(long, []);
});

/** Many deliveries of one order key, which stand behind the first of these. */
const MANY = 1_000_000;

/** Gives events as many deliveries to target `a`, all of one order key and all due. */
function addBlocked(path: string, count: number, dueAt: number | null): void {
  const db = new DatabaseSync(path);
  try {
    db.exec(`PRAGMA synchronous = OFF;
      WITH RECURSIVE numbers (n) AS (SELECT 9 UNION ALL SELECT n + 1 FROM numbers WHERE n <= ${count})
      INSERT INTO deliveries (event, number, target, state, due_at, order_key)
      SELECT 1, n, 'a', 'pending', ${dueAt}, 'rex' FROM numbers`);
  } finally {
    db.close();
  }
}

testIn("park() takes a blocked key out of the way of others, in pages", async ({ store, path, ran }) => {
  await accept(store, newEvent("1", ["a:rex"]));
  addBlocked(path, 20_000, T0);
  await accept(store, newEvent("other", ["a:fifi"]), newEvent("free"));
  const epoch = await epochOf(store, "a");
  assert.ok(!keysOf((await dueIn(store)).due).includes("free"), "a blocked key stands in front");
  let pages = 1;
  while (await store.lanes.park(epoch, ["rex"])) pages++;
  assert.ok(pages <= 20, `${pages} pages`);
  ran.length = 0;
  const { due, isAll } = await dueIn(store);
  assert.deepEqual([keysOf(due), isAll], [["1", "other", "free"], true]);
  assert.ok(ran.length < 10, `${ran.length} statements for three deliveries`);
});

testIn(
  "a million parked deliveries of one key make nothing slower that concerns others",
  async ({ store, path, ran }) => {
    await accept(store, newEvent("1", ["a:rex", "b:rex"]));
    const costOf = async (lane: string) => {
      const epoch = await epochOf(store, lane);
      await accept(store, ...Array.from({ length: 40 }, (_, at) => newEvent(`${lane} ${at}`, [`${lane}:fifi`])));
      const startedAt = performance.now();
      ran.length = 0;
      for (let round = 0; round < 40; round++) {
        const [, due] = await turnsIn(store, lane);
        assert.equal(keysOf([due!])[0], `${lane} ${round}`);
        await record(store, [recordOf(due!, "delivered")]);
        assert.equal(await store.lanes.unpark(epoch), 0);
        assert.deepEqual(await store.lanes.waiting(), ["a", "b"]);
      }
      return { ms: performance.now() - startedAt, statements: ran.length };
    };
    addBlocked(path, MANY, null);
    const [few, many] = [await costOf("b"), await costOf("a")];
    assert.ok(many.statements <= few.statements + 200, `${many.statements} statements, and ${few.statements} without`);
    assert.ok(many.ms < 10 * few.ms, `${many.ms} ms, and ${few.ms} ms without`);
  },
);
