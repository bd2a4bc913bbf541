/** What a test does to a cluster's database, as a client with a relay's role sees it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import { until } from "../../helpers/wait.ts";
import { type ClusterDatabase, startClusterDatabase } from "./database.ts";
import { startDatabaseProxy } from "./database_proxy.ts";
import { makeSmallDisk } from "./small_disk.ts";

const canMakeDisk = (() => {
  const disk = makeSmallDisk(1 << 20);
  disk?.close();
  return disk !== undefined;
})();

/** The SQLSTATE with which some work fails; `undefined` if it does not. */
function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(() => undefined, ({ code }) => code);
}

test("readOnly() makes sessions that are open read-only, and not for ever", async () => {
  await withDatabase(async ({ database, connect }) => {
    const { client } = await connect();
    await client.query("CREATE TABLE one (number int)");
    const write = () => codeOf(client.query("INSERT INTO one VALUES (1)"));
    assert.equal(await write(), undefined);
    await database.readOnly(true);
    await until("a refusal", async () => await write() === "25006");
    await database.readOnly(false);
    await until("a success", async () => await write() === undefined);
  });
});

test("terminate() ends the sessions of one proxy alone, and if it is told so those with locks alone", async () => {
  await withDatabase(async ({ database, connect }) => {
    const proxies = await Promise.all([0, 1].map(() => startDatabaseProxy({ port: database.port, commits: /^$/ })));
    const ports = () => proxies[0]!.ports();
    try {
      const [locked, plain] = [await connect(proxies[0]!.port), await connect(proxies[0]!.port)];
      const other = await connect(proxies[1]!.port);
      for (const [number, { client }] of [locked, other].entries()) {
        await client.query("SELECT pg_advisory_lock($1)", [number]);
      }
      const ended = () => [locked, plain, other].map(({ hasEnded }) => hasEnded());
      assert.equal(await database.terminate(ports(), "locks"), 1);
      await until("its end", () => locked.hasEnded());
      assert.deepEqual(ended(), [true, false, false]);
      await until("the proxy to forget it", () => ports().length === 1);
      assert.equal(await database.terminate(ports(), "all"), 1);
      await until("its end", () => plain.hasEnded());
      assert.deepEqual(ended(), [true, true, false]);
    } finally {
      for (const proxy of proxies) await proxy.close();
    }
  });
});

test("takeConnections() leaves none, takes each that becomes free, and gives all back", async () => {
  await withDatabase(async ({ database, connect }) => {
    const { client } = await connect();
    const giveBack = await database.takeConnections();
    try {
      await until("a refusal", async () => await codeOf(connect()) === "53300");
      await client.end();
      await until("that to be taken, too", async () => await codeOf(connect()) === "53300");
    } finally {
      await giveBack();
    }
    await until("a connection", async () => await codeOf(connect()) === undefined);
  });
});

test("fill() leaves no room for what relays write, and free() gives it back", {
  skip: canMakeDisk ? false : "making a small disk needs root",
}, async () => {
  await withDatabase(async ({ database, connect }) => {
    const { client } = await connect();
    await client.query("CREATE TABLE one (text text)");
    const write = () => codeOf(client.query("INSERT INTO one SELECT repeat('x', 1000) FROM generate_series(1, 100)"));
    assert.equal(await write(), undefined);
    database.disk!.fill();
    await until("a refusal", async () => await write() === "53100");
    assert.deepEqual(await database.query("SELECT 1 AS one"), [{ one: 1 }], "the server goes on");
    database.disk!.free();
    assert.equal(await write(), undefined);
  });
});

interface Session {
  client: pg.Client;
  /** The connection is no more. */
  hasEnded(): boolean;
}

interface Scene {
  database: ClusterDatabase;
  /** Opens a session as a relay does. @param port Of a proxy. */
  connect(port?: number): Promise<Session>;
}

async function withDatabase(use: (scene: Scene) => Promise<void>): Promise<void> {
  const database = await startClusterDatabase();
  const clients: pg.Client[] = [];
  try {
    await use({
      database,
      async connect(port) {
        const client = new pg.Client({ connectionString: database.url(port) });
        let hasEnded = false;
        client.on("error", () => {}).on("end", () => hasEnded = true);
        await client.connect();
        clients.push(client);
        return { client, hasEnded: () => hasEnded };
      },
    });
  } finally {
    for (const client of clients) await client.end().catch(() => {});
    await database.close();
  }
}
