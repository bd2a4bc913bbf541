/** What the http target makes of each fault of a network, by real servers on loopback. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { Outcome } from "../../lib/outcome.ts";
import type { Reason } from "../../lib/reason.ts";
import { attempt } from "../helpers/attempt.ts";
import { httpTarget } from "../../lib/targets/http.ts";
import { makeFolder } from "../helpers/folder.ts";
import { makeDelivery, makeTarget, never } from "../helpers/target.ts";
import { sleep } from "../helpers/wait.ts";
import { reasonOf, startTcp } from "./contract.ts";

type Expected = [kind: Outcome["kind"], reason?: Reason];

/** Makes one attempt of the http target; its own time-out ends what hangs. */
async function send(url: string, timeout = "5s"): Promise<[kind?: Outcome["kind"], reason?: Reason]> {
  const outcome = await attempt(makeTarget(httpTarget, { url, timeout }), makeDelivery, never);
  return [outcome?.kind, reasonOf(outcome)];
}

const onRequest = (act: (socket: Socket) => void) => (socket: Socket) => void socket.once("data", () => act(socket));
/** Writes a part, and resets the connection when that has been read. */
const cutAfter = (part: string) =>
  onRequest((socket) => {
    socket.write(part);
    setTimeout(() => socket.resetAndDestroy(), 50);
  });

const faults: { name: string; scheme?: string; act(socket: Socket): void; expected: Expected; timeout?: string }[] = [
  { name: "a reset before the request", act: (s) => s.resetAndDestroy(), expected: ["retry", "connection_reset"] },
  {
    name: "a reset after the request",
    act: onRequest((socket) => socket.resetAndDestroy()),
    expected: ["retry", "connection_reset"],
  },
  { name: "a reset within the headers", act: cutAfter("HTTP/1.1 200 O"), expected: ["retry", "connection_reset"] },
  {
    name: "a reset within the body of a 503",
    act: cutAfter("HTTP/1.1 503 Oh\r\nContent-Length: 99\r\n\r\nhalf"),
    expected: ["retry", "server_failed"],
  },
  {
    name: "a reset within the body of a 200",
    act: cutAfter("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"),
    expected: ["delivered"],
  },
  {
    name: "another protocol's greeting",
    act: onRequest((socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n")),
    expected: ["retry", "unexpected_answer"],
  },
  {
    name: "a server that speaks no TLS",
    scheme: "https",
    act: onRequest((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    expected: ["retry", "tls_failed"],
  },
  {
    name: "a reset within the TLS handshake",
    scheme: "https",
    act: onRequest((socket) => socket.resetAndDestroy()),
    expected: ["retry", "connection_reset"],
  },
  {
    name: "a TLS handshake that is never answered",
    scheme: "https",
    act: () => {},
    expected: ["retry", "timed_out"],
    timeout: "300ms",
  },
  {
    name: "a request that is read and never answered",
    act: (socket) => void socket.resume(),
    expected: ["retry", "timed_out"],
    timeout: "300ms",
  },
];
for (const { name, scheme = "http", act, expected: [kind, reason], timeout } of faults) {
  test(`deliver() makes of ${name}: ${kind}${reason ? `, ${reason}` : ""}`, async () => {
    const { authority, close } = await startTcp(act);
    try {
      assert.deepEqual(await send(`${scheme}://${authority}/in`, timeout), [kind, reason]);
    } finally {
      close();
    }
  });
}

test("deliver() makes of a certificate that nobody vouches for: retry, tls_failed", async () => {
  const folder = makeFolder();
  const [key, cert] = [join(folder.path, "key.pem"), join(folder.path, "cert.pem")];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2"]
      .concat("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
    { stdio: "pipe" },
  );
  let requests = 0;
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => {
    requests += 1;
    response.end("ok");
  });
  server.on("tlsClientError", () => {}); // the relay ends the handshake
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    assert.deepEqual(await send(`https://127.0.0.1:${port}`), ["retry", "tls_failed"]);
    assert.equal(requests, 0);
  } finally {
    await new Promise((resolve) => server.close(resolve));
    folder.remove();
  }
});

/** More connections than Bun, which makes nothing of `backlog`, lets wait. */
const CROWD = 600;

/** Listens, tells its port, and is then blocked: it accepts nothing until it is woken. */
const listener = `
  const { parentPort, workerData } = require("node:worker_threads");
  const server = require("node:net").createServer();
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(workerData, 0, 0);
  });
`;

test("deliver() makes of a connection that is never accepted: retry, timed_out", async () => {
  const lock = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(listener, { eval: true, workerData: lock });
  const crowd: Socket[] = [];
  try {
    const port = await new Promise<number>((resolve, reject) => worker.once("message", resolve).once("error", reject));
    // They fill the queue of the socket; the kernel then answers no further SYN.
    for (let i = 0; i < CROWD; i += 1) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {}); // cut below
      crowd.push(socket);
    }
    await sleep(200);
    assert.deepEqual(await send(`http://127.0.0.1:${port}`, "300ms"), ["retry", "timed_out"]);
    assert.ok(crowd.some((socket) => socket.connecting), "the queue is full");
  } finally {
    for (const socket of crowd) socket.destroy();
    Atomics.store(lock, 0, 1);
    Atomics.notify(lock, 0);
    await worker.terminate();
  }
});
