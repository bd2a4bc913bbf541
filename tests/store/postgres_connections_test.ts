/** Connections to a PostgreSQL store: when they are all in use, when they lead nowhere any more, and how long a write takes. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { Connections } from "../../lib/store/postgres/connections.ts";
import { openPostgres } from "../../lib/store/postgres/mod.ts";
import { parsePostgresUrl } from "../../lib/store/postgres/url.ts";
import { startPostgres } from "../helpers/postgres.ts";
import { sharedPostgres } from "../helpers/postgres/shared.ts";
import { until } from "../helpers/wait.ts";

/** A way to a server on which nothing arrives any more once it is frozen, not even that an end hung up. */
async function startFreezable(port: number): Promise<{ port: number; freeze(): void; close(): void }> {
  const sockets = new Set<Socket>();
  let isFrozen = false;
  const pass = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.on("data", (chunk) => isFrozen || to.write(chunk)).on("error", () => {});
    from.on("end", () => isFrozen || to.end());
  };
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    pass(client, server);
    pass(server, client);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    freeze: () => isFrozen = true,
    close() {
      for (const socket of sockets) socket.destroy();
      listener.close();
    },
  };
}

test("close() does not wait for a server that is out of reach", async () => {
  const postgres = await sharedPostgres();
  const way = await startFreezable(postgres.port);
  try {
    const store = openPostgres(postgres.url({ port: way.port, freshSchema: true }), systemClock, { member: "server" });
    await store.serve();
    await store.members!.meet({ lanes: ["a"], isLeaving: false, take: ["a"], release: [] });
    way.freeze();
    const startedAt = performance.now();
    await Promise.race([store.close(), systemClock.sleep(10_000)]);
    assert.ok(performance.now() - startedAt < 4_000, `${performance.now() - startedAt} ms`);
  } finally {
    way.close();
  }
});

test("write() tells how long it took", async () => {
  const postgres = await sharedPostgres();
  const took: number[] = [];
  const store = openPostgres(postgres.url({ freshSchema: true }), systemClock, { onCommit: (ms) => took.push(ms) });
  try {
    await store.write({ accepts: [], lanes: [] });
    assert.equal(took.length, 1);
    assert.ok(took[0]! > 0 && took[0]! < 5_000, `${took[0]} ms`);
  } finally {
    await store.close();
  }
});

test("connections that are all in use are kept, and no others are made", async () => {
  const postgres = await sharedPostgres();
  const connections = new Connections(parsePostgresUrl(postgres.url()));
  const pid = async (seconds: number) => {
    const [row] = await connections.query<{ pid: number }>("SELECT pg_backend_pid() AS pid, pg_sleep($1)", [seconds]);
    return row!.pid;
  };
  try {
    const busy = Array.from({ length: 6 }, () => pid(4));
    await assert.rejects(pid(0), /timeout exceeded/);
    const pids = await Promise.all(busy);
    assert.ok(pids.includes(await pid(0)));
  } finally {
    await connections.end();
  }
});

test("whoever waits for a connection has one of the next ones, when those in use were ended meanwhile", async () => {
  const postgres = await sharedPostgres();
  const connections = new Connections(parsePostgresUrl(postgres.url()));
  const busy = "pg_sleep(4)::TEXT = 'those in use'";
  const alive = setInterval(() => {}, 1_000); // the driver's timers keep no process
  try {
    const inUse = Array.from({ length: 6 }, () => connections.query(`SELECT ${busy}`));
    const ended = Promise.allSettled(inUse);
    const areBusy = `SELECT pid FROM pg_stat_activity WHERE query = 'SELECT ${busy.replaceAll("'", "''")}'`;
    await until("all to be in use", async () => (await postgres.query(areBusy)).length === 6);
    const waiting = connections.query<{ one: number }>("SELECT 1 AS one");
    await postgres.query(`SELECT pg_terminate_backend(pid) FROM (${areBusy}) busy`);
    assert.deepEqual([(await waiting)[0], (await ended).map(({ status }) => status)], [
      { one: 1 },
      Array(6).fill("rejected"),
    ]);
  } finally {
    clearInterval(alive);
    await connections.end();
  }
});

test("a server without TLS that was away is found again by all who ask at once, where TLS is not asked for", async () => {
  const postgres = await startPostgres();
  const connections = new Connections(parsePostgresUrl(postgres.url({ params: { sslmode: "prefer" } })));
  const ask = () => connections.query("SELECT 1");
  try {
    await ask();
    await postgres.stop();
    await assert.rejects(ask());
    await postgres.start();
    await Promise.all([ask(), ask(), ask()]);
  } finally {
    await connections.end();
    await postgres.close();
  }
});
