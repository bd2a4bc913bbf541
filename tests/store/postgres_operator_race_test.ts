/** Verbs and duties that run while an owner of lanes records: none of them waits for another that waits for it. */

import assert from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import type { Store } from "../../lib/store/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { deadlocks, sessionsEnded, testInPostgres as testIn } from "./postgres_bench.ts";
import { accept, dueIn, newEvent, record, recordOf, takeOver } from "./samples.ts";

const EVENTS = 60;
const ROUNDS = 40;
const lanes = ["a", "b", "c", "relay::notes"];
const states = ["pending", "delivered", "dead", "dead"] as const;

testIn("verbs and duties beside records never lock each other out", async ({ store, url, sql }) => {
  const { random } = new HandClock(0, 7);
  const pick = (count: number) => Math.floor(random() * count);
  const some = () => Array.from({ length: 20 }, () => ({ event: 1 + pick(EVENTS), number: 1 + pick(7) }));
  const awaits = { lane: "relay::notes" };
  const step = (step: number) => ({
    chain: { chain: 0, step, withinMs: 1, until: "delivered" as const, hasProof: false },
  });
  const deliveries = [
    { target: "b" },
    { target: "a", awaits },
    { target: "b", orderKey: "rex" },
    { target: "a" },
    { target: "a", ...step(1) },
    { target: "b", orderKey: "rex", ...step(2) },
    { target: "c", ...step(3) },
  ];
  const now = Date.now();
  await accept(
    store,
    ...Array.from(
      { length: EVENTS },
      (_, key) => newEvent(`${key}`, [], { deliveries: deliveries.slice(key % 2), receivedAt: now - 9_000 }),
    ),
  );
  for (const lane of lanes) await takeOver(store, lane);
  const before = await deadlocks(sql);

  const own = async () => {
    const due = (await Promise.all(lanes.map((lane) => dueIn(store, lane, [], 30)))).flatMap((one) => one.due);
    const hold = { openUntil: Date.now() + 60_000 };
    const begun = due.filter(({ isWaiting }) => !isWaiting);
    await record(store, begun.map((one) => recordOf(one, states[pick(4)]!, { startedAt: Date.now() })), hold);
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
    () => on.lanes.beginSteps(),
    () => on.lanes.beginSteps(some()),
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
  await sessionsEnded(sql);
  assert.equal(await deadlocks(sql) - before, 0);
  const wrong = await sql(`SELECT d.* FROM relay.deliveries d LEFT JOIN relay.events e ON e.seq = d.event
    WHERE e.seq IS NULL OR (d.awaits IS NOT NULL AND NOT EXISTS
      (SELECT 1 FROM relay.deliveries a WHERE a.event = d.event AND a.number = d.awaits
        AND (a.is_awaited OR (a.chain = d.chain AND a.step = d.step - 1))))`);
  assert.deepEqual(wrong, []);
});
