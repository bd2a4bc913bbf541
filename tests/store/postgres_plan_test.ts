/** How the PostgreSQL store finds what it reads and writes: by indexes, whatever the planner knows of its tables. */

// Runs on Deno alone: the plans are the server's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { sharedPostgres } from "../helpers/postgres/shared.ts";
import { longSteps, makeObserver, OBSERVER, type Ran, watched } from "./postgres_plans.ts";
import { accept, dueIn, epochOf, newEvent, record, recordOf, T0, takeOver } from "./samples.ts";

const MANY = 1_000_000;
const NOW = T0 + 86_400_000;
const SCHEMA = "relay_plans";

/** Pages of what is looked at have so many rows at most; a few rows are read and written, each by a few blocks. */
const bounds = { rows: 2_000, blocks: 3_500 };

/** Events, of which most are delivered, and some are due, will be due, are parked, or are dead. */
const FILL = `
  INSERT INTO events (seq, id, source, type, received_at, secret_index, headers, body)
  SELECT n, lpad(to_hex(n), 32, '0')::uuid, 'clinic', 'note.failed', ${T0} + n, 0, '{}', '{"event":"note.failed"}'
  FROM generate_series(1, ${MANY}) n;
  INSERT INTO deliveries (event, number, target, state, attempts, due_at, due_set_at, order_key)
  SELECT n, 1, CASE WHEN n % 10 = 0 THEN 'b' ELSE 'a' END,
    CASE WHEN n <= 900000 THEN 'delivered' WHEN n <= 920000 THEN 'dead' ELSE 'pending' END,
    CASE WHEN n <= 920000 THEN 1 ELSE 0 END,
    CASE WHEN n > 980000 THEN ${NOW} + n WHEN n > 960000 THEN NULL WHEN n > 920000 THEN ${T0} + n END,
    CASE WHEN n > 980000 THEN ${T0} + n END,
    CASE WHEN n > 960000 AND n <= 980000 THEN 'key ' || n % 100 WHEN n % 3 = 0 THEN 'key ' || n % 1000 END
  FROM generate_series(1, ${MANY}) n;
  INSERT INTO attempts (event, number, attempt, epoch, started_at, duration_ms, outcome)
  SELECT n, 1, 1, 1, ${T0} + n, 25, 'delivered' FROM generate_series(1, 920000) n;
  INSERT INTO notes (event, at, data) SELECT n, ${T0}, '{}' FROM generate_series(1, 100000) n;
  SELECT setval('events_seq', ${MANY})`;

const tables = ["events", "deliveries", "attempts", "notes"];

/** All that an owner of lanes asks of a store. @param key Tells events of one call from those of others. */
async function work(store: Store, key: string): Promise<void> {
  await takeOver(store);
  const epoch = await epochOf(store, "a");
  const awaits = { lane: "relay::notes", patienceMs: 5 };
  await accept(
    store,
    ...["1", "2", "3"].map((one) => newEvent(key + one, ["a:rex", "b"])),
    newEvent(`${key} awaits`, [], { deliveries: [{ target: "b", awaits }] }),
    newEvent(`${key} free`),
  );
  await accept(store, newEvent(`${key}1`), newEvent(`${key}4`));
  const { due } = await dueIn(store, "a", [], 20);
  const { due: more } = await dueIn(store, "a", due.map(({ ref }) => ref), 5);
  await store.lanes.due(["a", "b", "c"].map((lane) => ({ lane, limit: 3, known: [], from: NOW - 1 })));
  const read = [...due, ...more];
  const keyed = read.filter(({ orderKey }) => orderKey !== undefined).slice(0, 6);
  const free = read.filter(({ orderKey }) => orderKey === undefined).slice(0, 6);
  await store.lanes.park(epoch, keyed.map(({ orderKey }) => orderKey!));
  const states = ["delivered", "dead", "pending"] as const;
  const records = [...keyed, ...free].map((one, index) => recordOf(one, states[index % 3]!, { wasBegun: index === 0 }));
  await store.lanes.begin(epoch, records.map(({ ref }) => ref), records[0]!.ref);
  await store.lanes.survived(epoch, records[0]!.ref);
  await store.write({ accepts: [], lanes: [{ epoch, hold: {}, startsKeptMs: 60_000, records }] });
  await record(store, records); // known
  await record(store, records.slice(0, 3).map((one) => ({ ...one, startedAt: one.startedAt + 1 }))); // history
  await store.lanes.unpark(epoch);
  const last = more.at(-1)!;
  await store.lanes.await(epoch, [{ ref: last.ref, revision: last.revision, awaits }]);
  const { due: notes } = await dueIn(store, "relay::notes");
  await record(store, notes.map((one) => recordOf(one, "delivered")));
  await store.lanes.forgetBegun(epoch, records[0]!.ref);
  await store.lanes.countCrash(["a"]);
  await store.lanes.forgetUnderway(["a"]);
  await store.lanes.bringForward();
  await store.lanes.hold([{ epoch, hold: { openUntil: NOW } }]);
  await store.lanes.holds();
  await store.lanes.waiting();
  await store.lanes.changes();
  await store.lanes.giveUp([await epochOf(store, "b")]);
}

function check(ran: readonly Ran[], what: string): void {
  assert.ok(ran.length > 60, `${ran.length} statements`);
  const long = ran.flatMap((one) => longSteps(one, bounds).map((step) => `${what}: ${step}\n${one.text}`));
  assert.deepEqual([...new Set(long)], []);
}

test("what an owner reads and writes is found by indexes among a million rows, whatever the statistics say", async () => {
  const server = await sharedPostgres();
  await makeObserver();
  const clock = new HandClock(NOW);
  const url = server.url({ user: OBSERVER, schema: SCHEMA });
  const open = () => openPostgres(url, systemClock, { time: clock });
  const inSchema = (sql: string) => server.query(`SET search_path = "${SCHEMA}"; ${sql}`);
  await server.query(`DROP SCHEMA IF EXISTS "${SCHEMA}" CASCADE`);
  const stores = [open()];
  try {
    // Its session makes its plans while there is nothing yet.
    await work(stores[0]!, "early").catch(() => {});
    await inSchema(tables.map((one) => `ALTER TABLE ${one} SET UNLOGGED, SET (autovacuum_enabled = off)`).join(";"));
    await work(stores[0]!, "empty").catch(() => {});
    await inSchema(tables.map((one) => `DELETE FROM ${one}`).join(";"));
    await inSchema(FILL);
    check(await watched(() => work(stores[0]!, "filled")), "by plans made for empty tables");
    await (stores[1] = open()).serve();
    check(await watched(() => work(stores[1]!, "unknown")), "without statistics");
    await inSchema("ANALYZE");
    await (stores[2] = open()).serve();
    check(await watched(() => work(stores[2]!, "known")), "with statistics");
  } finally {
    for (const store of stores) await store.close();
    await server.query(`DROP SCHEMA IF EXISTS "${SCHEMA}" CASCADE`);
  }
});
