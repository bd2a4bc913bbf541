/** The public listener of the executable: requests that are too large, too many, elsewhere, or cannot be stored. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { configOf, type RunningRelay, runRelay, sign, startRelay } from "../helpers/relay.ts";
import { hang, type Sink, startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";
import { chunk, exchange } from "./raw.ts";

const MIB = 1024 ** 2;

/** Starts a relay that sends everything to one sink. */
async function withRelay(
  parts: { source?: string; more?: string },
  use: (relay: RunningRelay, sink: Sink) => Promise<void>,
  sink?: Sink,
): Promise<void> {
  sink ??= await startSink();
  const targets = `sistema: http({ url: "${sink.url}/in" })`;
  const relay = await startRelay(configOf({ targets, routes: `{ on: "**", to: "sistema" }`, ...parts }));
  try {
    await use(relay, sink);
  } finally {
    await relay.close();
    await sink.close();
  }
}

/** A genuine event of this size. */
function eventOf(bytes: number): string {
  const start = '{"event":"note.completed","data":{"note_id":"';
  return `${start}${"n".repeat(bytes - start.length - 3)}"}}`;
}

/** A genuine event that no other call gives. */
function event(number: number): string {
  return `{"event":"note.completed","data":{"note_id":"${number}"}}`;
}

test("serve takes a body of 1 MiB and refuses a larger one", async () => {
  await withRelay({}, async (relay, sink) => {
    const largest = await relay.post(eventOf(MIB));
    assert.deepEqual([largest.status, largest.text], [200, "OK"]);
    const larger = await relay.post(eventOf(MIB + 1));
    assert.equal(larger.status, 413);
    assert.match(larger.text, /^The body is larger than 1048576 bytes$/);
    assert.match(larger.headers.get("Content-Type")!, /^text\/plain/);
    assert.equal((await relay.post(event(1))).text, "OK");
    assert.deepEqual((await sink.received(2)).map(({ body }) => body.length).sort(), [MIB, event(1).length].sort());
  });
});

test("serve refuses by header or by count what is over `maxBody`, and goes on", async () => {
  await withRelay({ more: 'maxBody: "1kb",' }, async (relay, sink) => {
    const head = (body: string) => ["POST /webhook HTTP/1.1", `X-ConnectVets-Signature: ${sign(body)}`];
    const [fits, large] = [eventOf(1024), eventOf(1025)];
    const end = chunk("");
    const pieces = (body: string) => [...chunk(body.slice(0, 700)), ...chunk(body.slice(700))];
    const chunked = "Transfer-Encoding: chunked";

    const rows: [name: string, head: string[], body: Uint8Array, status: number][] = [
      ["by header", [...head(large), "Content-Length: 1025"], Buffer.from(large), 413],
      ["by header, before the body", [...head(large), "Content-Length: 99999999999"], Buffer.from(""), 413],
      ["by count", [...head(large), chunked], Buffer.from([...pieces(large), ...end]), 413],
      ["by count, before its end", [...head(large), chunked], Buffer.from(pieces(large)), 413],
      ["a megabyte, by count", [...head(""), chunked], Buffer.from(chunk("x".repeat(MIB))), 413],
      ["as large as may be, in pieces", [...head(fits), chunked], Buffer.from([...pieces(fits), ...end]), 200],
    ];
    for (const [name, lines, body, status] of rows) {
      const answer = await exchange(relay.port, lines, body);
      assert.deepEqual([name, answer.status], [name, status], answer.text);
    }
    assert.equal((await relay.post(event(1))).text, "OK");
    const requests = await sink.received(2);
    assert.deepEqual(requests.map(({ body }) => body.toString()).sort(), [fits, event(1)].sort());
  });
});

test("serve refuses other methods, and knows no other path", async () => {
  await withRelay({}, async (relay, sink) => {
    for (const method of ["GET", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH"]) {
      const response = await fetch(`${relay.url}/webhook`, { method });
      await response.body?.cancel();
      assert.deepEqual([method, response.status, response.headers.get("Allow")], [method, 405, "POST"]);
      assert.match(response.headers.get("Content-Type")!, /^text\/plain/);
    }
    const paths = ["/", "/readyz", "/metrics", "/api", "/api/events", "/webhook/", "/webhook/x", "/WEBHOOK", "/%00"];
    for (const path of [...paths, "/events", "/.env", "/relay.db"]) {
      for (const method of ["GET", "POST"]) {
        const body = method === "POST"
          ? { body: event(1), headers: { "X-ConnectVets-Signature": sign(event(1)) } }
          : {};
        const response = await fetch(relay.url + path, { method, ...body });
        assert.deepEqual([method, path, response.status], [method, path, 404]);
        assert.match(response.headers.get("Content-Type")!, /^text\/plain/);
        await response.body?.cancel();
      }
    }
    const health = await fetch(`${relay.url}/healthz`);
    assert.equal(health.status, 200);
    assert.match(health.headers.get("Content-Type")!, /^text\/plain/);
    await health.body?.cancel();

    assert.equal((await relay.post(event(1), { path: "/webhook?from=connectvets" })).text, "OK");
    await sink.received(1);
  });
});

test("serve asks a sender that exceeds `rateLimit` to wait, also after a reload", async () => {
  await withRelay({ more: 'rateLimit: { per: "1h", limit: 3 },' }, async (relay) => {
    const accepted = [await relay.post(event(1)), await relay.post(event(1)), await relay.post(event(2))];
    assert.deepEqual(accepted.map(({ text }) => text), ["OK", "Already processed", "OK"]);
    const refused = await relay.post(event(3));
    assert.equal(refused.status, 429);
    const seconds = Number(refused.headers.get("Retry-After"));
    assert.ok(seconds > 3_500 && seconds <= 3_600, `Retry-After: ${seconds}`);
    assert.match(refused.headers.get("Content-Type")!, /^text\/plain/);
    assert.equal(await fetch(`${relay.url}/healthz`).then((response) => response.text()), "OK");

    process.kill(relay.child.pid!, "SIGHUP");
    await relay.logged("the reload", (record) => String(record.message).startsWith("reloaded"));
    assert.equal((await relay.post(event(3))).status, 429);
  });
});

test("serve counts and logs the client that its trusted proxies name, whatever a client forges", async () => {
  const from = (address: string) => ({ headers: { "X-Forwarded-For": address } });
  const rateLimit = 'rateLimit: { per: "1h", limit: 1 },';
  await withRelay({ more: `${rateLimit} trustProxy: 2,` }, async (relay) => {
    assert.equal((await relay.post(event(1), from("203.0.113.1, 10.0.0.1"))).status, 200);
    assert.equal((await relay.post(event(2), from("203.0.113.2, 10.0.0.1"))).status, 200);
    assert.equal((await relay.post(event(3), from("203.0.113.3, 203.0.113.1:4711, 10.0.0.1"))).status, 429);
    await relay.logged("who it was", ({ reason, client }) => reason === "rate_limited" && client === "203.0.113.1");
  });
  await withRelay({ more: rateLimit }, async (relay) => {
    assert.equal((await relay.post(event(1), from("203.0.113.1"))).status, 200);
    assert.equal((await relay.post(event(2), from("203.0.113.2"))).status, 429);
    await relay.logged("who it was", ({ reason, client }) => reason === "rate_limited" && client === "127.0.0.1");
  });
});

test("serve takes a sender in again when its window has passed", async () => {
  await withRelay({ source: 'rateLimit: { per: "1s", limit: 1 },' }, async (relay) => {
    assert.equal((await relay.post(event(1))).status, 200);
    const refused = await relay.post(event(2));
    assert.deepEqual([refused.status, refused.headers.get("Retry-After")], [429, "1"]);
    await until("the window to pass", async () => (await relay.post(event(2))).text === "OK");
  });
});

test("serve stores nothing beyond `maxBacklog`, and goes on when the backlog has gone", async () => {
  let isOpen = false;
  const held: (() => void)[] = [];
  const sink = await startSink((response) => {
    if (isOpen) response.end("ok");
    else held.push(() => response.end("ok"));
  });
  await withRelay({ more: "maxBacklog: 3," }, async (relay) => {
    for (const number of [1, 2, 3]) assert.equal((await relay.post(event(number))).text, "OK");
    const refused = await relay.post(event(4));
    assert.equal(refused.status, 503);
    assert.match(refused.headers.get("Retry-After")!, /^[1-9]\d*$/);
    assert.match(refused.headers.get("Content-Type")!, /^text\/plain/);
    await relay.logged("why", (record) => record.reason === "store_failed" && /maxBacklog/.test(`${record.problem}`));

    await sink.received(3);
    isOpen = true;
    for (const answer of held) answer();
    await until("the relay to take events again", async () => (await relay.post(event(4))).text === "OK");
    const requests = await sink.received(4);
    assert.deepEqual(requests.map(({ body }) => body.toString()).sort(), [1, 2, 3, 4].map(event));
  }, sink);
});

test("serve hardly counts against `maxBacklog` what was delivered, however fast events come", async () => {
  await withRelay({ more: "maxBacklog: 2," }, async (relay) => {
    const delivered = () => relay.log().filter(({ message }) => `${message}`.startsWith("delivered")).length;
    let refused = 0;
    for (let number = 1; number <= 20; number++) {
      await until("the event to be taken", async () => {
        const { status } = await relay.post(event(number));
        if (status === 503) refused++;
        return status === 200;
      });
      await until("the delivery", () => delivered() === number);
    }
    assert.ok(refused < 20, `${refused} times`);
  });
});

test("serve counts against `maxBacklog` what an operator had delivered anew", async () => {
  await withRelay({ more: "maxBacklog: 3," }, async (relay) => {
    assert.equal((await relay.post(event(1))).text, "OK");
    for (const _ of [2, 3]) assert.equal((await runRelay(["replay", "--since", "1h"], { cwd: relay.folder })).code, 0);
    // A repeat, which adds nothing itself.
    await until("the relay to be full", async () => (await relay.post(event(1))).status === 503);
  }, await startSink(hang));
});

test("serve never says OK for what it cannot store, and recovers by itself", async () => {
  await withRelay({}, async (relay, sink) => {
    const other = new DatabaseSync(join(relay.folder, "relay.db"));
    try {
      other.exec("PRAGMA busy_timeout = 5000; BEGIN EXCLUSIVE");
      const refused = await relay.post(event(1)); // after the time that the store waits for a lock
      assert.equal(refused.status, 503);
      assert.match(refused.headers.get("Retry-After")!, /^[1-9]\d*$/);
      assert.match(refused.headers.get("Content-Type")!, /^text\/plain/);
      assert.doesNotMatch(refused.text, /sqlite|locked|relay\.db/i);
      await relay.logged("why", (record) => record.reason === "store_failed" && /locked/.test(`${record.problem}`));
      assert.equal(sink.requests.length, 0);
      other.exec("ROLLBACK");
    } finally {
      other.close();
    }
    const again = await relay.post(event(1));
    assert.deepEqual([again.status, again.text], [200, "OK"]);
    assert.equal((await sink.received(1))[0]!.body.toString(), event(1));
  });
});
