/** The schema of a PostgreSQL store as versions of the relay come and go beside each other. */

import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { StoreError } from "../../lib/errors.ts";
import { Connections } from "../../lib/store/postgres/connections.ts";
import { type Migration, migrations } from "../../lib/store/postgres/migrations.ts";
import { prepareSchema, removeOld, SCHEMA_VERSION, schemaSql } from "../../lib/store/postgres/schema.ts";
import { inSchema } from "../../lib/store/postgres/sql_text.ts";
import { parsePostgresUrl } from "../../lib/store/postgres/url.ts";
import type { Database } from "../helpers/postgres/database.ts";
import { sharedPostgres } from "../helpers/postgres/shared.ts";

/** What later versions of the relay may do: the second makes a column, the third needs an older one no more. */
const second: Migration = { add: ["ALTER TABLE relay.notes ADD COLUMN extra TEXT"] };
const third: Migration = {
  add: ["ALTER TABLE relay.notes ADD COLUMN more TEXT"],
  remove: "ALTER TABLE relay.notes DROP COLUMN problem",
};
const later = [...migrations, second];
const latest = [...later, third];

interface Bench {
  connections: Connections;
  schema: string;
  /** Runs a statement in the schema. */
  sql: Database["query"];
  /** Columns of the notes that not every version has. */
  columns(): Promise<string[]>;
}

function testIn(name: string, work: (bench: Bench) => Promise<void>): void {
  test(name, async () => {
    const server = await sharedPostgres();
    const url = parsePostgresUrl(server.url({ freshSchema: true }));
    const connections = new Connections(url);
    const sql: Database["query"] = (text) => server.query(inSchema(text, connections.schema));
    const columns = async () =>
      (await sql<{ name: string }>(`SELECT attname AS name FROM pg_attribute WHERE attrelid = 'relay.notes'::regclass
        AND attname IN ('problem', 'extra', 'more') ORDER BY attnum`)).map(({ name }) => name);
    try {
      await work({ connections, schema: url.schema, sql, columns });
    } finally {
      await connections.end();
      await server.query(`DROP SCHEMA IF EXISTS "${url.schema}" CASCADE`);
    }
  });
}

testIn("prepareSchema() of a newer relay adds what is new, and an older one goes on beside it", async (bench) => {
  const { connections, columns } = bench;
  await prepareSchema(connections);
  assert.deepEqual(await columns(), ["problem"]);
  await Promise.all([
    prepareSchema(connections, latest),
    prepareSchema(connections, later),
    prepareSchema(connections),
  ]);
  assert.deepEqual(await columns(), ["problem", "extra", "more"]);
  await prepareSchema(connections);
  assert.deepEqual(await columns(), ["problem", "extra", "more"], "it takes nothing away");
});

testIn("prepareSchema() does all of an upgrade or nothing", async ({ connections, columns }) => {
  await prepareSchema(connections);
  await assert.rejects(prepareSchema(connections, [...later, { add: ["SELECT nonsense"] }]), /nonsense/);
  assert.deepEqual(await columns(), ["problem"]);
  await prepareSchema(connections, later);
  assert.deepEqual(await columns(), ["problem", "extra"]);
});

testIn("prepareSchema() takes a schema for another program's that has tables and no version", async (bench) => {
  const { connections, schema, sql } = bench;
  await sql(`CREATE SCHEMA "${schema}"; CREATE TABLE relay.customers (id INT)`);
  await assert.rejects(prepareSchema(connections), (error: unknown) => {
    assert.ok(error instanceof StoreError);
    assert.match(error.message, new RegExp(`the schema ${schema} holds tables of another program`));
    return true;
  });
});

testIn(
  "removeOld() takes away what no relay needs once none is there that does, and older ones refuse then",
  async (bench) => {
    const { connections, schema, sql, columns } = bench;
    await prepareSchema(connections, latest);
    const { version } = (await sql<{ version: number }>("SELECT version FROM relay.meta"))[0]!;
    assert.equal(version, latest.length);
    // A relay is there as long as its session holds the lock of its number; another one knows less, and is not there.
    await sql(
      "INSERT INTO relay.members (name, number, knows) VALUES ('old', 7001, 1), ('gone', 7002, 1), ('new', 7003, 3)",
    );
    const server = await sharedPostgres();
    const session = new pg.Client({ connectionString: server.url().split("?")[0] });
    await session.connect();
    const oid = `(SELECT oid::int8::int4 FROM pg_namespace WHERE nspname = '${schema}')`;
    await session.query(`SELECT pg_try_advisory_lock(${oid}, 7001), pg_try_advisory_lock(${oid}, 7003)`);
    assert.equal(await removeOld(connections, later), false, "there is nothing to take away");
    assert.equal(await removeOld(connections, latest), false);
    await prepareSchema(connections);
    await session.query(`SELECT pg_advisory_unlock(${oid}, 7001)`);
    assert.equal(await removeOld(connections, latest), true);
    assert.deepEqual(await columns(), ["extra", "more"]);
    assert.equal(await removeOld(connections, latest), false, "once");
    await session.end();
    await prepareSchema(connections, latest);
    await assert.rejects(prepareSchema(connections, later), /by a newer relay .*needs a relay that knows 3.*up to 2/);
  },
);

testIn(
  "schemaSql() is all that a store needs, for an administrator to run",
  async ({ connections, schema, sql, columns }) => {
    await sql(schemaSql(schema));
    await prepareSchema(connections);
    assert.deepEqual(await columns(), ["problem"]);
    assert.equal(schemaSql(schema, 'o\'dd "user"', SCHEMA_VERSION).includes("CREATE"), false);
    assert.match(schemaSql("a b", 'o"dd'), /CREATE SCHEMA IF NOT EXISTS "a b";[^]*TO "o""dd";/);
  },
);
