/** The executable's life: killed, ended and restarted, without losing an event. */

import assert from "node:assert/strict";
import { connect } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, sign, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { sleep } from "../helpers/wait.ts";
import { exchange } from "./raw.ts";

/** A genuine event that no other number gives. */
function event(number: number): string {
  return `{"event":"note.completed","data":{"note_id":"${number}"}}`;
}

/** A config that sends everything to this URL. */
function configTo(url: string, more = ""): string {
  const targets = `sistema: http({ url: ${JSON.stringify(url)} })`;
  return configOf({ targets, routes: `{ on: "**", to: "sistema" }`, more });
}

test("serve delivers after `kill -9` all that it had said OK to", async () => {
  const folder = makeFolder();
  let isKilled = false;
  const sink = await startSink((response) => {
    if (isKilled) response.end("ok");
  });
  const config = configTo(`${sink.url}/in`);
  let relay = await startRelay(config, { folder: folder.path });
  try {
    const bodies = Array.from({ length: 30 }, (_, number) => event(number));
    await Promise.all(bodies.map(async (body) => assert.equal((await relay.post(body)).text, "OK")));
    await relay.end("SIGKILL");
    isKilled = true;

    relay = await startRelay(config, { folder: folder.path });
    const delivered = () => relay.log().filter(({ message }) => String(message).startsWith("delivered"));
    await relay.logged("every delivery", () => delivered().length === bodies.length);
    assert.equal(new Set(delivered().map((record) => record.event)).size, bodies.length);
    const arrived = new Set(sink.requests.map(({ body }) => body.toString()));
    assert.deepEqual([...arrived].sort(), bodies.sort());
    assert.equal((await relay.post(bodies[0]!)).text, "Already processed");
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});

test("serve repeats a delivery that `kill -9` cut under the same delivery id", async () => {
  const folder = makeFolder();
  const sink = await startSink((response, _request, count) => {
    if (count > 1) response.end("ok");
  });
  const config = configTo(`${sink.url}/in`);
  let relay = await startRelay(config, { folder: folder.path });
  try {
    assert.equal((await relay.post(event(1))).text, "OK");
    await sink.received(1);
    await relay.end("SIGKILL");

    relay = await startRelay(config, { folder: folder.path });
    const [first, second] = await sink.received(2);
    assert.equal(second!.body.toString(), event(1));
    assert.equal(second!.headers["x-connectvets-signature"], sign(event(1)));
    for (const name of ["relay-delivery-id", "relay-event-id"]) {
      assert.equal(second!.headers[name], first!.headers[name]);
    }
    await relay.logged("the delivery", ({ message }) => String(message).startsWith("delivered"));
    assert.equal((await relay.post(event(1))).text, "Already processed");
    assert.equal(await relay.end(), 0);

    relay = await startRelay(config, { folder: folder.path });
    assert.equal((await relay.post(event(2))).text, "OK");
    assert.equal((await sink.received(3))[2]!.body.toString(), event(2));
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});

test("serve finishes on SIGTERM the delivery that is in flight", async () => {
  let answer = () => {};
  const sink = await startSink((response) => {
    answer = () => void response.end("ok");
  });
  const relay = await startRelay(configTo(`${sink.url}/in`));
  try {
    await relay.post(event(1));
    await sink.received(1);
    const ended = relay.end();
    await relay.logged("the signal", ({ message }) => String(message).startsWith("stopping"));
    await assert.rejects(async () => {
      for (;;) await exchange(relay.port, ["GET /healthz HTTP/1.1"]);
    });
    answer();
    assert.equal(await ended, 0);
    const messages = relay.log().map(({ message }) => String(message));
    assert.ok(messages.some((message) => message.startsWith("delivered")), messages.join("\n"));
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("serve takes signals to stop that come together for one", async () => {
  let answer = () => {};
  const sink = await startSink((response) => answer = () => response.end("ok"));
  const relay = await startRelay(configTo(`${sink.url}/in`));
  try {
    assert.equal((await relay.post(event(1))).text, "OK");
    await sink.received(1);
    for (const signal of ["SIGTERM", "SIGTERM", "SIGINT"] as const) process.kill(relay.child.pid!, signal);
    await relay.logged("that it stops", ({ message }) => /^stopping on /.test(String(message)));
    answer();
    assert.equal(await relay.exited, 0);
    assert.match(relay.output(), /"message":"delivered/);
  } finally {
    await relay.close();
    await sink.close();
  }
});

test("serve takes on SIGTERM the request that is coming in", async () => {
  const sink = await startSink();
  const relay = await startRelay(configTo(`${sink.url}/in`));
  const socket = connect(relay.port, "127.0.0.1");
  try {
    const answer = new Promise<string>((resolve) => {
      socket.on("data", (chunk) => resolve(chunk.toString("latin1")));
      socket.on("error", () => {});
      socket.on("close", () => resolve("no answer"));
    });
    const body = event(1);
    const head = [
      "POST /webhook HTTP/1.1",
      "Host: x",
      `X-ConnectVets-Signature: ${sign(body)}`,
      `Content-Length: ${body.length}`,
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n${body.slice(0, 10)}`);
    await sleep(100);
    const ended = relay.end();
    await relay.logged("the signal", ({ message }) => String(message).startsWith("stopping"));
    await sleep(100);
    socket.write(body.slice(10));
    assert.match(await answer, /^HTTP\/1\.1 200 /);
    socket.destroy();
    assert.equal(await ended, 0);
  } finally {
    socket.destroy();
    await relay.close();
    await sink.close();
  }
});

test("serve charges no attempt for a delivery that SIGTERM cut", async () => {
  const folder = makeFolder();
  const sink = await startSink((response, _request, count) => {
    if (count > 1) response.end("ok");
  });
  const config = configTo(`${sink.url}/in`, 'drain: "100ms", retry: "none",');
  let relay = await startRelay(config, { folder: folder.path });
  try {
    await relay.post(event(1));
    await sink.received(1);
    const endsAt = Date.now();
    assert.equal(await relay.end(), 0);
    assert.ok(Date.now() - endsAt < 9_000, "as long as `drain` says, not the 10 s of the default");
    const attempts = relay.log().filter(({ message }) => /^(failed|dead|delivered)/.test(String(message)));
    assert.deepEqual(attempts, []);

    relay = await startRelay(config, { folder: folder.path });
    const [first, second] = await sink.received(2);
    assert.deepEqual([first, second].map((request) => request!.headers["relay-attempt"]), ["1", "1"]);
    assert.equal(second!.headers["relay-delivery-id"], first!.headers["relay-delivery-id"]);
    await relay.logged("the delivery", ({ message }) => String(message).startsWith("delivered"));
    assert.doesNotMatch(relay.output(), /resuming/, "the delivery was given back, not left in flight");
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});
