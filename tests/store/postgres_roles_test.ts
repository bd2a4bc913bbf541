/** A store of a user whose settings and rights are not those of the user who made the server. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { schemaSql } from "../../lib/store/postgres/schema.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { accept, dueIn, newEvent } from "./samples.ts";

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.close());

test("a store gives bodies as they came, in whatever form the server writes bytes", async () => {
  await server.query("CREATE ROLE escaping SUPERUSER LOGIN; ALTER ROLE escaping SET bytea_output = 'escape'");
  const store = openPostgres(server.url({ user: "escaping", freshSchema: true }), systemClock);
  const body = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  try {
    await store.serve();
    await accept(store, newEvent("1", ["a"], { body }));
    const { due: [due] } = await dueIn(store, "a");
    assert.deepEqual(due!.event.body, body);
  } finally {
    await store.close();
  }
});

test("probe() says that a store can be written to, also for a user who may make no temporary table", async () => {
  await server.query("CREATE ROLE poor LOGIN");
  await server.query("CREATE DATABASE poor");
  await server.query("REVOKE ALL ON DATABASE poor FROM PUBLIC; GRANT CONNECT ON DATABASE poor TO poor");
  await server.query(schemaSql("relay", "poor"), undefined, "poor");
  const store = openPostgres(server.url({ user: "poor", database: "poor" }), systemClock);
  try {
    await store.serve();
    await store.probe(2 * 1024 ** 2);
  } finally {
    await store.close();
  }
});
