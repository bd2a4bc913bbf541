/** Messages as they come off a connection: whole, in pieces, one behind the other, and those that are none. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { type Head, Parser } from "../../lib/http/parser.ts";

interface Message {
  head: Partial<Head>;
  body: string;
  isWhole: boolean;
}

/** Reads a text, in pieces of so many bytes; `bodiless` says of which answers no body follows. */
function read(
  text: string,
  { kind = "request", size = Infinity, bodiless = false }: {
    kind?: "request" | "answer";
    size?: number;
    bodiless?: boolean;
  } = {},
) {
  const messages: Message[] = [];
  const parser = new Parser(kind, {
    onHead({ method, target, status, headers, isKeptAlive }) {
      const start = kind === "request" ? { method, target } : { status };
      messages.push({ head: { ...start, headers, isKeptAlive }, body: "", isWhole: false });
      return bodiless;
    },
    onBody: (fed, start, end) => void (messages.at(-1)!.body += fed.toString("latin1", start, end)),
    onEnd: () => void (messages.at(-1)!.isWhole = true),
  });
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length && !parser.problem;) at += parser.feed(bytes.subarray(at, at + size));
  return { messages, parser };
}

/** The message of one request, in every size of piece. */
function readOne(text: string): Message {
  const [whole, ...pieces] = [Infinity, 1, 2, 7].map((size) => {
    const { messages, parser } = read(text, { size });
    assert.deepEqual([size, messages.length, parser.problem], [size, 1, undefined], text);
    return messages[0]!;
  });
  for (const one of pieces) assert.deepEqual(one, whole);
  return whole!;
}

test("Parser reads a request, however its bytes are cut", () => {
  assert.deepEqual(
    readOne(
      "POST /webhook?a=b HTTP/1.1\r\nHost: x\r\nEmpty: \r\nNone:\r\nName: ol\xe1  \r\nContent-Length: 4\r\n\r\na\0\r\n",
    ),
    {
      head: {
        method: "POST",
        target: "/webhook?a=b",
        headers: ["Host", "x", "Empty", "", "None", "", "Name", "ol\xe1", "Content-Length", "4"],
        isKeptAlive: true,
      },
      body: "a\0\r\n",
      isWhole: true,
    },
  );
});

test("Parser reads bodies of every size that is handed to llhttp in more than one piece", () => {
  for (const length of [3_000, 5_000, 65_536, 70_000, 200_000]) {
    const body = Array.from({ length }, (_, at) => String.fromCharCode(97 + at % 23)).join("");
    const { messages: [one] } = read(`POST / HTTP/1.1\r\nContent-Length: ${length}\r\n\r\n${body}`);
    assert.ok(one!.isWhole && one!.body === body, `${length} bytes`);
  }
});

test("Parser reads to the end of a message and no further, wherever its bytes are cut for llhttp", () => {
  const padded = (start: string, end: string, length: number) =>
    start + "a".repeat(length - start.length - end.length) + end;
  const kinds: [what: string, make: (length: number) => string, cuts: number[]][] = [
    ["path", (length) => padded("GET /", " HTTP/1.1\r\n\r\n", length), [4_096, 8_192, 65_536]],
    ["header", (length) => padded("GET / HTTP/1.1\r\nA: ", "\r\n\r\n", length), [4_096, 8_192, 65_536]],
    ["body", (length) => {
      const body = "b".repeat(length - 60);
      return padded(`POST / HTTP/1.1\r\nContent-Length: ${body.length}\r\nB: `, `\r\n\r\n${body}`, length);
    }, [4_096, 8_192, 65_536, 69_632, 131_072, 135_168]],
  ];
  for (const [what, make, cuts] of kinds) {
    for (const length of cuts.flatMap((cut) => [cut - 1, cut, cut + 1])) {
      let ends = 0;
      const parser = new Parser("request", { onHead: () => false, onBody() {}, onEnd: () => void ends++ });
      const count = parser.feed(Buffer.from(`${make(length)}GET /next HTTP/1.1\r\n\r\n`));
      assert.deepEqual([count, ends, parser.problem], [length, 1, undefined], `${length} bytes, with a long ${what}`);
    }
  }
});

test("Parser reads a body in chunks, with their extensions and trailers", () => {
  const { body, isWhole } = readOne(
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n1\r\nd\r\n0\r\nDigest: x\r\n\r\n",
  );
  assert.deepEqual([body, isWhole], ["abcd", true]);
});

test("Parser takes no trailer for a header, also where the head has been handed on", () => {
  const { head, isWhole } = readOne(
    "POST / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" +
      "X-Forwarded-For: 9.9.9.9\r\nHost: y\r\nX-ConnectVets-Signature: sha256=0\r\n\r\n",
  );
  assert.equal(isWhole, true);
  assert.deepEqual(head.headers, ["Host", "x", "X-Forwarded-For", "1.1.1.1", "Transfer-Encoding", "chunked"]);
});

test("Parser reads request after request, and skips line ends between them", () => {
  const texts = [
    "POST /1 HTTP/1.1\r\nContent-Length: 1\r\n\r\na",
    "GET /2 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "\r\n\r\nPOST /3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET /4 HTTP/1.0\r\n\r\n",
  ];
  for (const size of [Infinity, 1, 3]) {
    const { messages } = read(texts.join(""), { size });
    assert.deepEqual(messages.map(({ head }) => head.target), ["/1", "/2", "/3", "/4"]);
    assert.deepEqual(messages.map(({ head }) => head.isKeptAlive), [true, true, true, false]);
  }
});

test("Parser stops behind each message", () => {
  const parser = new Parser("request", { onHead: () => false, onBody() {}, onEnd() {} });
  const one = Buffer.from("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\na");
  assert.equal(parser.feed(Buffer.concat([one, one])), one.length);
});

test("Parser says of a method that it is unknown, and of other nonsense that it is malformed", () => {
  const rows: [text: string, problem: string][] = [
    ["FOO / HTTP/1.1\r\n\r\n", "method_unknown"],
    ["get / HTTP/1.1\r\n\r\n", "method_unknown"],
    ["GET / HTTP/3.0\r\n\r\n", "malformed"],
    ["POST / HTTP/1.1\nHost: x\n\n", "malformed"],
    ["POST / HTTP/1.1\r\nHost : x\r\n\r\n", "malformed"],
    ["POST / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", "malformed"],
    ["POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "malformed"],
    ["POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "malformed"],
    ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "malformed"],
    ["POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", "malformed"],
    ["POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "malformed"],
    [`POST / HTTP/1.1\r\nA: ${"x".repeat(300_000)}\r\n\r\n`, "head_too_large"],
    [`GET /${"x".repeat(300_000)} HTTP/1.1\r\n\r\n`, "head_too_large"],
    [`POST / HTTP/1.1\r\n${"A:b\r\n".repeat(2_000)}\r\n`, "head_too_large"],
  ];
  for (const [text, problem] of rows) {
    for (const size of [Infinity, 1]) {
      assert.deepEqual([text.slice(0, 80), read(text, { size }).parser.problem], [text.slice(0, 80), problem]);
    }
  }
});

test("Parser reads answers: informational ones, those without a length, those of servers that are lax", () => {
  const kind = "answer";
  const informed = read(
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    { kind },
  );
  assert.deepEqual(informed.messages.map(({ head, body }) => [head.status, body]), [[103, ""], [200, "ok"]]);

  const open = read("HTTP/1.1 200 OK\r\n\r\nuntil it closes", { kind });
  assert.deepEqual([open.messages[0]!.body, open.messages[0]!.isWhole], ["until it closes", false]);
  open.parser.finish();
  assert.deepEqual([open.messages[0]!.isWhole, open.parser.problem], [true, undefined]);

  const lax = read("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", { kind });
  assert.deepEqual([lax.messages[0]!.body, lax.messages[0]!.isWhole], ["ok", true]);

  const cut = read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", { kind });
  cut.parser.finish();
  assert.deepEqual([cut.messages[0]!.isWhole, cut.parser.problem], [false, "malformed"]);

  const tunnel = read("HTTP/1.1 200 Connection established\r\n\r\n", { kind, bodiless: true });
  assert.deepEqual(tunnel.messages.map(({ isWhole }) => isWhole), [true]);
  assert.equal(read("SSH-2.0-OpenSSH_9.2\r\n", { kind }).parser.problem, "malformed");
});
