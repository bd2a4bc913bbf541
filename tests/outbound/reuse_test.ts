/** Which connections are used again, and what happens to a request that meets one which its server closes. */

import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { ConnectionLost } from "../../lib/outbound/error.ts";
import { closeIdle, request } from "../../lib/outbound/request.ts";
import { never } from "../helpers/target.ts";
import { until } from "../helpers/wait.ts";
import { type Script, startScript } from "./script.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async function withScript(act: (socket: Socket, request: number) => void, use: (server: Script) => Promise<void>) {
  const server = await startScript(act);
  try {
    await use(server);
  } finally {
    await server.close();
  }
}

const post = (server: Script, body = "x") => request(new URL(server.url), { method: "POST", body, signal: never });

const cases: [what: string, answer: string, connections: number][] = [
  ["an answer with a length", OK, 1],
  ["an answer in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1],
  ["an answer without a body", "HTTP/1.1 204 No Content\r\n\r\n", 1],
  ["an answer that was announced", `HTTP/1.1 100 Continue\r\n\r\n${OK}`, 1],
  ["a server that keeps it for long enough", OK.replace("\r\n", "\r\nKeep-Alive: timeout=5\r\n"), 1],
  ["a server that keeps it for a second", OK.replace("\r\n", "\r\nKeep-Alive: timeout=1\r\n"), 2],
  ["an answer that is the last one", OK.replace("\r\n", "\r\nConnection: close\r\n"), 2],
  ["an answer of HTTP/1.0", OK.replace("1.1", "1.0"), 2],
  [
    "an answer that says its length twice",
    `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    2,
  ],
  [
    "an answer of HTTP/1.0 in chunks",
    `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    2,
  ],
  [
    "an answer whose trailer speaks of the connection",
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nConnection: close\r\n\r\n`,
    1,
  ],
  ["an answer that changes to another protocol, unasked", "HTTP/1.1 101 Switching Protocols\r\n\r\n", 2],
  ["an answer with something behind it", `${OK}HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n`, 2],
];
for (const [what, answer, connections] of cases) {
  test(`request() uses a connection ${connections === 1 ? "again" : "once"} after ${what}`, async () => {
    await withScript((socket) => void socket.write(answer), async (server) => {
      for (let i = 0; i < 2; i++) assert.ok((await post(server)).status < 300);
      assert.equal(server.connections(), connections);
    });
  });
}

test("request() uses a connection for one origin alone", async () => {
  await withScript((socket) => void socket.write(OK), async (server) => {
    await request(new URL(server.url), { signal: never });
    await request(new URL(server.url.replace("127.0.0.1", "localhost")), { signal: never });
    assert.equal(server.connections(), 2);
  });
});

test("request() takes nothing that comes unasked for an answer", async () => {
  await withScript((socket, count) => void socket.write(OK, () => count === 1 && socket.write(OK)), async (server) => {
    for (let i = 0; i < 5; i++) assert.equal((await post(server)).status, 200);
    assert.equal(server.requests.length, 5);
  });
});

/** Answers the first request of each connection, and cuts the connection when the next one comes. */
const stale = (socket: Socket, count: number) => void (count === 1 ? socket.write(OK) : socket.resetAndDestroy());

test("request() sends what met a connection at its end once more at once, on a new one", async () => {
  await withScript(stale, async (server) => {
    for (let i = 0; i < 4; i++) assert.equal((await post(server, `${i}`)).status, 200);
    assert.deepEqual(server.requests.map((one) => one.at(-1)), ["0", "1", "1", "2", "2", "3", "3"]);
  });
});

test("request() sends it no more than once more, and on a new connection only once", async () => {
  let isCutting = false;
  const cut = (socket: Socket) => void (isCutting ? socket.destroy() : socket.write(OK));
  await withScript(cut, async (server) => {
    await Promise.all([post(server), post(server), post(server)]); // three that could be used again
    isCutting = true;
    await assert.rejects(post(server), ConnectionLost);
    assert.equal(server.requests.length, 3 + 2);
    closeIdle();
    await assert.rejects(post(server), ConnectionLost);
    assert.equal(server.requests.length, 3 + 2 + 1);
  });
});

test("request() sends nothing again of which an answer has begun", async () => {
  const half = (socket: Socket, count: number) => void (count === 1 ? socket.write(OK) : socket.end("H"));
  await withScript(half, async (server) => {
    await post(server);
    await assert.rejects(post(server), ConnectionLost);
    assert.equal(server.requests.length, 2);
  });
});

test("request() keeps a bounded number of connections, and closes them when it is told", async () => {
  const waiting: Socket[] = [];
  await withScript((socket) => void waiting.push(socket), async (server) => {
    const asked = Array.from({ length: 300 }, () => post(server));
    await until("all requests", () => waiting.length === 300);
    for (const socket of waiting) socket.write(OK);
    await Promise.all(asked);
    await until("some to be closed", () => server.open() <= 256);
    assert.equal(server.open(), 256);
    closeIdle();
    await until("all to be closed", () => server.open() === 0);
  });
});
