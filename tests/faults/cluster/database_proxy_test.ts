/** A network to the database that breaks as a test says. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import pg from "pg";
import { sharedPostgres } from "../../helpers/postgres/shared.ts";
import { sleep, until } from "../../helpers/wait.ts";
import { type DatabaseProxy, startDatabaseProxy } from "./database_proxy.ts";
import { Conversation } from "./wire.ts";

const HELD_MS = 150;

test("startDatabaseProxy() passes on what either side says", async () => {
  await withProxy(async ({ client }) => {
    const session = await client();
    assert.equal(await session.ask("SELECT 1"), "SELECT 1");
    assert.equal(await session.ask("SELECT 2"), "SELECT 2");
  });
});

test("cut() ends every connection, and refuse() each new one", async () => {
  await withProxy(async ({ proxy, client }) => {
    const sessions = [await client(), await client()];
    assert.equal(proxy.ports().length, 2);
    proxy.refuse(true);
    proxy.cut();
    await until("both to end", () => sessions.every(({ socket }) => socket.destroyed));
    await until("the proxy to forget them", () => proxy.ports().length === 0);
    await assert.rejects(client());
    proxy.refuse(false);
    assert.equal(await (await client()).ask("SELECT 1"), "SELECT 1");
  });
});

for (const way of ["to", "from", "both"] as const) {
  test(`freeze("${way}") holds what goes there, and keeps connections open`, async () => {
    await withProxy(async ({ proxy, client, heard }) => {
      const session = await client();
      proxy.freeze(way);
      const answer = session.ask("SELECT 1");
      assert.equal(await Promise.race([answer, sleep(HELD_MS)]), undefined);
      if (way === "from") await until("the question", () => heard.length === 1);
      assert.deepEqual(heard, way === "from" ? ["SELECT 1"] : []);
      assert.equal(session.socket.destroyed, false);
      proxy.thaw();
      assert.equal(await answer, "SELECT 1");
      assert.deepEqual(heard, ["SELECT 1"]);
    });
  });
}

test("freeze() tells the database of no end of a connection, and lets new ones hear nothing", async () => {
  await withProxy(async ({ proxy, client, open }) => {
    const session = await client();
    proxy.freeze("both");
    session.socket.destroy();
    const next = client();
    assert.equal(await Promise.race([next, sleep(HELD_MS)]), undefined);
    await until("the database to have both", () => open() === 2);
    proxy.thaw();
    assert.equal(await (await next).ask("SELECT 1"), "SELECT 1");
    await until("the database to hear of the end", () => open() === 1);
  });
});

test("delay() makes each way that much longer", async () => {
  await withProxy(async ({ proxy, client }) => {
    const session = await client();
    proxy.delay(50);
    const startedAt = performance.now();
    assert.equal(await session.ask("SELECT 1"), "SELECT 1");
    assert.ok(performance.now() - startedAt >= 99);
  });
});

for (const loss of ["cut", "freeze"] as const) {
  test(`swallow() loses the answer of the n-th commit alone, which was made, and then: ${loss}`, async () => {
    await withProxy(async ({ proxy, client, heard }) => {
      const [one, other] = [await client(), await client()];
      const swallowed = proxy.swallow(2, loss);
      assert.equal(await one.ask("SELECT relay.write(1)"), "SELECT relay.write(1)");
      assert.equal(await one.ask("SELECT 1"), "SELECT 1");
      const lost = one.ask("SELECT relay.write(2)");
      lost.catch(() => {});
      await swallowed;
      assert.equal(heard.at(-1), "SELECT relay.write(2)");
      assert.equal(await other.ask("SELECT relay.write(3)"), "SELECT relay.write(3)");
      if (loss === "cut") await assert.rejects(lost);
      else assert.equal(await Promise.race([lost, sleep(HELD_MS)]), undefined);
      assert.equal(one.socket.destroyed, loss === "cut");
    });
  });
}

test("swallow() loses the answer of a real server, which has committed", async () => {
  const postgres = await sharedPostgres();
  const proxy = await startDatabaseProxy({ port: postgres.port, commits: /^INSERT/ });
  const client = new pg.Client({ connectionString: postgres.url({ port: proxy.port }) });
  client.on("error", () => {});
  try {
    await postgres.query("CREATE TABLE swallowed (number int)");
    await client.connect();
    const insert = (number: number) => client.query("INSERT INTO swallowed VALUES ($1)", [number]);
    await insert(1);
    const swallowed = proxy.swallow(1, "cut");
    await client.query("SELECT 1");
    await Promise.all([assert.rejects(insert(2)), swallowed]);
    assert.deepEqual(await postgres.query("SELECT number FROM swallowed"), [{ number: 1 }, { number: 2 }]);
  } finally {
    await client.end().catch(() => {});
    await proxy.close();
  }
});

test("sent() names the SQL of a prepared statement, also where it was prepared before, and in whatever pieces it comes", () => {
  const conversation = new Conversation();
  const parse = (name: string, sql: string) => typed("P", `${name}\0${sql}\0\0\0`);
  const [bind, execute, sync] = [typed("B", "\0one\0\0\0\0\0\0\0"), typed("E", "\0\0\0\0\0"), typed("S", "")];
  const said = Buffer.concat([
    startMessage(80877103),
    startMessage(196608),
    ...[parse("one", "SELECT relay.write($1)"), bind, execute, sync],
    ...[bind, execute, sync],
    typed("Q", "SELECT 1\0"),
  ]);
  const found = [...said].flatMap((byte) => conversation.sent(Buffer.from([byte])).requests);
  assert.deepEqual(found, [
    { number: 1, sql: ["SELECT relay.write($1)"] },
    { number: 2, sql: ["SELECT relay.write($1)"] },
    { number: 3, sql: ["SELECT 1"] },
  ]);
  const answers = Buffer.concat([Buffer.from("N"), typed("R", "\0\0\0\0"), ready, typed("C", "SELECT 1\0"), ready]);
  const pieces = [...answers].flatMap((byte) => conversation.answered(Buffer.from([byte])));
  assert.deepEqual(pieces.map(({ request, isLast }) => [request, isLast]), [
    ...[[0, false], [0, false], [0, true]],
    ...[[1, false], [1, true]],
  ]);
});

interface Session {
  socket: Socket;
  /** Sends SQL; gives the text of the answer, and fails if the connection ends. */
  ask(sql: string): Promise<string>;
}

interface Scene {
  proxy: DatabaseProxy;
  /** What the database was asked, in order. */
  heard: string[];
  /** Connections that the database has. */
  open(): number;
  /** A session that has begun. */
  client(): Promise<Session>;
}

/** A proxy before a program that speaks as a database does: it answers each question with the question. */
async function withProxy(use: (scene: Scene) => Promise<void>): Promise<void> {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const database = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    const conversation = new Conversation();
    let isStarted = false;
    socket.on("data", (chunk: Buffer) => {
      const { requests } = conversation.sent(chunk);
      if (!isStarted) socket.write(Buffer.concat([typed("R", "\0\0\0\0"), ready]));
      isStarted = true;
      for (const { sql: [sql] } of requests) {
        heard.push(sql!);
        socket.write(Buffer.concat([typed("C", `${sql}\0`), ready]));
      }
    });
  });
  await new Promise<void>((resolve) => database.listen(0, "127.0.0.1", resolve));
  const { port } = database.address() as AddressInfo;
  const proxy = await startDatabaseProxy({ port, commits: /\bwrite\(/ });
  const clients: Socket[] = [];
  try {
    const client = async () => {
      const session = openSession(proxy.port);
      clients.push(session.socket);
      await session.answer();
      return session;
    };
    await use({ proxy, heard, open: () => sockets.size, client });
  } finally {
    for (const socket of clients) socket.destroy();
    await proxy.close();
    await new Promise((resolve) => database.close(resolve));
  }
}

/** Begins a session; its first answer is that of the start. */
function openSession(port: number): Session & { answer(): Promise<string> } {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let received = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => received = Buffer.concat([received, chunk]));
  socket.write(startMessage(196608));
  const answer = async () => {
    const end = await until("an answer", () => {
      if (socket.destroyed) throw new Error("The connection has ended");
      return received.indexOf(ready) + 1;
    });
    const text = received.toString("utf8", 5, end - 2);
    received = received.subarray(end - 1 + ready.length);
    return text;
  };
  return {
    socket,
    answer,
    ask(sql) {
      socket.write(typed("Q", `${sql}\0`));
      return answer();
    },
  };
}

const ready = typed("Z", "I");

function typed(type: string, text: string): Buffer {
  return Buffer.concat([Buffer.from(type), sized(Buffer.from(text))]);
}

function startMessage(code: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(code);
  return sized(bytes);
}

/** Puts the length before it, which counts itself. */
function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length + 4);
  return Buffer.concat([length, bytes]);
}
