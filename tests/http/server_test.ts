/** Listening for HTTP: every odd but honest request is answered, in order, over TCP and over TLS; what is none is refused. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { textAnswer } from "../../lib/http/answer.ts";
import type { Handler } from "../../lib/http/incoming.ts";
import { listen, type Listener, type ListenOptions } from "../../lib/http/server.ts";
import { hasOpenssl } from "../helpers/authority.ts";
import { makeCertificate } from "../helpers/certificate.ts";
import { converse, type Line, open, repliesIn } from "../helpers/conversation.ts";
import { makeFolder } from "../helpers/folder.ts";
import { until } from "../helpers/wait.ts";

const MAX = 100_000;

/** Answers with method, path and length of the body, or why there is none; each answer takes a turn of the event loop. */
const echo: Handler = async (incoming) => {
  const body = await incoming.body(MAX);
  await new Promise((resolve) => setTimeout(resolve));
  const { pathname } = new URL(incoming.url);
  if (typeof body === "string") return textAnswer(400, body);
  return textAnswer(
    200,
    `${incoming.method} ${pathname} ${body.length} ${Buffer.from(body).toString("latin1", 0, 10)}`,
  );
};

type Options = Partial<ListenOptions>;

type Use = (line: Line, listener: Listener) => Promise<void>;

async function withListener(use: Use, options: Options = {}): Promise<void> {
  const listener = await listen({ host: "127.0.0.1", port: 0, handler: echo, ...options });
  try {
    await use({ port: listener.port, isTls: options.tls !== undefined }, listener);
  } finally {
    await listener.stop(0);
  }
}

/** A test over TCP, and one over TLS. */
function testLines(name: string, use: Use, options: Options = {}): void {
  test(name, () => withListener(use, options));
  test(`${name}, by TLS`, { skip: hasOpenssl ? false : "needs openssl" }, async () => {
    const folder = makeFolder();
    const tls = makeCertificate(folder.path, "own");
    folder.remove();
    await withListener(use, { ...options, tls });
  });
}

const post = (path: string, body: string, headers = "") =>
  `POST ${path} HTTP/1.1\r\nHost: relay.example\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;

/** Statuses and texts of what came back. */
const shown = (replies: { status: number; text: string }[]) => replies.map(({ status, text }) => `${status} ${text}`);

testLines("listen() answers a client that ends its side once it has sent", async (line) => {
  const replies = await converse(line, post("/a", "abc"), { count: 2, half: true });
  assert.deepEqual(shown(replies), ["200 POST /a 3 abc"]);
  const two = await converse(line, post("/a", "abc") + post("/b", "d"), { count: 3, half: true });
  assert.deepEqual(shown(two), ["200 POST /a 3 abc", "200 POST /b 1 d"]);
});

testLines("listen() answers requests that come together, in their order", async (line) => {
  const requests = Array.from({ length: 20 }, (_, at) => post(`/${at}`, "x".repeat(at)));
  const replies = await converse(line, requests.join(""), { count: 20 });
  assert.deepEqual(
    shown(replies),
    requests.map((_, at) => `200 POST /${at} ${at} ${"x".repeat(Math.min(at, 10))}`),
  );
});

testLines("listen() answers what comes behind a request for another protocol, also later", async (line) => {
  const socket = await open(line);
  let received = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => received = Buffer.concat([received, chunk]));
  for (const [at, headers] of ["Connection: Upgrade\r\nUpgrade: h2c\r\n", "", ""].entries()) {
    socket.write(post(`/${at}`, "abc", headers));
    await until("the answer", () => repliesIn(received).length === at + 1);
  }
  socket.destroy();
});

test("listen() withstands thousands of requests that come together, and serves others meanwhile", async () => {
  await withListener(async (line) => {
    const one = ["TRACE / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"];
    const floods = await Promise.all(one.map(async (request) => {
      const socket = await open(line);
      socket.on("error", () => {}).resume();
      socket.write(request.repeat(30_000));
      return socket;
    }));
    for (let count = 0; count < 5; count++) {
      assert.deepEqual(shown(await converse(line, post("/a", "abc"))), ["200 POST /a 3 abc"]);
    }
    for (const socket of floods) socket.destroy();
  });
});

testLines("listen() answers every request of several that come together, however long each is", async (line) => {
  for (const length of [4_095, 4_096, 4_097, 8_192]) {
    const one = `POST /${"a".repeat(length - 60)} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n`;
    const whole = `${one}A: ${"b".repeat(length - one.length - 7)}\r\n\r\n`;
    assert.equal(whole.length, length);
    const replies = await converse(line, whole.repeat(3) + post("/b", "abc"), { count: 4 });
    assert.deepEqual(replies.map(({ status }) => status), [200, 200, 200, 200], `${length} bytes`);
  }
});

testLines("listen() skips line ends before a request", async (line) => {
  const replies = await converse(line, `\r\n${post("/a", "abc")}\r\n\r\n${post("/b", "")}`, { count: 2 });
  assert.deepEqual(shown(replies), ["200 POST /a 3 abc", "200 POST /b 0 "]);
});

testLines("listen() asks for the body of a client that waits for that, however it writes it", async (line) => {
  for (const value of ["100-continue", "100-Continue", "100-CONTINUE"]) {
    const socket = await open(line);
    let received = "";
    socket.on("data", (chunk) => received += chunk);
    socket.write(`POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: ${value}\r\n\r\n`);
    await until("the go-ahead", () => received === "HTTP/1.1 100 Continue\r\n\r\n");
    socket.write("abc");
    await until("the answer", () => received.endsWith("POST /a 3 abc"));
    socket.destroy();
  }
});

test("listen() does not ask for the body of a client of HTTP/1.0, which would take that for the answer", async () => {
  let isAsked = false;
  const handler: Handler = (incoming) => {
    isAsked = true;
    return echo(incoming);
  };
  await withListener(async (line) => {
    const socket = await open(line);
    let received = "";
    socket.on("data", (chunk) => received += chunk);
    socket.write("POST /a HTTP/1.0\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    await until("the head", () => isAsked);
    socket.write("abc");
    await until("the answer", () => received.endsWith("POST /a 3 abc"));
    assert.match(received, /^HTTP\/1.1 200 OK\r\n/);
    socket.destroy();
  }, { handler });
});

testLines("listen() reads chunks and trailers, byte by byte", async (line) => {
  const text = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\nTrailer: Digest\r\n\r\n" +
    "2;a=b\r\nab\r\n1\r\nc\r\n0\r\nDigest: x\r\n\r\n" + post("/b", "");
  assert.deepEqual(shown(await converse(line, text, { count: 2 })), ["200 POST /a 3 abc", "200 POST /b 0 "]);
  const socket = await open(line);
  let received = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => received = Buffer.concat([received, chunk]));
  for (const byte of Buffer.from(text)) await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
  await until("both answers", () => repliesIn(received).length === 2);
  socket.destroy();
});

testLines("listen() refuses what is no request, and goes on with others", async (line) => {
  const rows: [request: string, status: number, text: RegExp][] = [
    ["FOO /a HTTP/1.1\r\nHost: x\r\n\r\n", 405, /^Method not allowed$/],
    ["TRACE /a HTTP/1.1\r\nHost: x\r\n\r\n", 405, /^Method not allowed$/],
    ["CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", 405, /^Method not allowed$/],
    ["POST /a HTTP/1.1\r\nHost: x\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 400, /more than one Host/],
    ["POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, /cannot be read/],
    ["POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, /cannot be read/],
    ["POST /a HTTP/1.1\r\nHost : x\r\n\r\n", 400, /cannot be read/],
    ["nonsense\r\n\r\n", 400, /cannot be read/],
    ["\x16\x03\x01\x02\x00\x01", 400, /cannot be read/],
    ["GET /a HTTP/2.0\r\nHost: x\r\n\r\n", 400, /cannot be read/],
    ["GET /a HTTP/1.2\r\nHost: x\r\n\r\n", 400, /cannot be read/],
    [`POST /a HTTP/1.1\r\nA: ${"a".repeat(300_000)}\r\n\r\n`, 431, /too large/],
    [post("/a", "abc", "Content-Encoding: gzip\r\n"), 400, /^encoded$/],
    ["POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, /^encoded$/],
    ["POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, /cannot be read/],
    [post("/a", "x".repeat(MAX + 1)), 400, /^too_large$/],
    [`POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: ${MAX + 1}\r\n\r\n`, 400, /^too_large$/],
  ];
  for (const [request, status, text] of rows) {
    const [reply] = await converse(line, request);
    assert.equal(reply?.status, status, request.slice(0, 80));
    assert.match(reply.text, text, request.slice(0, 80));
    assert.match(reply.headers.get("Content-Type")!, /^text\/plain/);
  }
  assert.deepEqual(shown(await converse(line, post("/a", "abc", "Content-Encoding: identity\r\n"))), [
    "200 POST /a 3 abc",
  ]);
});

testLines("listen() asks for no body that it refuses, and takes an empty encoding for none", async (line) => {
  for (const headers of [`Content-Length: ${MAX + 1}`, "Content-Length: 5\r\nContent-Encoding: br"]) {
    const head = `POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n${headers}\r\n\r\n`;
    const [reply] = await converse(line, head);
    assert.equal(reply?.status, 400, "which is the first");
  }
  assert.deepEqual(shown(await converse(line, post("/a", "abc", "Content-Encoding:\r\n"))), ["200 POST /a 3 abc"]);
});

testLines("listen() tells a client that ends in the middle of a request", async (line) => {
  for (const part of [post("/a", "abc").slice(0, -1), post("/a", "abc").slice(0, 20)]) {
    const [reply] = await converse(line, part, { half: true });
    assert.equal(reply?.status, 400, part);
  }
});

testLines("listen() ends the connection where the client asks for it, and where it speaks HTTP/1.0", async (line) => {
  for (const request of [post("/a", "", "Connection: close\r\n"), "GET /a HTTP/1.0\r\n\r\n"]) {
    const [reply, ...more] = await converse(line, request + post("/b", ""), { count: 2 });
    assert.deepEqual([reply?.status, reply?.headers.get("Connection"), more.length], [200, "close", 0]);
  }
  const kept = await converse(line, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".repeat(2), { count: 2 });
  assert.equal(kept.length, 2);
});

testLines("listen() reads nothing behind a body whose end others may see elsewhere", async (line) => {
  const chunks = "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  const odd = [
    "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n",
    `POST /a HTTP/1.0\r\nConnection: keep-alive\r\n${chunks}`,
  ];
  for (const request of odd) {
    const [reply, ...more] = await converse(line, request + post("/b", ""), { count: 2 });
    assert.deepEqual([reply?.headers.get("Connection"), more.length], ["close", 0], request);
  }
});

testLines("listen() goes by the head alone for whether the connection ends", async (line) => {
  const head = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n";
  const replies = await converse(line, `${head}Connection: close\r\n\r\n${post("/b", "")}`, { count: 2 });
  assert.deepEqual(shown(replies), ["200 POST /a 1 a", "200 POST /b 0 "]);
});

test("listen() serves a request that names no host, or one that cannot be, and understands whole URLs", async () => {
  await withListener(async (line) => {
    for (
      const start of [
        "/a HTTP/1.0",
        "/a HTTP/1.1\r\nHost: no host/at all",
        "/a HTTP/1.1\r\nHost: x:99999",
        "http://user:pass@other.example/a HTTP/1.1\r\nHost: x",
      ]
    ) {
      assert.deepEqual(shown(await converse(line, `GET ${start}\r\n\r\n`)), ["200 GET /a 0 "]);
    }
  });
});

test("listen() says no length of a body that was not made for HEAD", async () => {
  await withListener(async (line) => {
    const response = await fetch(`http://127.0.0.1:${line.port}/`, { method: "HEAD" });
    assert.deepEqual([response.status, response.headers.get("Content-Length")], [200, null]);
  }, { handler: () => Promise.resolve(new Response(null)) });
});

test("listen() sends no body after a HEAD request, and none with 304", async () => {
  await withListener(async (line) => {
    const socket = await open(line);
    let received = "";
    socket.on("data", (chunk) => received += chunk);
    socket.write(`HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n${post("/b", "")}`);
    await until("both answers", () => received.endsWith("POST /b 0 "));
    assert.equal(received.split("HTTP/1.1 200").length, 3);
    assert.doesNotMatch(received, /HEAD \/a/);
    socket.destroy();
  });
});

test("listen() sends what is of any type, with every header, and a stream as it comes", async () => {
  let next: (text: string) => void = () => {};
  const seen = { isCancelled: false };
  const handler: Handler = async ({ url }) => {
    if (url.endsWith("/none")) return new Response(null, { headers: { "Content-Type": "text/event-stream" } });
    if (url.endsWith("/stream")) {
      const body = new ReadableStream({
        start: (controller) => void (next = (text) => controller.enqueue(new TextEncoder().encode(text))),
        cancel: () => void (seen.isCancelled = true),
      });
      return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
    }
    const headers = new Headers({ "Content-Type": "application/octet-stream", "X-A": "b" });
    for (const cookie of ["a=1", "b=2"]) headers.append("Set-Cookie", cookie);
    return new Response(new Uint8Array([0, 255, 10, 13]), { status: 202, headers });
  };
  await withListener(async (line) => {
    const response = await fetch(`http://127.0.0.1:${line.port}/bytes`);
    assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], [0, 255, 10, 13]);
    assert.deepEqual([response.status, response.headers.get("X-A")], [202, "b"]);
    assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);

    const head = await fetch(`http://127.0.0.1:${line.port}/none`, { method: "HEAD" });
    assert.deepEqual([head.status, head.headers.get("Content-Type")], [200, "text/event-stream"]);
    const stream = await fetch(`http://127.0.0.1:${line.port}/stream`);
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (const text of ["data: 1\n\n", "data: é\n\n"]) {
      next(text);
      assert.equal((await reader.read()).value, text);
    }
    await reader.cancel();
    await until("the stream to be let go", () => seen.isCancelled);
  }, { handler });
});

test("listen() tells a handler whose client has gone", async () => {
  let signal: AbortSignal | undefined;
  const handler: Handler = (incoming) => {
    signal = incoming.signal;
    return new Promise(() => {});
  };
  await withListener(async (line) => {
    const socket = await open(line);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await until("the request", () => signal);
    socket.resetAndDestroy();
    await until("the handler to be told", () => signal!.aborted);
  }, { handler });
});

test("listen() goes on when a handler fails", async () => {
  let count = 0;
  const handler: Handler = async () => {
    if (++count === 1) throw new Error("boom");
    return textAnswer(200, "OK");
  };
  await withListener(async (line) => {
    assert.deepEqual((await converse(line, post("/a", ""))).map(({ status }) => status), [503]);
    assert.deepEqual(shown(await converse(line, post("/a", ""))), ["200 OK"]);
  }, { handler });
});

testLines("stop() answers the request that a client sends on its connection at that moment", async (line, listener) => {
  const socket = await open(line);
  let received = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => received = Buffer.concat([received, chunk]));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("end", () => socket.end()).write(post("/first", ""));
  await until("the first answer", () => repliesIn(received).length === 1);
  const stopped = listener.stop(5_000);
  socket.write(post("/last", ""));
  await closed;
  await stopped;
  const [, last] = repliesIn(received);
  assert.deepEqual([last?.status, last?.text, last?.headers.get("Connection")], [200, "POST /last 0 ", "close"]);
});

testLines(
  "stop() ends the connection of a client that sends a line end behind its last request",
  async (line, listener) => {
    const socket = await open(line);
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => received = Buffer.concat([received, chunk]));
    socket.on("end", () => socket.end()).write(post("/first", ""));
    await until("the first answer", () => repliesIn(received).length === 1);
    const stopped = listener.stop(30_000);
    socket.write(`${post("/last", "")}\r\n`);
    await stopped;
    const [, last] = repliesIn(received);
    assert.deepEqual([last?.status, last?.headers.get("Connection")], [200, "close"]);
  },
);

test("stop() ends a client that takes its answer late, once it has it", async () => {
  const bytes = 32 * 1024 ** 2;
  let isAsked = false;
  const handler: Handler = () => {
    isAsked = true;
    return Promise.resolve(new Response(new Uint8Array(bytes)));
  };
  const listener = await listen({ host: "127.0.0.1", port: 0, handler });
  const line = { port: listener.port };
  const [slow, silent] = [await open(line), await open(line)];
  slow.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await until("the request", () => isAsked);
  const isSilentClosed = new Promise((resolve) => silent.once("close", resolve).on("end", () => silent.end()).resume());
  const startedAt = performance.now();
  const stopped = listener.stop(30_000);
  await isSilentClosed; // by then the listener has ended all that it ends by itself
  let received = 0;
  // What the system still holds comes when the listener has stopped.
  const isSlowClosed = new Promise((resolve) => slow.once("close", resolve));
  slow.on("data", (chunk: Buffer) => received += chunk.length).on("end", () => slow.end());
  await Promise.all([stopped, isSlowClosed]);
  assert.ok(received > bytes && performance.now() - startedAt < 15_000);
});

test("stop() answers what was asked, ends what is idle, and cuts off the rest in the end", async () => {
  const held: (() => void)[] = [];
  const handler: Handler = async ({ url }) => {
    await new Promise<void>((resolve) => held.push(resolve));
    return textAnswer(200, new URL(url).pathname);
  };
  const listener = await listen({ host: "127.0.0.1", port: 0, handler });
  const line = { port: listener.port };
  const [idle, asked, stuck] = [
    await open(line),
    converse(line, post("/asked", "")),
    converse(line, post("/stuck", "")),
  ];
  await until("both requests", () => held.length === 2);
  const isIdleClosed = new Promise((resolve) => idle.once("close", resolve).resume());
  const stopped = listener.stop(1_500);
  idle.on("end", () => idle.end());
  held[0]!();
  const [reply] = await asked;
  assert.deepEqual([reply?.status, reply?.headers.get("Connection")], [200, "close"]);
  await isIdleClosed;
  await stopped;
  assert.deepEqual(await stuck, []);
  await assert.rejects(open(line), "nothing listens any more");
});
