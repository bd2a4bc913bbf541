/** Listening for HTTPS, on the runtime that runs the test, whichever it is. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { connect as connectOver } from "node:tls";
import { textAnswer } from "../../lib/http/answer.ts";
import { listen } from "../../lib/http/server.ts";
import { ask, connectTls, makeCertificate, needsOpenssl, shownBy } from "../helpers/certificate.ts";
import { makeFolder } from "../helpers/folder.ts";
import { sleep } from "../helpers/wait.ts";

const local = { host: "127.0.0.1", port: 0 };
const handler = async () => textAnswer(200, "OK");

const GET = "GET /where HTTP/1.1\r\nHost: localhost\r\n\r\n";

test("listen() tells the client's address, takes another certificate, and stops", needsOpenssl, async () => {
  const { path: folder, remove } = makeFolder();
  const [first, second] = ["first", "second"].map((name) => makeCertificate(folder, name));
  const listener = await listen({
    ...local,
    tls: first,
    handler: async ({ client, url }) => textAnswer(200, `${client} ${new URL(url).pathname}`),
  });
  try {
    const old = await connectTls(listener.port);
    assert.match(await ask(old, GET), /^HTTP\/1\.1 200 .*127\.0\.0\.1 \/where$/s);
    listener.useCertificate(second!);
    const next = await connectTls(listener.port);
    assert.deepEqual([shownBy(old), shownBy(next)], ["first", "second"]);
    for (const socket of [old, next]) assert.match(await ask(socket, GET), /\/where$/);
    const closed = [old, next].map((socket) => new Promise((resolve) => socket.on("close", resolve).resume()));
    await listener.stop(1_000);
    await Promise.all(closed);
    await assert.rejects(connectTls(listener.port), "nothing listens any more");
  } finally {
    await listener.stop(0);
    remove();
  }
});

test("listen() cuts off who never comes to speak TLS, and nobody else", needsOpenssl, async () => {
  const { path: folder, remove } = makeFolder();
  const pair = makeCertificate(folder, "own");
  const listener = await listen({ ...local, tls: pair, handler, patience: { headMs: 300 } });
  try {
    const client = await connectTls(listener.port);
    const beginnings = ["", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]; // nothing, and half a ClientHello
    await Promise.all(beginnings.map((beginning) =>
      new Promise<unknown>((resolve) => {
        const socket = connect(listener.port, "127.0.0.1", () => socket.write(beginning, "latin1"));
        socket.on("error", () => {}).on("close", resolve).resume();
      })
    ));
    assert.match(await ask(client, GET), /^HTTP\/1\.1 200 /);
    client.destroy();
  } finally {
    await listener.stop(0);
    remove();
  }
});

test("listen() answers whoever is about to agree on TLS when it stops", needsOpenssl, async () => {
  const { path: folder, remove } = makeFolder();
  const listener = await listen({ ...local, tls: makeCertificate(folder, "own"), handler });
  try {
    const socket = connect(listener.port, "127.0.0.1");
    await once(socket, "connect");
    assert.match(await ask(await connectTls(listener.port), GET), / 200 /, "so that the first one is accepted by now");
    const stopped = listener.stop(10_000);
    await sleep(500);
    const client = connectOver({ socket, rejectUnauthorized: false });
    await once(client, "secureConnect");
    assert.match(await ask(client, GET), /^HTTP\/1\.1 200 /);
    client.destroy();
    await stopped;
  } finally {
    await listener.stop(0);
    remove();
  }
});

test("listen() fails with the code of the system where the port is taken", needsOpenssl, async () => {
  const { path: folder, remove } = makeFolder();
  const pair = makeCertificate(folder, "own");
  const listener = await listen({ ...local, tls: pair, handler });
  try {
    await assert.rejects(listen({ ...local, port: listener.port, tls: pair, handler }), { code: "EADDRINUSE" });
  } finally {
    await listener.stop(0);
    remove();
  }
});
