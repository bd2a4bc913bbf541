/** Chains in the PostgreSQL store: receipts of their deliveries, and relays that own their lanes apart. */

import assert from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import type { Store } from "../../lib/store/mod.ts";
import { receiptTests } from "./chain_receipts.ts";
import { deadlocks, sessionsEnded, testInPostgres } from "./postgres_bench.ts";
import { accept, dueIn, newEvent, record, recordOf, T0, takeOver, turnIn } from "./samples.ts";

for (const [what, work] of Object.entries(receiptTests)) {
  testInPostgres(`relay.settle_chain() ${what}`, async ({ store, sql }) => {
    await work({
      store,
      receive: async (number, receipt) => {
        await sql(`DO $$
          DECLARE
            settled record;
          BEGIN
            PERFORM relay.lock_lanes(relay.chain_lanes('{1}', '{${number}}'));
            PERFORM relay.lock_chains('{1}', '{${number}}');
            UPDATE relay.deliveries SET receipt = '${receipt}' WHERE event = 1 AND number = ${number};
            SELECT s.* INTO settled FROM relay.deliveries d,
              LATERAL (SELECT * FROM relay.settle_chain(d.event, d.chain, relay.now_ms())) s
            WHERE d.event = 1 AND d.number = ${number};
            IF settled.outdated IS NOT NULL THEN
              PERFORM relay.raise_changes();
            END IF;
          END $$`);
      },
    });
  });
}

/** A chain of these targets. */
const chained = (key: string, ...targets: string[]) =>
  newEvent(key, [], {
    deliveries: targets.map((target, index) => ({
      target,
      chain: { chain: 0, step: index + 1, withinMs: 1, until: "delivered" as const, hasProof: false },
    })),
  });

const states = async (store: Store, key: string) =>
  (await store.story(newEvent(key).id))!.deliveries.map(({ state }) => state);

testInPostgres(
  "write() of two relays for steps of one chain leaves one of them, and locks nobody out",
  async ({ store, url, sql }) => {
    const other = openPostgres(url, systemClock, { member: "other" });
    const before = await deadlocks(sql);
    try {
      await takeOver(store, "a");
      await takeOver(other, "b");
      for (let round = 0; round < 30; round++) {
        const key = `${round}`;
        await accept(store, chained(key, "a", "b", "c"));
        const ref = { event: round + 1, number: 2 };
        await other.retry([ref], systemClock.now());
        const [one, two] = [await turnIn(store, "a"), await turnIn(other, "b")];
        const startedAt = T0 + round;
        const [[mine], [theirs]] = await Promise.all([
          record(store, [recordOf(one, "delivered", { startedAt })]),
          record(other, [recordOf(two, "delivered", { startedAt })]),
        ]);
        const fates = [mine!.fate, theirs!.fate];
        assert.deepEqual(fates.toSorted(), ["history", "recorded"]);
        const expected = fates[0] === "recorded" ? ["delivered", "skipped"] : ["skipped", "delivered"];
        assert.deepEqual(await states(store, key), [...expected, "skipped"]);
      }
      await other.close();
      await store.close();
      await sessionsEnded(sql);
      assert.equal(await deadlocks(sql) - before, 0);
    } finally {
      await other.close();
    }
  },
);

testInPostgres("write() tells other relays of a step that was skipped after it began", async ({ store, sql }) => {
  const changes = async () => Number((await sql<{ count: string }>("SELECT count FROM relay.changes"))[0]!.count);
  await accept(store, chained("1", "a", "b"), chained("2", "a", "b"));
  await takeOver(store, "a");
  const [one, two] = (await dueIn(store, "a")).due;
  const first = await changes();
  await record(store, [recordOf(one!, "delivered")]);
  assert.equal(await changes(), first, "nobody has read what was skipped");
  await store.retry([{ event: 2, number: 2 }], systemClock.now());
  const before = await changes();
  await record(store, [recordOf(two!, "delivered")]);
  assert.equal(await changes(), before + 1);
});
