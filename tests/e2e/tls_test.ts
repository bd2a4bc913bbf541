/** HTTPS on the executable's own listener: who is answered, and how a certificate is changed while it serves. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { ask, connectTls, makeCertificate, needsOpenssl, shownBy } from "../helpers/certificate.ts";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, type RunningRelay, sign, startRelay } from "../helpers/relay.ts";
import { type Sink, startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

/** A genuine event that no other number gives. */
function event(number: number): string {
  return `{"event":"note.completed","data":{"note_id":"${number}"}}`;
}

/** A signed post of it, byte for byte. */
function postOf(body: string, more = ""): string {
  return `POST /webhook HTTP/1.1\r\nHost: localhost\r\nX-ConnectVets-Signature: ${sign(body)}\r\n` +
    `Content-Length: ${body.length}\r\n${more}\r\n${body}`;
}

interface Scene {
  relay: RunningRelay;
  sink: Sink;
  folder: string;
  /** Makes the relay's certificate and key another pair, of that name. */
  renew(name: string): void;
  /** Sends SIGHUP and resolves with what the relay says of it. */
  reload(): Promise<Record<string, unknown>>;
}

/** Gives a test a relay on HTTPS whose certificate is that named `first`. */
async function withScene(work: (scene: Scene) => Promise<void>): Promise<void> {
  const { path: folder, remove } = makeFolder();
  const sink = await startSink();
  const renew = (name: string) => {
    const { cert, key } = makeCertificate(folder, name);
    writeFileSync(join(folder, "cert.pem"), cert);
    writeFileSync(join(folder, "key.pem"), key);
  };
  renew("first");
  const config = configOf({ targets: `sistema: http({ url: "${sink.url}" })`, routes: `{ on: "**", to: "sistema" }` })
    .replace("port: 0", 'port: 0, tls: { cert: "cert.pem", key: "./key.pem" }');
  const relay = await startRelay(config, { folder });
  const reload = async () => {
    const tells = ({ message }: Record<string, unknown>) => /^(reloaded|config not reloaded)/.test(String(message));
    const before = relay.log().filter(tells).length;
    process.kill(relay.child.pid!, "SIGHUP");
    return await until("the reload", () => relay.log().filter(tells)[before]);
  };
  try {
    await work({ relay, sink, folder, renew, reload });
  } finally {
    await relay.close();
    await sink.close();
    remove();
  }
}

test("serve answers a signed post over HTTPS to whoever trusts its certificate", needsOpenssl, async () => {
  await withScene(async ({ relay, sink, folder }) => {
    const ca = readFileSync(join(folder, "cert.pem"), "utf8");
    const socket = await connectTls(relay.port, { ca, servername: "localhost", rejectUnauthorized: true });
    assert.match(await ask(socket, postOf(event(1))), /^HTTP\/1\.1 200 .*OK$/s);
    assert.match(await ask(socket, postOf(event(1))), /Already processed$/, "on the same connection");
    assert.match(await ask(socket, postOf(event(2)).replace("sha256=", "sha256=0")), /^HTTP\/1\.1 401 /);
    const large = JSON.stringify({ event: "note.completed", data: { text: "x".repeat(900_000) } });
    assert.match(await ask(socket, postOf(large)), /^HTTP\/1\.1 200 /);
    socket.destroy();
    const requests = await sink.received(2);
    assert.deepEqual(requests.map(({ body }) => body.toString()).sort(), [event(1), large].sort());
    const refusal = await relay.logged("the refusal", ({ status }) => status === 401);
    assert.equal(refusal.client, "127.0.0.1");
    assert.ok(relay.log().some(({ message }) => String(message).startsWith("listening on https://")));
    await assert.rejects(connectTls(relay.port, { rejectUnauthorized: true }), "nobody else trusts it");
  });
});

test("serve speaks TLS 1.2 and 1.3, and neither TLS 1.1 nor plain HTTP", needsOpenssl, async () => {
  await withScene(async ({ relay, sink }) => {
    const handshake = (version: string) => {
      const args = ["s_client", "-connect", `127.0.0.1:${relay.port}`, version, "-cipher", "DEFAULT@SECLEVEL=0"];
      return spawnSync("openssl", args, { input: "", encoding: "utf8" }).stdout;
    };
    assert.match(handshake("-tls1_3"), /^New, TLSv1\.3, Cipher is TLS_/m);
    assert.match(handshake("-tls1_2"), /^New, TLSv1\.2, Cipher is ECDHE/m);
    assert.match(handshake("-tls1_1"), /^New, \(NONE\), Cipher is \(NONE\)/m);
    await relay.logged("the refusal", ({ message }) => `${message}`.includes("does not speak TLS 1.2"));
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(relay.port, "127.0.0.1", () => socket.write(postOf(event(1))));
      let received = "";
      socket.on("data", (chunk) => received += chunk);
      socket.on("error", () => {});
      socket.on("close", () => resolve(received));
    });
    assert.doesNotMatch(answer, /HTTP/, "no answer, and no redirect");
    const record = await relay.logged("the refusal", ({ message }) => `${message}`.includes("plain HTTP"));
    assert.match(String(record.message), /^refused a connection from 127\.0\.0\.1: it speaks plain HTTP, not HTTPS/);
    assert.equal(sink.requests.length, 0);
  });
});

test(
  "serve gives new connections the new certificate on SIGHUP, and fails no request meanwhile",
  needsOpenssl,
  async () => {
    await withScene(async ({ relay, sink, renew, reload }) => {
      const old = await connectTls(relay.port);
      assert.equal(shownBy(old), "first");
      let posted = 0;
      let isOver = false;
      const seen = new Set<string>();
      const post = async (socket: Awaited<ReturnType<typeof connectTls>>) =>
        assert.match(await ask(socket, postOf(event(++posted))), /^HTTP\/1\.1 200 .*OK$/s);
      const newConnections = async () => {
        while (!isOver) {
          const socket = await connectTls(relay.port);
          seen.add(shownBy(socket));
          await post(socket);
          socket.destroy();
        }
      };
      const oneConnection = async () => {
        const socket = await connectTls(relay.port);
        while (!isOver) await post(socket);
        socket.destroy();
      };
      const load = Promise.all([newConnections, newConnections, oneConnection, oneConnection].map((run) => run()));
      for (const name of ["second", "third", "fourth"]) {
        const before = posted;
        await until("some posts", () => posted > before + 20 && seen.size > 0);
        renew(name);
        assert.match(String((await reload()).message), /^reloaded/);
        const socket = await connectTls(relay.port);
        assert.equal(shownBy(socket), name);
        socket.destroy();
        await until("posts with it", () => seen.has(name));
      }
      isOver = true;
      await load;
      await post(old);
      old.destroy();
      assert.deepEqual([...seen], ["first", "second", "third", "fourth"]);
      await sink.received(posted);
      assert.equal(sink.requests.length, posted);
      const told = relay.log().filter(({ message }) => String(message).startsWith("new connections get"));
      assert.equal(told.length, 4);
      assert.match(String(told[0]!.message), /for localhost, 127\.0\.0\.1, valid until 20\d\d-/);
      assert.equal(relay.log().some(({ message }) => String(message).includes("next restart")), false);
    });
  },
);

test("serve keeps its certificate when SIGHUP finds one that is no good", needsOpenssl, async () => {
  await withScene(async ({ relay, folder, renew, reload }) => {
    const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    const other = makeCertificate(folder, "other");
    const rows: [spoil: () => void, why: RegExp][] = [
      [() => writeFileSync(cert, other.cert), /listen\.tls\.key is not the key of the certificate/],
      [() => writeFileSync(cert, other.cert.slice(0, 300)), /listen\.tls\.cert contains no certificate/],
      [() => writeFileSync(key, ""), /listen\.tls\.key .* is empty/],
      [() => rmSync(key), /listen\.tls\.key the file .* does not exist/],
    ];
    for (const [index, [spoil, why]] of rows.entries()) {
      spoil();
      const record = await reload();
      assert.match(String(record.message), /^config not reloaded, the previous one stays in use/);
      assert.match(String(record.message), why);
      const socket = await connectTls(relay.port);
      assert.equal(shownBy(socket), "first");
      assert.match(await ask(socket, postOf(event(index))), /^HTTP\/1\.1 200 /);
      socket.destroy();
    }
    renew("mended");
    assert.match(String((await reload()).message), /^reloaded/);
    const socket = await connectTls(relay.port);
    assert.equal(shownBy(socket), "mended");
    socket.destroy();
    assert.doesNotMatch(relay.output(), /PRIVATE KEY/);
    for (const name of ["first", "other", "mended"]) {
      const secret = readFileSync(join(folder, `${name}.key`), "utf8").split("\n")[1]!;
      assert.ok(!relay.output().includes(secret), name);
    }
  });
});

test("serve answers what it has begun to receive over HTTPS before it stops", needsOpenssl, async () => {
  await withScene(async ({ relay }) => {
    const [socket, idle] = [await connectTls(relay.port), await connectTls(relay.port)];
    const idleEnd = new Promise((resolve) => idle.on("close", resolve).resume());
    const post = postOf(event(1), "Connection: close\r\n");
    socket.write(post.slice(0, -10));
    await ask(idle, postOf(event(2))); // comes after, so that the first one's headers are there
    const ended = relay.end();
    await relay.logged("the stop", ({ message }) => String(message).startsWith("stopping"));
    assert.match(await ask(socket, post.slice(-10)), /^HTTP\/1\.1 200 .*OK$/s);
    assert.equal(await ended, 0);
    await idleEnd;
  });
});

test("serve answers a client that closes its half once it has sent", needsOpenssl, async () => {
  await withScene(async ({ relay, sink }) => {
    const socket = await connectTls(relay.port, { allowHalfOpen: true } as ConnectionOptions);
    let answer = "";
    socket.on("data", (chunk) => answer += chunk);
    const ended = new Promise((resolve) => socket.on("end", resolve));
    socket.end(postOf(event(1)));
    await ended;
    assert.match(answer, /^HTTP\/1\.1 200 .*OK$/s);
    await sink.received(1);
  });
});
