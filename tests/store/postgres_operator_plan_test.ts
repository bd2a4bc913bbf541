/** How the PostgreSQL store finds what operators and duties ask for: by indexes, whatever the planner knows of its tables. */

// Runs on Deno alone: the plans are the server's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { parseId } from "../../lib/id.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { systemEvent } from "../../lib/system_event.ts";
import { HandClock } from "../helpers/clock.ts";
import { sharedPostgres } from "../helpers/postgres/shared.ts";
import { longSteps, makeObserver, OBSERVER, type Ran, watched } from "./postgres_plans.ts";
import { before, newEvent, T0 } from "./samples.ts";

const MANY = 300_000;
const SCHEMA = "relay_operator_plans";

/** Most are delivered; of the first third nothing is dead, of the last 5,000 deliveries each waits. One event awaits a note. */
const FILL = `
  INSERT INTO events (seq, id, source, type, received_at, secret_index, headers, body)
  SELECT n, (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid, 'clinic',
    CASE WHEN n % 1000 = 0 THEN 'rare' ELSE 'note.failed' END, ${T0} + n, 0, '{}', '{"data":{"note_id":"n"}}'
  FROM generate_series(1, ${MANY}) n;
  INSERT INTO deliveries (event, number, target, state, attempts, due_at, reason, is_awaited)
  SELECT n, i, CASE WHEN i = 3 THEN 'relay::notes' WHEN n % 7 = 0 THEN 'b' ELSE 'a' END,
    CASE WHEN n > ${MANY - 5_000} THEN 'pending' WHEN n % 200 = 0 AND n > ${MANY / 3} THEN 'dead' ELSE 'delivered' END,
    1, CASE WHEN n > ${MANY - 5_000} THEN ${T0} + n END, CASE WHEN n % 200 = 0 THEN 'refused' END, i = 3
  FROM generate_series(1, ${MANY}) n, generate_series(1, 3) i WHERE i = 1 OR (i = 2 AND n % 3 = 0) OR n = ${MANY - 7};
  INSERT INTO attempts (event, number, attempt, epoch, started_at, duration_ms, outcome)
  SELECT event, number, 1, 1, ${T0} + event, 25, 'delivered' FROM deliveries WHERE state <> 'pending';
  INSERT INTO notes (event, at, data) SELECT n, ${T0}, '{}' FROM generate_series(1, ${MANY}, 10) n;
  INSERT INTO clock_steps VALUES (${MANY / 2}, ${T0 + MANY / 2});
  UPDATE observed SET seq = ${MANY - 3_000}, seen = ${MANY - 1_500}, mark = ${MANY - 1_500}, horizon = '0';
  SELECT setval('events_seq', ${MANY})`;

const tables = ["events", "deliveries", "attempts", "notes", "activity", "types", "clock_steps"];

const told = () => systemEvent("relay.alarm.begin", ["a"], { alarm: "dead", limit: 1, since: "" }, T0);

const page = { limit: 50 };

/** Looks for events, at many of them in each statement. */
async function search(store: Store): Promise<void> {
  await store.events({}, page);
  await store.events({ type: "rare" }, { limit: 5 });
  await store.events({ state: "dead", target: "a" }, page);
  await store.events({ state: "pending", type: "note.*" }, { ...page, before: MANY - 2_000 });
  await store.events({ state: "unrouted", text: '"n"', since: T0 + MANY / 3 }, page);
  await store.stored({ target: "b", state: "delivered", since: T0 + MANY / 2 }, { ...page, after: MANY - 20_000 });
}

/** All else that verbs, pages and duties ask of a store, but for what counts everything. @param at Of the events that are changed. */
async function work(store: Store, at: number): Promise<void> {
  const { events: [event] } = await store.stored({}, { limit: 1, after: MANY - 8 });
  assert.equal((await store.story(parseId(event!.event.id)!))!.deliveries.length, 2);
  const digits = event!.event.id.replaceAll("-", "");
  assert.deepEqual(
    (await store.find([digits.slice(0, 8), `${digits.slice(0, 13)}8${digits.slice(14, 20)}`], 10))
      .map(({ length }) => length),
    [1, 2],
  );
  const group = { target: "a", reason: "refused", since: T0 + MANY / 3 } as const;
  const dead = await store.dead(group, { ...page, after: { event: at, number: 1 } });
  assert.equal(dead.length, 50);
  assert.equal(await store.retry([...dead, { event: MANY - 7, number: 1 }], T0), 51);
  await store.redeliver(
    [{ seq: at, deliveries: [{ target: "a" }] }, { seq: at + 1, deliveries: [{ target: "c" }] }],
    T0,
  );
  await store.send(newEvent(`${at}`));
  await store.pause("b", T0);
  await store.resume("b");
  await store.totals(1_000);
  await store.activity(T0 + MANY - 10);

  await store.alarms.watch(["one"], T0);
  await store.alarms.turn("one", T0, told());
  await store.alarms.turn("one", undefined, told());
  assert.equal(await store.alarms.countDead(100), 100);
  await store.alarms.lastReceived();
  await store.upkeep.observe();
  await store.upkeep.observe();
  const { deleted, next } = await store.upkeep.expire(at / 10, before(at / 10 + 201), 200);
  assert.deepEqual([deleted, next], [200, at / 10 + 200]);
  await store.upkeep.retention();
  await store.upkeep.keepRetention(T0);
}

/** @param rows How many rows each step may look at. */
function check(ran: readonly Ran[], rows: number, blocks: number, what: string): void {
  assert.ok(ran.length > 3, `${ran.length} statements`);
  // What ends after a few rows of an index needs no condition.
  const long = new Map<string, string>();
  for (const one of ran) {
    for (const step of longSteps(one, { rows, blocks })) {
      if (!step.endsWith("looks through it")) long.set(`${what}: ${one.text}`, step);
    }
  }
  assert.deepEqual([...long], []);
}

/** Reads that count all that waits or is dead look at nothing else. */
async function count(store: Store): Promise<void> {
  await store.upkeep.backlog(["a", "b", "c"]);
  await store.targets();
  await store.deadGroups();
  await store.deadGroups({ target: "b", since: T0 + MANY / 3 });
}

test("what operators and duties ask for is found by indexes among many rows, whatever the statistics say", async () => {
  const server = await sharedPostgres();
  await makeObserver();
  const url = server.url({ user: OBSERVER, schema: SCHEMA });
  const open = () => openPostgres(url, systemClock, { time: new HandClock(T0 + 2 * MANY) });
  const inSchema = (sql: string) => server.query(`SET search_path = "${SCHEMA}"; ${sql}`);
  await server.query(`DROP SCHEMA IF EXISTS "${SCHEMA}" CASCADE`);
  const stores = [open()];
  try {
    await stores[0]!.serve();
    await inSchema(tables.map((one) => `ALTER TABLE ${one} SET (autovacuum_enabled = off)`).join(";"));
    // Its session makes its plans while there is nothing yet.
    for (let times = 0; times < 7; times++) {
      await search(stores[0]!);
      await work(stores[0]!, times).catch(() => {});
      await count(stores[0]!);
    }
    await inSchema(tables.map((one) => `DELETE FROM ${one}`).join(";"));
    await inSchema(FILL);
    stores.push(open(), open());
    const known = ["by plans made for empty tables", "without statistics", "with statistics"];
    for (const [index, what] of known.entries()) {
      if (index === 2) await inSchema("ANALYZE");
      const store = stores[index]!;
      check(await watched(() => search(store)), 6_000, Infinity, what);
      check(await watched(() => work(store, (index + 4) * 20_000)), 6_000, 24_000, what);
      check(await watched(() => count(store)), 12_000, 48_000, what);
    }
  } finally {
    for (const store of stores) await store.close();
    await server.query(`DROP SCHEMA IF EXISTS "${SCHEMA}" CASCADE`);
  }
});
