/** Observing what came in where several relays accept at a time, so that an earlier sequence may be committed later. */

import assert from "node:assert/strict";
import type { Store } from "../../lib/store/mod.ts";
import { whileHeld } from "../helpers/postgres/holder.ts";
import { type PostgresBench, testInPostgres as testIn } from "./postgres_bench.ts";
import { accept, newEvent, observe, T0 } from "./samples.ts";

const HOUR = 3_600_000;

/** Accepts an event within a transaction that stays open meanwhile, so that its sequence is there, and the event is not. */
async function withLate(
  { url, sql }: PostgresBench,
  receivedAt: number,
  work: (commit: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const insert = `INSERT INTO relay.events (seq, id, source, type, received_at, secret_index, headers, body)
    SELECT nextval('relay.events_seq'), gen_random_uuid(), 's', 'late', ${receivedAt}, 0, '{}', ''`;
  await whileHeld(url, insert, async ({ commit }) => await work(commit));
  assert.equal((await sql("SELECT 1 FROM relay.events WHERE type = 'late'")).length, 1);
}

const lastOf = async (store: Store) => Object.fromEntries(await store.alarms.lastReceived());

const at = (key: string, ms: number, type = "x") => newEvent(key, [], { receivedAt: T0 + ms, type });

testIn(
  "observe() finds an event that is committed behind later ones, and takes these into account at once",
  async (bench) => {
    const { store } = bench;
    await withLate(bench, T0 + 10 * HOUR, async (commit) => {
      await accept(store, at("1", 0));
      await observe(store);
      await accept(store, at("2", 5));
      await observe(store);
      assert.deepEqual(await lastOf(store), { x: T0 + 5 });
      await commit();
    });
    await observe(store);
    await observe(store);
    assert.deepEqual(await lastOf(store), { late: T0 + 10 * HOUR, x: T0 + 5 });
    const since = async (ms: number) =>
      (await store.stored({ since: T0 + ms }, { limit: 9 })).events.map(({ event }) => event.type);
    assert.deepEqual(await since(HOUR), ["late"], "the clock was set back behind it");
    assert.deepEqual(await since(1), ["late", "x"]);
  },
);

testIn(
  "observe() goes on through many events while a transaction is open, and looks again behind it",
  async (bench) => {
    const { store, sql } = bench;
    await withLate(bench, T0, async (commit) => {
      const count = 3_500;
      await accept(store, ...Array.from({ length: count }, (_, index) => at(`${index}`, index * 100)));
      await accept(store, at("newest", count * 100, "y"));
      assert.ok(await observe(store) > 3);
      assert.deepEqual(await lastOf(store), { x: T0 + (count - 1) * 100, y: T0 + count * 100 });
      await accept(store, at("newer", count * 100 + 1, "y"));
      assert.equal(await observe(store), 1);
      await commit();
    });
    for (let calls = 0; (await lastOf(store)).late === undefined; calls++) {
      assert.ok(calls < 10);
      await store.upkeep.observe();
      assert.equal((await lastOf(store)).x, T0 + 349_900, "what was seen before makes nothing older");
    }
    const place = () => sql<{ seq: string; seen: string }>("SELECT *, xmin::text FROM relay.observed");
    for (let calls = 0; (await place())[0]!.seq !== (await place())[0]!.seen; calls++) {
      assert.ok(calls < 10);
      await store.upkeep.observe();
    }
    const was = await place();
    await store.upkeep.observe();
    await store.upkeep.observe();
    assert.deepEqual(await place(), was, "nothing is written where nothing came in");
  },
);

testIn("observe() by several relays at a time misses nothing", async (bench) => {
  const { store } = bench;
  await accept(store, ...Array.from({ length: 2_500 }, (_, index) => at(`${index}`, index)));
  await Promise.all([observe(store), observe(store), observe(store)]);
  await observe(store);
  assert.deepEqual(await lastOf(store), { x: T0 + 2_499 });
});
