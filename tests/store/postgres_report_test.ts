/** What `relay check` says of a database. */

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import pg from "pg";
import { systemClock } from "../../lib/clock.ts";
import { reportOn } from "../../lib/store/postgres/report.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { SCHEMA_VERSION, schemaSql } from "../../lib/store/postgres/schema.ts";
import { parsePostgresUrl } from "../../lib/store/postgres/url.ts";
import { locales } from "../../lib/locale/mod.ts";
import { freePort } from "../helpers/port.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.close());

async function report(text: string, clock = systemClock, limitMs = 4_000) {
  const { warnings, ...rest } = await reportOn(parsePostgresUrl(text), clock, limitMs);
  for (const warning of warnings) assert.ok(warning(locales["pt-BR"].warnings, locales["pt-BR"]));
  return { ...rest, warnings: warnings.map((warning) => warning(locales.en.warnings, locales.en)) };
}

test("reportOn() says what the server is, whether the schema is there, and makes none", async () => {
  const url = server.url({ freshSchema: true });
  for (let times = 0; times < 2; times++) {
    const { server: name, schema, warnings } = await report(url);
    assert.match(name!, /^PostgreSQL \d\d\.\d+$/);
    assert.deepEqual([schema, warnings], [0, []]);
  }
  const store = openPostgres(url, systemClock);
  await store.serve();
  await store.close();
  assert.deepEqual((await report(url)).schema, SCHEMA_VERSION);
});

test("reportOn() tells of a user who may not make the schema, and of one who may not write", async () => {
  await server.query("CREATE ROLE poor LOGIN; CREATE ROLE reader LOGIN");
  await server.query("CREATE DATABASE poor");
  const none = await report(server.url({ user: "poor", database: "poor" }));
  assert.match(none.warnings.join("\n"), /^the schema relay does not exist, and the user poor may not create it/);

  await server.query(schemaSql("relay", "poor"), undefined, "poor");
  assert.deepEqual((await report(server.url({ user: "poor", database: "poor" }))).warnings, []);

  await server.query(
    "GRANT USAGE ON SCHEMA relay TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA relay TO reader",
    undefined,
    "poor",
  );
  const some = await report(server.url({ user: "reader", database: "poor" }));
  assert.match(some.warnings.join("\n"), /^the user reader may not read and write relay\.\w+;/);
});

test("reportOn() tells of answers before the disk, of too few connections, of another time, and of no writes", async () => {
  await server.query("CREATE ROLE hasty SUPERUSER LOGIN; ALTER ROLE hasty SET synchronous_commit = 'off'");
  const hasty = await report(server.url({ user: "hasty", freshSchema: true }));
  assert.match(hasty.warnings.join("\n"), /synchronous_commit = off/);
  await server.query("ALTER ROLE hasty SET synchronous_commit = 'remote_apply'");
  assert.deepEqual((await report(server.url({ user: "hasty", freshSchema: true }))).warnings, []);
  await server.query("ALTER ROLE hasty SET default_transaction_read_only = on");
  const read = await report(server.url({ user: "hasty", freshSchema: true }));
  assert.match(read.warnings.join("\n"), /^the server accepts no writes/);

  for (const [shift, words] of [[5_000, /5 s behind/], [-5_000, /5 s ahead of/]] as const) {
    const clock = { ...systemClock, now: () => Date.now() + shift };
    assert.match((await report(server.url({ freshSchema: true }), clock)).warnings.join("\n"), words);
  }
  const small = await startPostgres({ settings: { max_connections: "12" } });
  try {
    assert.match((await report(small.url())).warnings.join("\n"), /room for only 8 more connections of 12/);
    await small.query("CREATE ROLE poor LOGIN");
    const other = new pg.Client(small.url());
    await other.connect();
    const poor = await report(small.url({ user: "poor" }));
    await other.end();
    assert.match(poor.warnings.join("\n"), /room for only 7 more connections of 12/);
  } finally {
    await small.close();
  }
});

test("reportOn() tells of a server that cannot be reached, or does not answer, and names no password", async () => {
  const nobody = `postgres://relay:hunter2@127.0.0.1:${await freePort()}/x`;
  const refused = await report(nobody);
  assert.equal(refused.server, undefined);
  assert.match(
    refused.warnings.join("\n"),
    /^Cannot use the store in postgres:\/\/relay:\*\*\*@127.*ECONNREFUSED.*; start/,
  );

  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  await new Promise((resolve) => silent.once("listening", resolve));
  const { port } = silent.address() as { port: number };
  const late = await report(`postgres://relay:hunter2@127.0.0.1:${port}/x`, systemClock, 300);
  assert.match(late.warnings.join("\n"), /^postgres:\/\/relay:\*\*\*@.* did not answer within 0\.3 s$/);
  silent.close();

  const direct = await report(`${server.url()}?direct=127.0.0.1:${port - 1 || 1}`);
  assert.match(direct.warnings.join("\n"), /^Cannot use the server that `direct` names/);
});
