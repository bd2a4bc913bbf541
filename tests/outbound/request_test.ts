/** One request and its answer, by real servers on loopback that keep to the protocol, or do not. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { test } from "node:test";
import { OutboundError } from "../../lib/outbound/error.ts";
import { type OutboundAnswer, request, type RequestOptions } from "../../lib/outbound/request.ts";
import { never } from "../helpers/target.ts";
import { until } from "../helpers/wait.ts";
import { sendForever } from "../targets/contract.ts";
import { startScript } from "./script.ts";

/** Makes one request of a server that does this with each request. */
async function ask(
  act: (socket: Socket) => void,
  options: Partial<RequestOptions> = {},
  path = "/in?a=b",
): Promise<{ answer: OutboundAnswer; requests: string[] }> {
  const server = await startScript(act);
  try {
    const answer = await request(new URL(server.url + path), { signal: never, ...options });
    return { answer, requests: server.requests };
  } finally {
    await server.close();
  }
}

/** The reason of the failure that a request ends in. */
async function reasonOf(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(() => undefined, (error) => error);
  assert.ok(error instanceof OutboundError, String(error));
  return error.reason;
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const ok = (socket: Socket) => void socket.write(OK);

test("request() sends method, path, query, headers and body, and asks for no compression", async () => {
  const headers = { "X-Name": "Pé", accept: "application/json" };
  const { requests: [sent] } = await ask(ok, { method: "PUT", headers, body: "Olá" });
  assert.match(sent!, /^PUT \/in\?a=b HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n/);
  assert.match(sent!, /\r\nAccept-Encoding: identity\r\n/);
  assert.match(sent!, /\r\nContent-Length: 4\r\n/);
  assert.match(sent!, /\r\naccept: application\/json\r\n/);
  assert.doesNotMatch(sent!, /Accept: \*/);
  assert.ok(sent!.includes("\r\nX-Name: P\xe9\r\n"), "one byte a character");
  assert.ok(sent!.endsWith(`\r\n\r\n${Buffer.from("Olá").toString("latin1")}`));
});

test("request() gives no body and no length to a GET", async () => {
  const { requests: [sent] } = await ask(ok);
  assert.match(sent!, /^GET /);
  assert.doesNotMatch(sent!, /content-length/i);
});

for (
  const [what, path, authorization] of [
    ["the login of the URL", "u%40x:p%3A%C3%A9", "Basic dUB4OnA6w6k="],
    ["a login without a password", "token", "Basic dG9rZW46"],
  ] as const
) {
  test(`request() sends ${what}, unless another is given`, async () => {
    const server = await startScript(ok);
    try {
      const url = new URL(server.url.replace("//", `//${path}@`));
      await request(url, { signal: never });
      await request(url, { signal: never, headers: { authorization: "Bearer x" } });
      const [first, second] = server.requests;
      assert.ok(first!.includes(`\r\nAuthorization: ${authorization}\r\n`));
      assert.ok(second!.includes("\r\nauthorization: Bearer x\r\n") && !second!.includes("Basic"));
    } finally {
      await server.close();
    }
  });
}

for (
  const [name, value] of [
    ["X-A", "1\r\nX-Evil: 1"],
    ["X-A", "1\nX-Evil: 1"],
    ["X-A", "1\0"],
    ["X-A", "💛"],
    ["X-A: 1\r\nX-Evil", "1"],
    ["", "1"],
  ] as const
) {
  test(`request() sends nothing with the header ${JSON.stringify(`${name}: ${value}`)}`, async () => {
    const server = await startScript(ok);
    try {
      const asked = request(new URL(server.url), { signal: never, headers: { [name]: value } });
      await assert.rejects(asked, (error: Error) => error instanceof TypeError && !error.message.includes("Evil: 1"));
      assert.deepEqual(server.requests, []);
    } finally {
      await server.close();
    }
  });
}

test("request() lets no header frame the body or manage the connection", async () => {
  const headers = {
    "content-length": "999",
    "Transfer-Encoding": "chunked",
    Connection: "close",
    expect: "100-continue",
  };
  const { requests: [sent] } = await ask(ok, { method: "POST", body: "x", headers });
  assert.equal(sent!.match(/content-length|transfer-encoding|connection|expect/gi)?.length, 1);
});

const K64 = "x".repeat(64 * 1024);
const answers: [what: string, raw: string, status: number, body: string, isWhole?: boolean][] = [
  ["a length", OK, 200, "ok"],
  [
    "chunks and trailers",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n",
    200,
    "ok",
  ],
  ["no length, to the end of the connection", "HTTP/1.0 503 Oh\r\n\r\nok", 503, "ok"],
  ["no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""],
  ["no content, and a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, ""],
  ["something in advance", `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n${OK}`, 200, "ok"],
  ["another protocol", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc", 101, ""],
  ["a redirect", "HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n", 302, ""],
  ["64 KiB", `HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n${K64}`, 200, K64],
  ["a byte more", `HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n${K64}y`, 200, K64, false],
  ["a body that is cut", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", 200, "ok", false],
  ["chunks that make no sense", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz", 200, "ok", false],
];
for (const [what, raw, status, body, isWhole = true] of answers) {
  test(`request() reads an answer with ${what}`, async () => {
    const { answer, requests } = await ask((socket) => void socket.end(raw, "latin1"));
    assert.deepEqual([answer.status, answer.isWhole], [status, isWhole]);
    assert.ok(answer.body.toString() === body, `${answer.body.byteLength} bytes`);
    assert.equal(requests.length, 1, "nothing is followed");
  });
}

test("request() expects no body of an answer to HEAD", async () => {
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
  const { answer } = await ask((socket) => void socket.write(head), { method: "HEAD" });
  assert.deepEqual([answer.status, answer.isWhole, answer.body.byteLength], [200, true, 0]);
});

test("request() gives headers by name in any case, several of one name as one", async () => {
  const raw = "HTTP/1.1 200 OK\r\nx-a: 1 \r\nContent-Length: 0\r\nX-A: 2\r\n\r\n";
  const { answer: { headers } } = await ask((socket) => void socket.write(raw));
  assert.deepEqual([headers.get("X-a"), headers.get("X-B")], ["1, 2", null]);
});

test("request() reads as many bytes of a body as it is told", async () => {
  const { answer } = await ask(ok, { maxBytes: 1 });
  assert.deepEqual([answer.body.toString(), answer.isWhole], ["o", false]);
});

test("request() does not wait for what it would not read", async () => {
  const raw = `HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n${"x".repeat(70_000)}`;
  const bounds = { signal: AbortSignal.timeout(5_000), restMs: 60_000 };
  const { answer } = await ask((socket) => void socket.write(raw), bounds);
  assert.deepEqual([answer.body.byteLength, answer.isWhole, bounds.signal.aborted], [64 * 1024, false, false]);
});

test("request() leaves a body as it is compressed", async () => {
  const raw = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00";
  const { answer } = await ask((socket) => void socket.write(raw, "latin1"));
  assert.deepEqual([...answer.body], [0x1f, 0x8b, 8, 0]);
});

test("request() does not wait for a body that does not end, and closes the connection", async () => {
  for (
    const act of [
      (socket: Socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"),
      (socket: Socket) => {
        socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n");
        sendForever(socket, `1;${"x".repeat(999)}\r\ny\r\n`);
      },
    ]
  ) {
    const server = await startScript(act);
    try {
      const answer = await request(new URL(server.url), { signal: never, restMs: 50 });
      assert.deepEqual([answer.status, answer.isWhole, answer.body.toString().slice(0, 2)], [200, false, "ok"]);
      await until("the connection to be closed", () => server.open() === 0);
    } finally {
      await server.close();
    }
  }
});

/** Writes as fast as it is read; gives how much was taken. */
function flood(first: string, chunk: string): { act(socket: Socket): void; bytes(): number } {
  let bytes = 0;
  return {
    act(socket) {
      const more = () => {
        for (let isTaken = true; isTaken && !socket.destroyed;) {
          isTaken = socket.write(chunk);
          bytes += chunk.length;
        }
      };
      socket.on("drain", more).write(first);
      more();
    },
    bytes: () => bytes,
  };
}

const floods: [what: string, first: string, more: string, words: RegExp][] = [
  ["informs without end", "", "HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n".repeat(500), /announces an answer \(1xx\)/],
  ["sends a head without end", "HTTP/1.1 200 OK\r\n", "X: y\r\n".repeat(5_000), /headers of its answer do not end/],
];
for (const [what, first, more, words] of floods) {
  test(`request() reads no more than it must of a server that ${what}`, async () => {
    const { act, bytes } = flood(first, more);
    const server = await startScript(act);
    try {
      const asked = request(new URL(server.url), { signal: never });
      await assert.rejects(asked, words);
      assert.equal(await reasonOf(asked), "unexpected_answer");
      await until("the connection to be closed", () => server.open() === 0);
      assert.ok(bytes() < 16 * 1024 ** 2, `${bytes()} bytes were taken`);
    } finally {
      await server.close();
    }
  });
}

test("request() ends a server that informs now and then with the deadline", async () => {
  const hints = (socket: Socket) => sendForever(socket, "HTTP/1.1 103 Hints\r\n\r\n");
  const signal = AbortSignal.timeout(200);
  await assert.rejects(ask(hints, { signal }), (error) => error === signal.reason);
});

test("request() tells what is not HTTP from a connection that is cut", async () => {
  assert.equal(await reasonOf(ask((socket) => void socket.write("SSH-2.0-x\r\n"))), "unexpected_answer");
  assert.equal(await reasonOf(ask((socket) => void socket.destroy())), "connection_reset");
  assert.equal(await reasonOf(ask((socket) => void socket.end("HTTP/1.1 200 O"))), "connection_reset");
});

test("request() sends nothing after the deadline", async () => {
  const server = await startScript(ok);
  try {
    const signal = AbortSignal.abort(new Error("late"));
    await assert.rejects(request(new URL(server.url), { signal }), /late/);
    assert.deepEqual(server.requests, []);
  } finally {
    await server.close();
  }
});

test("request() ends with the deadline where a body is not read", async () => {
  const server = await startScript(() => {}, { isReading: false });
  try {
    const signal = AbortSignal.timeout(200);
    const asked = request(new URL(server.url), { method: "POST", body: Buffer.alloc(16 * 1024 ** 2), signal });
    await assert.rejects(asked, (error) => error === signal.reason);
    server.read();
    await until("the connection to be closed", () => server.open() === 0);
  } finally {
    await server.close();
  }
});

test("request() takes an answer that comes before the body was read, and closes the connection", async () => {
  const server = await startScript(() => {}, { isReading: false });
  server.onConnection((socket) => void socket.write("HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n"));
  try {
    const body = Buffer.alloc(16 * 1024 ** 2);
    for (let i = 1; i <= 2; i++) {
      const { status } = await request(new URL(server.url), { method: "POST", body, signal: never });
      assert.deepEqual([status, server.connections()], [413, i]);
    }
    server.read();
    await until("the connection to be closed", () => server.open() === 0);
  } finally {
    await server.close();
  }
});
