/** The HTTPS listener on the runtime that runs the test, whichever it is. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { connect as connectOver } from "node:tls";
import { listenTls } from "../../lib/tls/listener.ts";
import { ask, connectTls, makeCertificate, needsOpenssl, shownBy } from "../helpers/certificate.ts";
import { makeFolder } from "../helpers/folder.ts";
import { sleep } from "../helpers/wait.ts";

const GET = "GET /where HTTP/1.1\r\nHost: localhost\r\n\r\n";

test("listenTls() tells the client's address, takes another certificate, and stops", needsOpenssl, async () => {
  const { path: folder, remove } = makeFolder();
  const [first, second] = ["first", "second"].map((name) => makeCertificate(folder, name));
  const handler = async (request: Request, client: string) =>
    new Response(`${client} ${new URL(request.url).pathname}`);
  const listener = await listenTls("127.0.0.1", 0, first!, handler);
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

test("listenTls() cuts off who never comes to speak TLS, and nobody else", needsOpenssl, async () => {
  const { path: folder, remove } = makeFolder();
  const pair = makeCertificate(folder, "own");
  const listener = await listenTls("127.0.0.1", 0, pair, async () => new Response("OK"), 300);
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

test("listenTls() answers whoever is about to agree on TLS when it stops", needsOpenssl, async () => {
  const { path: folder, remove } = makeFolder();
  const listener = await listenTls("127.0.0.1", 0, makeCertificate(folder, "own"), async () => new Response("OK"));
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

test("listenTls() fails with the code of the system where the port is taken", needsOpenssl, async () => {
  const { path: folder, remove } = makeFolder();
  const pair = makeCertificate(folder, "own");
  const answer = async () => new Response("OK");
  const listener = await listenTls("127.0.0.1", 0, pair, answer);
  try {
    await assert.rejects(listenTls("127.0.0.1", listener.port, pair, answer), { code: "EADDRINUSE" });
  } finally {
    await listener.stop(0);
    remove();
  }
});
