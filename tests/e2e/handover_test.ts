/** The executable on a socket that was passed to it, and that one process hands over to the next. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { connect as connectTls } from "node:tls";
import { makeCertificate, needsOpenssl } from "../helpers/certificate.ts";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, executable, type RunningRelay, runRelay, SECRET, startRelay } from "../helpers/relay.ts";
import { startSenders } from "../helpers/senders.ts";
import { startSink } from "../helpers/sink.ts";
import { sleep, until } from "../helpers/wait.ts";

const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Starts the executable with a socket as its descriptor 3. */
async function startOnSocket(config: string, files: Record<string, string> = {}): Promise<RunningRelay> {
  const bun = pathOf("../../node_modules/bun/bin/bun.exe");
  const relay = await startRelay(config, { files, command: [bun, pathOf("./keeper.ts"), executable] });
  let hasEnded = false;
  relay.exited.then(() => hasEnded = true);
  return {
    ...relay,
    async close() {
      if (!hasEnded) await relay.end(); // which ends both processes
      await relay.close();
    },
  };
}

/** A config of a target that is not there, or of this one. */
function configTo(url = "http://127.0.0.1:9/", port = 0): string {
  return configOf({ targets: `sistema: http({ url: "${url}" })`, routes: '{ on: "**", to: "sistema" }', port });
}

/** Restarts the relay under load, and sees that each event is answered and arrives. */
async function restartUnderLoad(
  config: (url: string) => string,
  restarts: number,
  { files, open }: { files?: Record<string, string>; open?: Parameters<typeof startSenders>[2] } = {},
): Promise<void> {
  const sink = await startSink();
  const relay = await startOnSocket(config(sink.url), files);
  // Counted in the text, as there is a line of the log for each event.
  const started = () => relay.output().split('"message":"listening on').length - 1;
  try {
    const senders = startSenders(relay.port, SECRET, open);
    for (let restart = 1; restart <= restarts; restart++) {
      await sleep(200);
      process.kill(relay.child.pid!, "SIGUSR2");
      await until("the next one to listen", () => started() > restart);
    }
    const { acknowledged, failed } = await senders.stop();
    assert.deepEqual(failed, {});
    assert.ok(acknowledged.length > restarts * 50, `${acknowledged.length} events`);
    const ports = relay.log().filter(({ message }) => String(message).startsWith("listening")).map(({ port }) => port);
    assert.deepEqual(ports, Array.from({ length: restarts + 1 }, () => relay.port));
    assert.doesNotMatch(relay.output(), /`listen` says/);

    await sink.received(acknowledged.length, 60_000);
    const arrived = new Set(sink.requests.map(({ body }) => JSON.parse(body.toString()).data.note_id));
    assert.deepEqual(acknowledged.filter((note) => !arrived.has(note)), []);
    assert.equal(await relay.end(), 0);
  } finally {
    await relay.close();
    await sink.close();
  }
}

test("serve answers each request over restarts on a socket that was passed to it", async () => {
  await restartUnderLoad(configTo, 5);
});

test("serve answers each request over restarts also where it speaks HTTPS", needsOpenssl, async () => {
  const folder = makeFolder();
  const { cert, key } = makeCertificate(folder.path, "own");
  folder.remove();
  await restartUnderLoad(
    (url) => configTo(url).replace("port: 0", 'port: 0, tls: { cert: "own.pem", key: "own.key" }'),
    3,
    {
      files: { "own.pem": cert, "own.key": key },
      open: (port) => connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false }),
    },
  );
});

test("serve says that the socket that was passed counts, not `listen`", async () => {
  const relay = await startOnSocket(configTo(undefined, 3000));
  try {
    assert.notEqual(relay.port, 3000);
    const { message } = await relay.logged("a warning", ({ level }) => level === "warning");
    assert.match(
      String(message),
      RegExp(`says 127\\.0\\.0\\.1:3000, but the relay listens on 127\\.0\\.0\\.1:${relay.port}`),
    );
    assert.equal((await fetch(`${relay.url}/healthz`)).status, 200);
    assert.equal(await relay.end(), 0);
  } finally {
    await relay.close();
  }
});

test("serve refuses a descriptor that is no listening socket", () => {
  const folder = makeFolder();
  try {
    writeFileSync(join(folder.path, "relay.config.ts"), configTo());
    const command = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" serve 3</dev/null';
    const { status, stderr } = spawnSync("sh", ["-c", command, executable], { cwd: folder.path, encoding: "utf8" });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^Cannot serve on the socket passed as descriptor 3: it is not a listening TCP socket/,
    );
    assert.match(stderr, /hint: .*ListenStream=/);
  } finally {
    folder.remove();
  }
});

test("serve takes no socket that was passed to another process", async () => {
  const relay = await startRelay(configTo(), { env: { LISTEN_PID: "1", LISTEN_FDS: "1" } });
  try {
    assert.equal((await fetch(`${relay.url}/healthz`)).status, 200);
    assert.equal((await runRelay(["version"], { env: { LISTEN_PID: "1", LISTEN_FDS: "1" } })).code, 0);
  } finally {
    await relay.close();
  }
});
