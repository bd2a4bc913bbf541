/** Two versions of the schema: relays of both go on beside each other, and what removes waits until the older ones are gone. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { StoreError } from "../../lib/errors.ts";
import { Connections } from "../../lib/store/postgres/connections.ts";
import { type Migration, migrations } from "../../lib/store/postgres/migrations.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { prepareSchema, removeOld } from "../../lib/store/postgres/schema.ts";
import { parsePostgresUrl } from "../../lib/store/postgres/url.ts";
import { sharedPostgres } from "../helpers/postgres/shared.ts";
import { until } from "../helpers/wait.ts";
import { accept, keysOf, newEvent, recordOf, takeOver, turnsIn } from "./samples.ts";

/** What a relay of the next version may bring: a column, a function of a new meaning, and what neither needs any more. */
const newer: readonly Migration[] = [...migrations, {
  add: [
    `ALTER TABLE relay.events ADD COLUMN sender TEXT NOT NULL DEFAULT 'unknown'`,
    `CREATE FUNCTION relay.waiting_2() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM relay.deliveries $$`,
  ],
  remove: "DROP FUNCTION relay.waiting()",
}];

test("relays of two schema versions work beside each other, and what removes waits for the older ones", async () => {
  const postgres = await sharedPostgres();
  const url = postgres.url({ freshSchema: true });
  const older = openPostgres(url, systemClock, { member: "older" });
  const connections = new Connections(parsePostgresUrl(url));
  try {
    await older.serve();
    await accept(older, newEvent("1"));
    await prepareSchema(connections, newer);
    await accept(older, newEvent("2"));
    const { epoch } = await takeOver(older);
    const due = await turnsIn(older);
    assert.deepEqual(keysOf(due), ["1", "2"]);
    const records = [recordOf(due[0]!, "delivered")];
    const { lanes } = await older.write({ accepts: [], lanes: [{ epoch, hold: {}, records }] });
    assert.equal(lanes[0]![0]!.fate, "recorded");

    const another = openPostgres(url, systemClock, { member: "another" });
    await another.serve();
    assert.deepEqual(await another.lanes.waiting(), ["a"], "an older relay can begin on the newer schema");
    await another.close();

    assert.equal(await removeOld(connections, newer), false, "an older relay is there");
    assert.deepEqual(await older.lanes.waiting(), ["a"]);
    await older.close();
    assert.equal(await removeOld(connections, newer), true);
    assert.equal(await removeOld(connections, newer), false, "once is enough");

    const late = openPostgres(url, systemClock);
    await assert.rejects(late.serve(), (error) => {
      assert.ok(error instanceof StoreError);
      assert.match(
        error.message,
        /by a newer relay \(schema 2, which needs a relay that knows 2; this relay knows up to 1\)/,
      );
      return true;
    });
    await late.close();
    await prepareSchema(connections, newer);
  } finally {
    await older.close();
    await connections.end();
  }
});

test("an upgrade that changes several tables gives way to whoever locks them the other way round", async () => {
  const postgres = await sharedPostgres();
  const url = parsePostgresUrl(postgres.url({ freshSchema: true }));
  const [one, other] = [new Connections(url), new Connections(url)];
  try {
    await prepareSchema(one);
    const add = ["events", "deliveries"].map((table) => `ALTER TABLE relay.${table} ADD COLUMN more INTEGER`);
    let upgrade: Promise<void> | undefined;
    await other.transaction(async ({ run }) => {
      await run("LOCK TABLE relay.deliveries IN ROW EXCLUSIVE MODE");
      upgrade = prepareSchema(one, [...migrations, { add }]);
      upgrade.catch(() => {});
      await until("the upgrade to wait", async () => {
        const waiting = await postgres.query("SELECT FROM pg_locks WHERE NOT granted AND relation = to_regclass($1)", [
          `${url.schema}.deliveries`,
        ]);
        return waiting.length > 0;
      });
      await run("LOCK TABLE relay.events IN ROW EXCLUSIVE MODE");
      await run("SELECT pg_sleep(1.5)"); // longer than the server waits before it looks for a deadlock
    });
    await upgrade;
    await one.query("SELECT d.more, e.more FROM relay.deliveries d, relay.events e");
  } finally {
    await Promise.all([one.end(), other.end()]);
  }
});
