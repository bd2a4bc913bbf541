/** The http target: what it sends, and what it makes of every answer. */

import { Webhook } from "standardwebhooks";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import type { Outcome } from "../../lib/outcome.ts";
import { attempt } from "../helpers/attempt.ts";
import { httpTarget } from "../../lib/targets/http.ts";
import type { Delivery } from "../../lib/targets/target.ts";
import { type Respond, type SinkRequest, startSink, status } from "../helpers/sink.ts";
import { makeDelivery, makeEvent, makeTarget, never, samplePayload } from "../helpers/target.ts";
import { sendForever, startTcp, testContract } from "./contract.ts";

const SIGN = `whsec_${Buffer.from("a secret of thirty-two bytes ...").toString("base64")}`;
const TOKENS = "/hook/ETLSTOKEN/tls-token?key=query-token";

const against = (respond: Respond) => async (options: object) => {
  const sink = await startSink(respond);
  return { target: makeTarget(httpTarget, { ...options, url: sink.url + TOKENS, sign: SIGN }), close: sink.close };
};

const answering = (head: string, more = "") => async (options: object) => {
  const { authority, close } = await startTcp((socket) =>
    socket.once("data", () => {
      socket.write(head);
      if (more) sendForever(socket, more);
      else socket.end();
    })
  );
  return { target: makeTarget(httpTarget, { ...options, url: `http://${authority}${TOKENS}` }), close };
};

testContract("http", {
  good: against(status(200)),
  failing: against(status(503)),
  refusing: against(status(400)),
  hanging: against(() => {}),
  at: (authority, options) => makeTarget(httpTarget, { ...options, url: `http://${authority}${TOKENS}` }),
  hostile: {
    "an answer that is not HTTP": { make: answering("\0\xff nothing like HTTP\r\n\r\n"), kind: "retry" },
    "a connection that is cut": { make: answering(""), kind: "retry", reason: "connection_reset" },
    "an answer cut in its body": {
      make: answering("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"),
      kind: "delivered",
    },
    "a body that does not end": { make: answering("HTTP/1.1 200 OK\r\n\r\n", "x".repeat(999)), kind: "delivered" },
    "a body that never comes": {
      make: against((response) => void response.writeHead(200).flushHeaders()),
      kind: "delivered",
    },
    "headers that do not end": { make: answering("HTTP/1.1 200 OK\r\n", `X: ${"x".repeat(9_999)}\r\n`), kind: "retry" },
    "a body that is no gzip": {
      make: answering("HTTP/1.1 500 Oh\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"),
      kind: "retry",
      reason: "server_failed",
    },
  },
  secrets: ["ETLSTOKEN", "tls-token", "query-token", SIGN],
});

/** Makes one attempt at a sink, and gives the outcome with what arrived. */
async function send(
  options: Record<string, unknown> = {},
  delivery: Delivery = makeDelivery(),
  respond: Respond = status(200, "ok"),
): Promise<{ outcome: Outcome | undefined; requests: SinkRequest[] }> {
  const sink = await startSink(respond);
  try {
    const target = makeTarget(httpTarget, { url: `${sink.url}/in`, ...options });
    return { outcome: await attempt(target, () => delivery, never), requests: sink.requests };
  } finally {
    await sink.close();
  }
}

test("deliver() sends the exact bytes received, with their content type and signature", async () => {
  const body = Buffer.from('\uFEFF{ "event":"note.failed",\r\n "data":{"nome":"Pé \\u0000 💛"} }\n');
  const headers = { "content-type": "application/json; charset=utf-8", "x-connectvets-signature": "sha256=0a1b" };
  const { requests: [request] } = await send({}, makeDelivery(makeEvent(samplePayload, { body, headers })));
  assert.ok(request);
  assert.deepEqual([request.method, request.path], ["POST", "/in"]);
  assert.deepEqual(request.body, body);
  assert.equal(request.headers["content-type"], "application/json; charset=utf-8");
  assert.equal(request.headers["x-connectvets-signature"], "sha256=0a1b");
});

test("deliver() names the event, the delivery and the attempt in headers", async () => {
  const { requests: [request] } = await send({}, makeDelivery(makeEvent(), { attempt: 3 }));
  assert.ok(request);
  assert.equal(request.headers["relay-event-id"], "0190b0f0-0000-7000-8000-000000000001");
  assert.equal(request.headers["relay-event-type"], "note.failed");
  assert.equal(request.headers["relay-delivery-id"], "0190b0f0-0000-7000-8000-00000000000d");
  assert.equal(request.headers["relay-attempt"], "3");
});

const types = [
  { type: "nota.concluída", header: "nota.conclu%C3%ADda" },
  { type: "a b\r\nX-Evil: 1\0", header: "a%20b%0D%0AX-Evil:%201%00" },
  { type: "💛\ud800", header: "%F0%9F%92%9B%EF%BF%BD" },
  { type: "x".repeat(300), header: "x".repeat(256) },
];
for (const { type, header } of types) {
  test(`deliver() writes the type ${JSON.stringify(type).slice(0, 30)} so that a header holds it`, async () => {
    const { outcome, requests: [request] } = await send({}, makeDelivery(makeEvent({ event: type })));
    assert.equal(outcome?.kind, "delivered");
    assert.equal(request?.headers["relay-event-type"], header);
    assert.equal(request?.headers["x-evil"], undefined);
  });
}

const bodies = [
  { name: "a value", body: { ok: [1, "é"] }, json: { ok: [1, "é"] } },
  { name: "null", body: null, json: null },
  { name: "a function", body: (e: typeof samplePayload) => ({ nota: e.data.note_id }), json: { nota: "nota-42" } },
];
for (const { name, body, json } of bodies) {
  test(`deliver() sends ${name} as JSON, without the sender's signature`, async () => {
    const { requests: [request] } = await send({ body });
    assert.deepEqual(JSON.parse(String(request?.body)), json);
    assert.equal(request?.headers["content-type"], "application/json");
    assert.equal(request?.headers["x-connectvets-signature"], undefined);
  });
}

test("deliver() prefers the route's body to the target's", async () => {
  const { requests: [request] } = await send(
    { body: "alvo" },
    makeDelivery(makeEvent(), { message: { body: "rota" } }),
  );
  assert.equal(String(request?.body), '"rota"');
});

test("deliver() uses the method and adds the headers of the config", async () => {
  const headers = { Authorization: "Bearer abc", "Content-Type": "application/vnd.nota+json" };
  const { requests: [request] } = await send({ method: "PUT", headers });
  assert.equal(request?.method, "PUT");
  assert.equal(request?.headers.authorization, "Bearer abc");
  assert.equal(request?.headers["content-type"], "application/vnd.nota+json");
});

test("deliver() lets no header of the config stand in for the relay's own", async () => {
  const { requests: [request] } = await send({ headers: { "relay-delivery-id": "forged" } });
  assert.equal(request?.headers["relay-delivery-id"], makeDelivery().id);
});

for (const body of [undefined, { nome: "Pé 💛" }]) {
  test(`deliver() signs ${body ? "its own body" : "the bytes received"} by Standard Webhooks`, async () => {
    const delivery = makeDelivery(makeEvent({ event: "nota.concluída" }));
    const { requests: [request] } = await send({ sign: SIGN, ...(body && { body }) }, delivery);
    assert.ok(request);
    assert.equal(request.headers["webhook-id"], delivery.id);
    const headers = request.headers as Record<string, string>;
    new Webhook(SIGN).verify(request.body.toString(), headers);
    assert.throws(() => new Webhook(SIGN).verify(`${request.body} `, headers));
  });
}

const invalid: { name: string; body: () => unknown; detail: RegExp }[] = [
  {
    name: "throws",
    body: () => {
      throw new Error("sem nota");
    },
    detail: /^Cannot make the body: its function threw: sem nota$/,
  },
  { name: "gives nothing", body: () => undefined, detail: /returns undefined$/ },
  { name: "gives a promise", body: () => Promise.reject(new Error("late")), detail: /returns a promise/ },
  {
    name: "gives a circle",
    body: () => {
      const circle: { self?: unknown } = {};
      return circle.self = circle;
    },
    detail: /cannot be written as JSON/,
  },
  { name: "gives a BigInt", body: () => ({ n: 1n }), detail: /cannot be written as JSON/ },
  { name: "gives a function", body: () => () => {}, detail: /a function cannot be written as JSON$/ },
];
for (const { name, body, detail } of invalid) {
  test(`deliver() is dead and sends nothing where the body's function ${name}`, async () => {
    const { outcome, requests } = await send({ body });
    assert.ok(outcome?.kind === "dead", outcome?.kind);
    assert.equal(outcome.reason, "message_invalid");
    assert.match(String(outcome.detail), detail);
    assert.equal(requests.length, 0);
  });
}

const excerpts: [what: string, headers: Record<string, string>, body: string, excerpt: string][] = [
  ["1 KiB of a text", {}, "x".repeat(2_000), "x".repeat(1_024)],
  ["whole characters alone", {}, "x".repeat(1_023) + "é", "x".repeat(1_023)],
  ["how an answer is compressed, and its length", { "Content-Encoding": "br" }, "\0\x01\x02", "[br, 3 bytes]"],
  [
    "that a compressed one is long",
    { "Content-Encoding": "GZIP" },
    "x".repeat(70_000),
    "[gzip, > 65536 bytes]",
  ],
  ["a text that is said not to be compressed", { "Content-Encoding": "identity" }, "ok", "ok"],
  ["nothing of an answer without a body", { "Content-Encoding": "br" }, "", ""],
];
for (const [what, headers, body, excerpt] of excerpts) {
  test(`deliver() keeps ${what}`, async () => {
    const { outcome } = await send({}, makeDelivery(), status(200, body, headers));
    assert.deepEqual([outcome?.kind, outcome?.answer], ["delivered", excerpt]);
  });
}

test("render() shows what would be sent", () => {
  const body = (e: typeof samplePayload) => [e.event];
  const target = (options: object) => makeTarget(httpTarget, { url: "http://127.0.0.1/", ...options });
  assert.deepEqual(target({ body }).render(makeEvent(), {}), { body: ["note.failed"] });
  assert.deepEqual(target({}).render(makeEvent(), {}), { body: JSON.stringify(samplePayload) });
});

test("build() names its secrets, and keeps them out of its address", () => {
  const url = "https://u:p%40ss@sistema.example/hook?key=k-123";
  const target = makeTarget(httpTarget, { url, sign: SIGN, headers: { Authorization: "Bearer abc", "X-Shop": "1" } });
  for (const secret of ["p@ss", "p%40ss", "k-123", SIGN, "Bearer abc"]) {
    assert.ok(target.secrets.includes(secret), secret);
  }
  assert.equal(target.address, "POST https://sistema.example");
});
