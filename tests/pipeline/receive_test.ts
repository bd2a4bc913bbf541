/** Receiving: what comes in is answered as the contract says, and only what is genuine and sound is accepted. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { systemClock } from "../../lib/clock.ts";
import { StoreError } from "../../lib/errors.ts";
import type { Received } from "../../lib/pipeline/accept.ts";
import { createReceive, type ReceiveConfig } from "../../lib/pipeline/receive.ts";
import { Windows } from "../../lib/window.ts";
import { redactor } from "../../lib/secret.ts";
import type { Refusal } from "../../lib/refusal.ts";
import { hmacSource } from "../../lib/sources/hmac.ts";
import { requestTo, type Source, type SourceRequest } from "../../lib/sources/source.ts";
import { incomingOf } from "../helpers/incoming.ts";

const SECRET = "whs_0123456789abcdef";
const MAX_BODY = 4_096;
const HEADER = "X-Signature";

const sourceOf = (options: object = {}) =>
  hmacSource.build(
    "clinic",
    hmacSource.schema.parse({ path: "/hook", secret: ["old secret", SECRET], header: HEADER, ...options }),
  );

const plain = sourceOf();

type Verdict = "stored" | "duplicate" | Error;

type Handshaker = NonNullable<Source["handshake"]>;

/** A receiver whose `accept` remembers what reached it and answers as told. */
function start(options: { source?: object; verdict?: Verdict; trustedProxies?: number; handshake?: Handshaker } = {}) {
  const accepted: Received[] = [];
  const refusals: Refusal[] = [];
  const source = { ...sourceOf(options.source), handshake: options.handshake };
  const config: ReceiveConfig = {
    sources: [{ ...source, maxBodyBytes: source.maxBodyBytes ?? MAX_BODY }],
    targets: new Map(),
    routes: [],
    trustedProxies: options.trustedProxies ?? 0,
    redact: redactor([]),
    onRefused: (_, reason) => refusals.push(reason),
  };
  const receive = createReceive(
    config,
    async (received) => {
      accepted.push(received);
      if (options.verdict instanceof Error) throw options.verdict;
      return options.verdict ?? "stored";
    },
    { hear: () => Promise.resolve(0) },
    new Windows(),
    systemClock,
  );
  const send = async (path: string, init: Parameters<typeof incomingOf>[1] = {}) => {
    const response = await receive(incomingOf(`http://relay${path}`, init));
    return { status: response.status, text: await response.clone().text(), headers: response.headers };
  };
  const post = (body: string | Uint8Array, signature: string | null = sign(body), headers = {}, client?: string) =>
    send("/hook", {
      method: "POST",
      body,
      headers: signature === null ? headers : { ...headers, [HEADER]: signature },
      client,
    });
  return { accepted, refusals, send, post };
}

function sign(body: string | Uint8Array): string {
  return plain.sign(requestTo(plain, { headers: {}, body: Buffer.from(body) }, 0))[HEADER]!;
}

const EVENT = '{"event":"note.completed","data":{"note_id":"n1"}}';

test("receive() hands on the exact bytes, the payload and the headers that go with them", async () => {
  const { accepted, post } = start();
  const body = Buffer.from(`\ufeff ${EVENT}\r\n`);
  const answer = await post(body, sign(body), { "Content-Type": "application/json", Cookie: "a=b" });
  assert.deepEqual([answer.status, answer.text], [200, "OK"]);
  assert.match(answer.headers.get("Content-Type")!, /^text\/plain/);
  const [received] = accepted;
  assert.deepEqual(Buffer.from(received!.body), body);
  assert.deepEqual(received!.event.payload, JSON.parse(EVENT));
  assert.deepEqual(received!.headers, { "Content-Type": "application/json", [HEADER]: sign(body) });
  assert.equal(received!.secretIndex, 0);
  assert.equal(received!.source.name, "clinic");
});

test("receive() says so where the event was there already", async () => {
  const { post } = start({ verdict: "duplicate" });
  const { status, text } = await post(EVENT);
  assert.deepEqual([status, text], [200, "Already processed"]);
});

const refused: [what: string, body: string | Uint8Array, signature: string | null, status: number, text: RegExp][] = [
  ["no signature", EVENT, null, 401, /^Signature verification failed$/],
  ["an empty signature", EVENT, "", 401, /^Signature verification failed$/],
  ["a malformed signature", EVENT, "sha256=test", 401, /^Signature verification failed$/],
  ["a wrong signature", EVENT, sign("other"), 401, /^Signature verification failed$/],
  ["no signature over rubbish", "rubbish", null, 401, /^Signature verification failed$/],
  ["an empty body", "", sign(""), 400, /^The body is empty$/],
  ["no UTF-8", Buffer.from([0x7b, 0xff]), sign(Buffer.from([0x7b, 0xff])), 400, /^The body is not valid UTF-8$/],
  ["no JSON", "{", sign("{"), 400, /^The body is not valid JSON$/],
  ["no object", '["event"]', sign('["event"]'), 400, /^The body is not a JSON object$/],
  ["no event", "{}", sign("{}"), 400, /^The body has no string "event"$/],
  ["an event that is no text", '{"event":1}', sign('{"event":1}'), 400, /^The body has no string "event"$/],
  ["too large a body", "x".repeat(MAX_BODY + 1), null, 413, /^The body is larger than 4096 bytes$/],
];

for (const [what, body, signature, status, text] of refused) {
  test(`receive() answers ${status} to ${what}`, async () => {
    const { accepted, post } = start();
    const answer = await post(body, signature);
    assert.equal(answer.status, status);
    assert.match(answer.text, text);
    assert.match(answer.headers.get("Content-Type")!, /^text\/plain/);
    assert.deepEqual(accepted, []);
  });
}

test("receive() answers 413 by the header that gives the length, without reading", async () => {
  const { accepted, post } = start();
  const { status } = await post(EVENT, sign(EVENT), { "Content-Length": String(MAX_BODY + 1) });
  assert.equal(status, 413);
  assert.deepEqual(accepted, []);
});

test("receive() takes a body of just the size that is allowed, by the source's own limit first", async () => {
  const body = JSON.stringify({ event: "a", pad: "x".repeat(76) });
  assert.equal((await start({ source: { maxBody: Buffer.byteLength(body) } }).post(body)).status, 200);
  assert.equal((await start({ source: { maxBody: Buffer.byteLength(body) - 1 } }).post(body)).status, 413);
});

const others: [method: string, path: string, status: number][] = [
  ["GET", "/hook", 405],
  ["PUT", "/hook", 405],
  ["DELETE", "/hook", 405],
  ["GET", "/healthz", 200],
  ["POST", "/", 404],
  ["POST", "/hook/", 404],
  ["POST", "/hook/x", 404],
  ["GET", "/readyz", 404],
  ["GET", "/metrics", 404],
  ["GET", "/api/events", 404],
];

for (const [method, path, expected] of others) {
  test(`receive() answers ${expected} to ${method} ${path}`, async () => {
    const { accepted, send } = start();
    const { status, headers } = await send(path, { method });
    assert.equal(status, expected);
    assert.equal(headers.get("Allow"), expected === 405 ? "POST" : null);
    assert.deepEqual(accepted, []);
  });
}

for (
  const [what, error] of [["a store that cannot", new StoreError("disk full")], ["a fault", new Error("boom")]] as const
) {
  test(`receive() answers 503 and a time to come again for ${what}`, async () => {
    const { status, text, headers } = await start({ verdict: error }).post(EVENT);
    assert.equal(status, 503);
    assert.match(headers.get("Retry-After")!, /^\d+$/);
    assert.doesNotMatch(text, /disk full|boom/);
  });
}

test("receive() answers 429 to a client that comes too often, and to no other", async () => {
  const { accepted, post } = start({ source: { rateLimit: { per: "1h", limit: 2 } } });
  const statuses: number[] = [];
  for (let count = 0; count < 3; count++) statuses.push((await post(EVENT)).status);
  assert.deepEqual(statuses, [200, 200, 429]);
  const { status, headers } = await post(EVENT);
  const seconds = Number(headers.get("Retry-After"));
  assert.ok(status === 429 && seconds > 3_500 && seconds <= 3_600, `${status}, after ${seconds} s`);
  assert.equal((await post(EVENT, undefined, {}, "192.0.2.2")).status, 200);
  assert.equal(accepted.length, 3);
});

test("receive() counts by the address that a trusted proxy names, and by no other", async () => {
  const source = { rateLimit: { per: "1h", limit: 1 } };
  const direct = start({ source });
  const proxied = start({ source, trustedProxies: 1 });
  const from = (address: string) => ({ "X-Forwarded-For": address });
  assert.equal((await direct.post(EVENT, undefined, from("203.0.113.1"))).status, 200);
  assert.equal((await direct.post(EVENT, undefined, from("203.0.113.2"))).status, 429);
  const rows: [forwardedFor: string, status: number][] = [
    ["203.0.113.1", 200],
    ["203.0.113.2", 200],
    ["203.0.113.9, 203.0.113.1:99", 429],
    ["2001:db8::1", 200],
    ["2001:db8::ffff:2", 429],
    ["2001:db8:0:1::1", 200],
  ];
  for (const [forwardedFor, status] of rows) {
    assert.equal((await proxied.post(EVENT, undefined, from(forwardedFor))).status, status, forwardedFor);
  }
});

test("receive() asks a source for its handshake first, by any method, with the request whole", async () => {
  const seen: SourceRequest[] = [];
  const handshake: Handshaker = (request) => {
    seen.push(request);
    return { ok: true, status: 202, headers: { "Content-Type": "application/json" }, body: '{"a":1}' };
  };
  const { accepted, send } = start({ handshake });
  for (const method of ["GET", "PUT", "POST"]) {
    const body = method === "GET" ? "" : "x=1";
    const answer = await send("/hook?challenge=1", { method, body, headers: { "X-Mode": "subscribe" } });
    assert.deepEqual([answer.status, answer.text], [202, '{"a":1}']);
    assert.equal(answer.headers.get("Content-Type"), "application/json");
    const request = seen.at(-1)!;
    assert.deepEqual([request.method, request.url], [method, "http://relay/hook?challenge=1"]);
    assert.deepEqual([request.headers.get("x-mode"), Buffer.from(request.body).toString()], ["subscribe", body]);
    assert.deepEqual([...request.headers].filter(([name]) => name === "x-mode"), [["x-mode", "subscribe"]]);
  }
  assert.deepEqual(accepted, []);
});

test("receive() goes on as ever where a request is no handshake, and refuses one that is not genuine", async () => {
  const none = start({ handshake: () => undefined });
  assert.equal((await none.post(EVENT)).status, 200);
  const other = await none.send("/hook", { method: "GET" });
  assert.deepEqual([other.status, other.headers.get("Allow")], [405, "POST"]);
  assert.equal((await none.send("/hook", { method: "PUT", body: "x".repeat(MAX_BODY + 1) })).status, 413);

  const { send, refusals } = start({ handshake: () => ({ ok: false, reason: "signature_wrong" }) });
  const forged = await send("/hook?challenge=1");
  assert.deepEqual([forged.status, forged.text], [401, "Signature verification failed"]);
  assert.deepEqual(refusals, ["signature_wrong"]);
});

test("receive() counts handshakes against the rate limit", async () => {
  const handshake: Handshaker = () => ({ ok: true, status: 200, headers: {}, body: "" });
  const { send } = start({ handshake, source: { rateLimit: { per: "1h", limit: 1 } } });
  assert.deepEqual([(await send("/hook")).status, (await send("/hook")).status], [200, 429]);
});

const anyBody = fc.uint8Array({ maxLength: MAX_BODY + 100 });

test("receive() answers any bytes with any signature by 401 or 413, and accepts none", async () => {
  const { accepted, post } = start();
  const anySignature = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."0123456789abcdef=,-+/ sha") }),
    fc.string({ unit: "binary-ascii" }).map((text) => text.replaceAll(/[\r\n\0]/g, "")),
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex")),
    fc.constant(null),
  );
  await fc.assert(fc.asyncProperty(anyBody, anySignature, async (body, signature) => {
    const { status } = await post(body, signature);
    assert.equal(status, body.byteLength > MAX_BODY ? 413 : 401);
  }));
  assert.deepEqual(accepted, []);
});

test("receive() answers any signed bytes by 200 or 400, and accepts those with a string `event`", async () => {
  const json = fc.oneof(
    fc.json(),
    fc.record({ event: fc.oneof(fc.string({ unit: "binary" }), fc.integer()) }).map((one) => JSON.stringify(one)),
  );
  const body = fc.oneof(fc.uint8Array({ maxLength: 200 }), json.map((text) => new Uint8Array(Buffer.from(text))));
  await fc.assert(fc.asyncProperty(body, async (body) => {
    const { accepted, post } = start();
    const { status } = await post(body);
    assert.ok(status === 200 || status === 400, `${status}`);
    assert.equal(accepted.length, status === 200 ? 1 : 0);
    if (status === 200) assert.equal(typeof accepted[0]!.event.type, "string");
  }));
});
