/** Reads of a large SQLite store: they hold nobody up, and give what is there. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import type { Store } from "../../lib/store/mod.ts";
import type { EventFilter, EventPage } from "../../lib/store/operator.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { makeFolder } from "../helpers/folder.ts";
import { accept, newEvent, T0 } from "./samples.ts";

/** A test with a new store, and its path. */
function testIn(name: string, work: (store: Store, path: string) => Promise<void>): void {
  test(name, async () => {
    const folder = makeFolder();
    const path = join(folder.path, "relay.db");
    const store = openSqlite(path, systemClock);
    try {
      await work(store, path);
    } finally {
      await store.close();
      folder.remove();
    }
  });
}

/** What a read gives, and how often other work had its turn meanwhile. */
async function turnsDuring<Result>(read: () => Promise<Result>): Promise<{ result: Result; turns: number }> {
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  try {
    const result = await read();
    return { result, turns };
  } finally {
    isOver = true;
  }
}

/** Stores events with a body of about 1 MiB. */
async function fill(store: Store, count: number): Promise<void> {
  const text = "palavra ".repeat(125_000);
  for (let key = 0; key < count; key++) {
    const body = new TextEncoder().encode(JSON.stringify({ event: "note.failed", data: { note_id: `n${key}`, text } }));
    await accept(store, newEvent(`${key}`, ["a"], { body }));
  }
}

/** The notes of all events that are asked for: a page that takes too long ends before. */
async function notesOf(store: Store, filter: EventFilter): Promise<(string | null)[]> {
  const notes: (string | null)[] = [];
  let before: number | undefined;
  do {
    const page: EventPage = await store.events(filter, { limit: 60, before });
    notes.push(...page.events.map(({ noteId }) => noteId));
    before = page.next;
  } while (before !== undefined);
  return notes;
}

testIn("events() and stored() with large bodies let other work have its turn, and lose no event", async (store) => {
  await fill(store, 60);
  const none = await turnsDuring(() => notesOf(store, { text: "no such text" }));
  assert.deepEqual(none.result, []);
  assert.ok(none.turns > 3, `${none.turns} turns`);

  const all = await turnsDuring(() => notesOf(store, {}));
  assert.deepEqual(all.result, Array.from({ length: 60 }, (_, at) => `n${59 - at}`));
  assert.ok(all.turns > 3, `${all.turns} turns`);

  const sequences: number[] = [];
  const sizes: number[] = [];
  for (let after: number | undefined = 0; after !== undefined;) {
    const page: Awaited<ReturnType<Store["stored"]>> = await store.stored({}, { limit: 500, after });
    sequences.push(...page.events.map(({ seq }) => seq));
    sizes.push(page.events.reduce((sum, { event }) => sum + event.body.byteLength, 0));
    after = page.next;
  }
  assert.deepEqual(sequences, Array.from({ length: 60 }, (_, at) => at + 1));
  assert.ok(Math.max(...sizes) <= 2 * 1024 ** 2, `${Math.max(...sizes)} bytes in one page`);
});

testIn("events() ends where it is when nobody waits for it, and says where to go on", async (store) => {
  await fill(store, 40);
  const gone = new AbortController();
  setImmediate(() => gone.abort());
  const cut = await store.events({ text: "n0" }, { limit: 1, signal: gone.signal });
  assert.deepEqual(cut.events, []);
  assert.ok(cut.next !== undefined && cut.next > 1 && cut.next <= 40, `${cut.next}`);
  const rest = await store.events({ text: '"n0"' }, { limit: 1, before: cut.next });
  assert.deepEqual(rest.events.map(({ noteId }) => noteId), ["n0"]);
});

testIn("a short read is not held up by many searches", async (store) => {
  await fill(store, 20);
  let isSearchDone = false;
  const searches = Array.from(
    { length: 20 },
    () => store.events({ text: "no such text" }, { limit: 1 }).then(() => isSearchDone = true),
  );
  await store.events({}, { limit: 1 });
  assert.equal(isSearchDone, false);
  await Promise.all(searches);
});

/** How many events share the deliveries. */
const EVENTS = 400;

/** Stores events, and in a moment many more deliveries of theirs than a test could have accepted. */
async function addDeliveries(store: Store, path: string, count: number, state: "pending" | "dead"): Promise<void> {
  await accept(store, ...Array.from({ length: EVENTS }, (_, at) => newEvent(`${at}`, [], { receivedAt: T0 + at })));
  const db = new DatabaseSync(path);
  try {
    db.exec(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
      INSERT INTO deliveries (event, number, target, state, due_at, reason)
      SELECT 1 + n % ${EVENTS}, n, CASE n % 4 WHEN 0 THEN 'b' ELSE 'a' END, '${state}',
        CASE WHEN '${state}' = 'dead' OR n % 3 = 0 THEN NULL ELSE ${T0} + n / 1000 END,
        CASE n % 2 WHEN 0 THEN 'refused' ELSE 'timed_out' END
      FROM numbers`);
  } finally {
    db.close();
  }
}

const iso = (ms: number) => new Date(ms).toISOString();

testIn("targets() and backlog() count hundreds of thousands, and let other work have its turn", async (store, path) => {
  await addDeliveries(store, path, 400_000, "pending");
  const { result, turns } = await turnsDuring(() => store.upkeep.backlog(["a"]));
  assert.equal(result, 300_000);
  assert.ok(turns > 3, `${turns} turns`);
  assert.equal(await store.upkeep.backlog(["b", "c"]), 100_000);
  assert.deepEqual(
    (await store.targets()).map(({ name, pending, dead, oldestPendingAt }) => [name, pending, dead, oldestPendingAt]),
    [["a", 300_000, 0, iso(T0 + 1)], ["b", 100_000, 0, iso(T0)]],
  );
});

testIn("deadGroups() counts hundreds of thousands, and lets other work have its turn", async (store, path) => {
  await addDeliveries(store, path, 400_000, "dead");
  const { result, turns } = await turnsDuring(() => store.deadGroups({ since: T0 + 200 }));
  assert.deepEqual(
    result.map(({ target, reason, count, oldestAt, newestAt }) => [target, reason, count, oldestAt, newestAt]),
    [
      ["a", "refused", 50_000, iso(T0 + 202), iso(T0 + 398)],
      ["a", "timed_out", 100_000, iso(T0 + 201), iso(T0 + 399)],
      ["b", "refused", 50_000, iso(T0 + 200), iso(T0 + 396)],
    ],
  );
  assert.ok(turns > 3, `${turns} turns`);
  const { events, next } = await store.events({ state: "dead", target: "b" }, { limit: 1 });
  assert.deepEqual([events.map(({ receivedAt }) => receivedAt), next], [[iso(T0 + 396)], 397]);
});

testIn("events() gives what has dead letters of several kinds once each, the newest first", async (store, path) => {
  await addDeliveries(store, path, EVENTS, "dead");
  const placesOf = async (filter: EventFilter) => {
    const places: number[] = [];
    for (let before: number | undefined, isFirst = true; isFirst || before !== undefined; isFirst = false) {
      const page: EventPage = await store.events({ state: "dead", ...filter }, { limit: 60, before });
      places.push(...page.events.map(({ receivedAt }) => Date.parse(receivedAt) - T0));
      before = page.next;
    }
    return places;
  };
  const all = Array.from({ length: EVENTS }, (_, at) => EVENTS - 1 - at);
  assert.deepEqual(await placesOf({}), all);
  assert.deepEqual(await placesOf({ target: "b" }), all.filter((at) => at % 4 === 0));
  assert.deepEqual(await placesOf({ since: T0 + 250 }), all.filter((at) => at >= 250));
  assert.deepEqual(await placesOf({ type: "order.*" }), []);
});
