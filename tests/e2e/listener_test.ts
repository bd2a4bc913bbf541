/** The public listener of the executable: what it accepts, and what it refuses for its signature or its body. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { configOf, type RunningRelay, SECRET, sign, startRelay } from "../helpers/relay.ts";
import { type Sink, startSink } from "../helpers/sink.ts";
import { exchange } from "./raw.ts";

const EVENT =
  '{"event":"note.completed","timestamp":"2024-02-14T18:25:43Z","data":{"note_id":"n1","status":"completed"}}';

const NEW_SECRET = "whs_fedcba9876543210fedcba9876543210";

/** Starts a relay that sends everything to one sink; its source is in the middle of a change of secrets. */
async function withRelay(use: (relay: RunningRelay, sink: Sink) => Promise<void>): Promise<void> {
  const sink = await startSink();
  const relay = await startRelay(`import { connectvets, defineConfig, http } from "relay";
export default defineConfig({
  listen: { host: "127.0.0.1", port: 0 },
  admin: false,
  sources: { connectvets: connectvets({ path: "/webhook", secret: ["${NEW_SECRET}", "${SECRET}"] }) },
  targets: { sistema: http({ url: "${sink.url}/in" }) },
  routes: [{ on: "**", to: "sistema" }],
});
`);
  try {
    await use(relay, sink);
  } finally {
    await relay.close();
    await sink.close();
  }
}

/** Sends a genuine event and asserts that it is the only one that ever reached the sink. */
async function assertOnlyThisArrives(relay: RunningRelay, sink: Sink): Promise<void> {
  assert.equal((await relay.post(EVENT)).text, "OK");
  await relay.logged("the delivery", (record) => String(record.message).startsWith("delivered"));
  assert.deepEqual(sink.requests.map(({ body }) => body.toString()), [EVENT]);
}

test("serve delivers a signed event's exact bytes once, and says so", async () => {
  const sink = await startSink();
  const relay = await startRelay(configOf({
    targets: `sistema: http({ url: "${sink.url}/in" })`,
    routes: `{ on: "note.*", to: "sistema" }`,
  }));
  try {
    const first = await relay.post(EVENT);
    assert.deepEqual([first.status, first.text], [200, "OK"]);
    const again = await relay.post(EVENT);
    assert.deepEqual([again.status, again.text], [200, "Already processed"]);
    for (const { headers } of [first, again]) assert.match(headers.get("Content-Type")!, /^text\/plain/);
    const [request] = await sink.received(1);
    assert.equal(request!.body.toString(), EVENT);
    assert.equal(request!.headers["x-connectvets-signature"], sign(EVENT));
    assert.equal(request!.headers["content-type"], "application/json");
    await relay.logged("the delivery", (record) => String(record.message).startsWith("delivered"));
    assert.equal(await relay.end(), 0);
    assert.equal(sink.requests.length, 1);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("serve accepts a good signature in every form, under every secret", async () => {
  await withRelay(async (relay, sink) => {
    const forms: [name: string, form: (good: string, body: string) => string][] = [
      ["as documented", (good) => good],
      ["upper case", (good) => `sha256=${good.slice(7).toUpperCase()}`],
      ["bare", (good) => good.slice(7)],
      ["bare and upper case", (good) => good.slice(7).toUpperCase()],
      ["the other secret", (_good, body) => sign(body, NEW_SECRET)],
      ["after a wrong one", (good) => `${sign("another body")}, ${good}`],
      ["before a wrong one", (good) => `${good},sha256=test`],
      ["under both secrets", (good, body) => `${sign(body, NEW_SECRET)}, ${good}`],
    ];
    for (const [name, form] of forms) {
      const body = JSON.stringify({ event: "note.completed", data: { note_id: name } });
      const { status, text } = await relay.post(body, { signature: form(sign(body), body) });
      assert.deepEqual([name, status, text], [name, 200, "OK"]);
    }
    const twoLines = '{"event":"note.failed","data":{}}';
    const answer = await exchange(relay.port, [
      "POST /webhook HTTP/1.1",
      `Content-Length: ${twoLines.length}`,
      `X-ConnectVets-Signature: ${sign("another body")}`,
      `X-ConnectVets-Signature: ${sign(twoLines)}`,
    ], twoLines);
    assert.deepEqual([answer.status, answer.text], [200, "OK"]);
    await sink.received(forms.length + 1);
  });
});

test("serve answers clients of HTTP/1.0, which name no host, and clients that name one that cannot be", async () => {
  await withRelay(async (relay, sink) => {
    for (const [at, start] of ["HTTP/1.0", "HTTP/1.1\r\nHost: no host/at all"].entries()) {
      const health = await exchange(relay.port, [`GET /healthz ${start}`]);
      assert.deepEqual([start, health.status, health.text], [start, 200, "OK"]);
      const body = EVENT.replace("n1", `n${at}é`);
      const head = [`Content-Length: ${Buffer.byteLength(body)}`, `X-ConnectVets-Signature: ${sign(body)}`];
      const answer = await exchange(relay.port, [`POST /webhook?from=old ${start}`, ...head], body);
      assert.deepEqual([start, answer.status, answer.text], [start, 200, "OK"]);
      assert.equal((await sink.received(at + 1))[at]!.body.toString(), body);
      assert.equal((await exchange(relay.port, [`PUT /webhook ${start}`])).headers.get("Allow"), "POST");
      assert.equal((await exchange(relay.port, [`GET //healthz ${start}`])).status, 404);
    }
  });
});

test("serve takes nothing of a trailer for a header", async () => {
  await withRelay(async (relay, sink) => {
    const size = EVENT.length.toString(16);
    const send = (head: string[], trailers: string) =>
      exchange(
        relay.port,
        ["POST /webhook HTTP/1.1", "Transfer-Encoding: chunked", ...head],
        `${size}\r\n${EVENT}\r\n0\r\n${trailers}\r\n`,
      );
    const signature = `X-ConnectVets-Signature: ${sign(EVENT)}`;
    const forged = await send([], `${signature}\r\n`);
    assert.deepEqual([forged.status, forged.text], [401, "Signature verification failed"]);
    const trailers = "Host: other\r\nContent-Encoding: gzip\r\nX-Forwarded-For: 9.9.9.9\r\n";
    assert.equal((await send([signature], trailers)).text, "OK");
    await sink.received(1);
  });
});

test("serve refuses every other signature with one sentence", async () => {
  await withRelay(async (relay, sink) => {
    const good = sign(EVENT).slice(7);
    const lengths = Array.from({ length: 131 }, (_, length) => length).filter((length) => length !== 64);
    const signatures: (string | null)[] = [
      null,
      "",
      "sha256=",
      "sha256=test",
      "sha256=,,,",
      sign("another body"),
      sign(EVENT, "another secret, as long as it may be"),
      sign(EVENT, ""),
      `sha256=${good.slice(0, 63)}${good.endsWith("0") ? "1" : "0"}`,
      `sha256=${"z".repeat(64)}`,
      `sha512=${good}`,
      Buffer.from(good, "hex").toString("base64"),
      "x".repeat(10_000),
      `sha256=${"0".repeat(100_000)}`,
      ...lengths.map((length) => `sha256=${good.repeat(3).slice(0, length)}`),
    ];
    for (const signature of signatures) {
      const { status, text, headers } = await relay.post(EVENT, { signature });
      assert.deepEqual([signature, status, text], [signature, 401, "Signature verification failed"]);
      assert.match(headers.get("Content-Type")!, /^text\/plain/);
    }
    for (const signature of ["sha256=assinaturaé", "😀".repeat(16), `sha256=${good.slice(0, 62)}ﬀ`]) {
      const head = [
        "POST /webhook HTTP/1.1",
        `Content-Length: ${EVENT.length}`,
        `X-ConnectVets-Signature: ${signature}`,
      ];
      const { status, text } = await exchange(relay.port, head, EVENT);
      assert.deepEqual([signature, status, text], [signature, 401, "Signature verification failed"]);
    }
    const unread = await relay.post("{", { signature: "sha256=test" });
    assert.deepEqual([unread.status, unread.text], [401, "Signature verification failed"]);
    await assertOnlyThisArrives(relay, sink);
  });
});

test("serve refuses a signed body that is no event in one clear sentence", async () => {
  await withRelay(async (relay, sink) => {
    const rows: [body: string | Uint8Array, why: RegExp][] = [
      ["", /empty/],
      ["\u{FEFF}", /JSON/],
      ["nota", /JSON/],
      ['{"event":"note.completed"', /JSON/],
      ["{'event':'note.completed'}", /JSON/],
      ["[]", /object/],
      ['[{"event":"note.completed"}]', /object/],
      ["null", /object/],
      ["7", /object/],
      ['"note.completed"', /object/],
      ["{}", /"event"/],
      ['{"event":1}', /"event"/],
      ['{"event":null}', /"event"/],
      ['{"Event":"note.completed"}', /"event"/],
      [Buffer.from('{"event":"ol\xe1"}', "latin1"), /UTF-8/],
      [Buffer.from([0xff, 0xfe, 0x7b, 0x00]), /UTF-8/],
      ["[".repeat(100_000), /JSON/],
      ['{"event":'.repeat(100_000), /JSON/],
    ];
    for (const [body, why] of rows) {
      const { status, text, headers } = await relay.post(body);
      const row = Buffer.from(body).toString().slice(0, 40);
      assert.equal(status, 400, `${row}: ${text}`);
      assert.match(text, /^The body [^\n]{5,60}$/, row);
      assert.match(text, why, row);
      assert.match(headers.get("Content-Type")!, /^text\/plain/);
    }
    await assertOnlyThisArrives(relay, sink);
  });
});

test("serve delivers every genuine event byte for byte, known to it or not", async () => {
  await withRelay(async (relay, sink) => {
    const bodies = [
      '{"event":"test","data":{}}',
      '\u{FEFF}{"event":"note.completed","data":{"note_id":"with a mark"}}',
      '{"event":"note.invented.tomorrow","data":{"new":[1,2.50,1e400]},"unknown":{"kept":true}}',
      ' {\r\n  "event" : "note.failed",\t"data":{"name":"R\\u00e9x","é":"ção"} }\n',
      '{"event":"","data":null}',
      '{"event":"linha\\nnova 😀\\ud800"}',
      '{"event":"__proto__","__proto__":{"event":1},"data":"x"}',
    ];
    for (const body of bodies) {
      const { status, text } = await relay.post(body);
      assert.deepEqual([body, status, text], [body, 200, "OK"]);
    }
    const requests = await sink.received(bodies.length);
    const arrived = new Set(requests.map(({ body }) => body.toString("hex")));
    for (const body of bodies) assert.ok(arrived.has(Buffer.from(body).toString("hex")), body);
  });
});

test("serve stays up under JSON that is nested without end", async () => {
  await withRelay(async (relay, sink) => {
    const depth = 200_000;
    const body = `{"event":"deep","data":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    const { status } = await relay.post(body);
    assert.ok(status === 200 || status === 400, `answered ${status}`);
    assert.equal((await relay.post(EVENT)).text, "OK");
    const expected = status === 200 ? [body, EVENT] : [EVENT];
    const requests = await sink.received(expected.length);
    assert.deepEqual(requests.map((request) => request.body.toString()).sort(), expected.sort());
  });
});
