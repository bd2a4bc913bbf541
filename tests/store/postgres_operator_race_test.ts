/** Verbs and duties that run while an owner of lanes records: none of them waits for another that waits for it. */

import assert from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import type { Store } from "../../lib/store/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { testInPostgres as testIn } from "./postgres_bench.ts";
import { accept, dueIn, newEvent, record, recordOf, takeOver } from "./samples.ts";

const EVENTS = 60;
const ROUNDS = 40;
const lanes = ["a", "b", "relay::notes"];
const states = ["pending", "delivered", "dead", "dead"] as const;

testIn("verbs and duties beside records never lock each other out", async ({ store, url, sql }) => {
  const { random } = new HandClock(0, 7);
  const pick = (count: number) => Math.floor(random() * count);
  const some = () => Array.from({ length: 20 }, () => ({ event: 1 + pick(EVENTS), number: 1 + pick(3) }));
  const awaits = { lane: "relay::notes" };
  const deliveries = [{ target: "b" }, { target: "a", awaits }, { target: "b", orderKey: "rex" }, { target: "a" }];
  const now = Date.now();
  await accept(
    store,
    ...Array.from(
      { length: EVENTS },
      (_, key) => newEvent(`${key}`, [], { deliveries: deliveries.slice(key % 2), receivedAt: now - 9_000 }),
    ),
  );
  for (const lane of lanes) await takeOver(store, lane);
  const deadlocks = async () => {
    const [row] = await sql<{ count: string }>(
      "SELECT deadlocks AS count FROM pg_stat_database WHERE datname = current_database()",
    );
    return Number(row!.count);
  };
  const before = await deadlocks();

  const own = async () => {
    const due = (await Promise.all(lanes.map((lane) => dueIn(store, lane, [], 30)))).flatMap((one) => one.due);
    const hold = { openUntil: Date.now() + 60_000 };
    await record(store, due.map((one) => recordOf(one, states[pick(4)]!, { startedAt: Date.now() })), hold);
  };
  const verbs = (on: Store) => [
    () => on.retry(some(), Date.now()),
    () => {
      const first = 1 + pick(EVENTS - 3);
      return on.redeliver([2, 0, 1].map((one) => ({ seq: first + one, deliveries })), Date.now());
    },
    () => on.pause(lanes[pick(2)]!, Date.now()),
    () => on.resume(lanes[pick(2)]!),
    () => on.send(newEvent(`sent ${pick(1e9)}`, ["b", "a"])),
    () => on.upkeep.expire(pick(EVENTS), { delivered: Date.now(), dead: now }, 10),
    () => on.upkeep.observe(),
  ];
  const others = [1, 2].map(() => openPostgres(url, systemClock));
  const work = async (acts: (() => Promise<unknown>)[]) => {
    for (let round = 0; round < ROUNDS; round++) await acts[pick(acts.length)]!();
  };
  try {
    await Promise.all([work([own]), ...[store, ...others].map((on) => work(verbs(on)))]);
  } finally {
    for (const one of others) await one.close();
    await store.close();
  }
  assert.equal(await deadlocks() - before, 0);
  const wrong = await sql(`SELECT d.* FROM relay.deliveries d LEFT JOIN relay.events e ON e.seq = d.event
    WHERE e.seq IS NULL OR (d.awaits IS NOT NULL AND NOT EXISTS
      (SELECT 1 FROM relay.deliveries a WHERE a.event = d.event AND a.number = d.awaits AND a.is_awaited))`);
  assert.deepEqual(wrong, []);
});
