/** What a PostgreSQL store does while its server cannot be used, and afterwards. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { StoreError } from "../../lib/errors.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { parsePostgresUrl } from "../../lib/store/postgres/url.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { whileHeld } from "../helpers/postgres/holder.ts";
import { until } from "../helpers/wait.ts";
import { accept, newEvent } from "./samples.ts";

/** Whether the store says that nothing can be stored now, for whomever, and why. */
async function assertHeld(store: Store, key: string, words: RegExp): Promise<void> {
  await assert.rejects(accept(store, newEvent(key)), (error: unknown) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.equal(error.isHeld, true, error.message);
    assert.match(
      error.message,
      /^Cannot store events in postgres:\/\/postgres@127\.0\.0\.1:\d+\/postgres\?schema=\w+: /,
    );
    assert.match(`${error.message}; ${error.hint}`, words);
    return true;
  });
}

let server: Promise<Postgres> | undefined;

/** A test with a server that no other file's tests use, and a store on it that has several connections. */
function testOn(name: string, work: (store: Store, server: Postgres, schema: string) => Promise<void>): void {
  test(name, async () => {
    const own = await (server ??= startPostgres()); // it ends with the process
    const url = own.url({ freshSchema: true });
    const store = openPostgres(url, systemClock);
    try {
      await Promise.all(["1", "2", "3", "4"].map((key) => accept(store, newEvent(key))));
      await work(store, own, parsePostgresUrl(url).schema);
    } finally {
      await store.close();
    }
  });
}

const keys = async (store: Store) => (await store.lanes.due([{ lane: "a", limit: 99, known: [] }]))[0]!.due.length;

testOn("a store whose server stops and starts again goes on by itself", async (store, server) => {
  for (const mode of ["fast", "immediate"] as const) {
    await server.stop(mode);
    await assertHeld(store, mode, /refused|closed|terminat|shutting down|start PostgreSQL/);
    await assertHeld(store, mode, /ECONNREFUSED.*start PostgreSQL/);
    await server.start();
    assert.deepEqual(await accept(store, newEvent(mode)), ["stored"]);
  }
  assert.equal(await keys(store), 6);
});

testOn("a store goes on whose sessions an administrator has ended", async (store, server) => {
  await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'relay'");
  await new Promise((resolve) => setImmediate(resolve));
  await accept(store, newEvent("5")).catch(() => {}); // one that did not know it yet
  assert.equal((await accept(store, newEvent("6")))[0], "stored");
});

testOn("a store whose server takes no writes says so, and goes on when it does", async (store, server) => {
  const setReadOnly = async (value: "on" | "off") => {
    await server.query(`ALTER SYSTEM SET default_transaction_read_only = ${value}`);
    await server.query("SELECT pg_reload_conf()");
    // The server's processes are told one after the other.
    for (;;) {
      const [row] = await server.query("SELECT current_setting('transaction_read_only') AS is");
      if (row!.is === value) return;
    }
  };
  await setReadOnly("on");
  await assertHeld(store, "5", /read-only transaction; the server takes no writes; name the primary/);
  assert.equal(await keys(store), 4, "it can be read");
  await setReadOnly("off");
  assert.deepEqual(await accept(store, newEvent("5")), ["stored"]);
});

testOn("a statement that waits too long for a lock ends, and writes nothing", async (store, server, schema) => {
  await whileHeld(server.url({ schema }), "LOCK TABLE relay.events", async ({ waiting }) => {
    // On a busy machine the relay may give up first.
    await assertHeld(
      store,
      "5",
      /statement timeout; the server is overloaded, or another session holds a lock|did not answer in time/,
    );
    await until("the statement to end", async () => await waiting() === 0);
  });
  assert.equal(await keys(store), 4);
});

testOn("a store that waits for its connections makes no more of them", async (store, server, schema) => {
  await whileHeld(server.url({ schema }), "LOCK TABLE relay.events", async ({ commit }) => {
    const writes = Array.from(
      { length: 20 },
      (_, key) => accept(store, newEvent(`more ${key}`)).then(String, (error: unknown) => String(error)),
    );
    assert.match(await Promise.race(writes), /connection of this relay is busy/);
    await commit();
    await Promise.all(writes);
  });
  const [{ count }] = await server.query<{ count: string }>(
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'relay'",
  ) as [{ count: string }];
  assert.ok(Number(count) <= 6, `${count} connections`);
});

testOn("serve() waits for a server that is starting", async (_, server) => {
  await server.stop();
  const store = openPostgres(server.url({ freshSchema: true }), systemClock);
  try {
    const served = store.serve();
    await server.start();
    await served;
    assert.deepEqual(await accept(store, newEvent("1")), ["stored"]);
  } finally {
    await store.close();
  }
});
