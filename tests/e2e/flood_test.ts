/** The executable under floods from one address: genuine requests are answered, and its memory is bounded. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { converse } from "../helpers/conversation.ts";
import { configOf, executable, type RunningRelay, sign, startRelay } from "../helpers/relay.ts";
import { sleep, until } from "../helpers/wait.ts";

const parts = { targets: 'crm: http({ url: "http://127.0.0.1:9/" })', routes: "" };

const MIB = 1024;

/** Memory of a process, in KiB: what it takes now, and what it took at most. */
function memoryOf({ child }: RunningRelay): { now: number; peak: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  const kib = (name: string) => Number(RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)![1]);
  return { now: kib("VmRSS"), peak: kib("VmHWM") };
}

/** Sends a genuine event from an address of this machine; gives the status, or nothing where the connection ended. */
async function send(relay: RunningRelay, number: number, from: string): Promise<number | undefined> {
  const body = `{"event":"note.completed","data":{"note_id":"${from} ${number}"}}`;
  const head = `POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n`;
  const [reply] = await converse(
    { port: relay.port, from },
    `${head}X-ConnectVets-Signature: ${sign(body)}\r\n\r\n${body}`,
  );
  return reply?.status;
}

/** Opens connections that send this and no more; gives what ends them. */
async function flood(relay: RunningRelay, count: number, bytes: string): Promise<() => void> {
  let opened = 0;
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(relay.port, "127.0.0.1", () => {
      opened++;
      socket.write(bytes);
    });
    return socket.on("error", () => opened++).resume();
  });
  await until("the connections", () => opened >= count);
  return () => sockets.forEach((socket) => socket.destroy());
}

const head = "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: ";
const floods: [what: string, bytes: string][] = [
  ["bodies that are declared and never sent", `${head}16384\r\n\r\n`],
  ["bodies that are almost whole", `${head}16384\r\n\r\n${"x".repeat(16_383)}`],
  ["large bodies in part", `${head}1048576\r\n\r\n${"x".repeat(100_000)}`],
];

for (const [what, bytes] of floods) {
  test(`serve answers while 4,096 connections hold ${what}`, async () => {
    const relay = await startRelay(configOf(parts));
    try {
      assert.equal(await send(relay, 0, "127.0.0.1"), 200);
      const idle = memoryOf(relay).now;
      const end = await flood(relay, 4_096, bytes);
      const same: (number | undefined)[] = [];
      for (let number = 1; number <= 40; number++) {
        assert.equal(await send(relay, number, "127.0.0.2"), 200);
        same.push(await send(relay, number, "127.0.0.1"));
      }
      assert.ok(same.filter((status) => status === 200).length >= 38, same.join(" "));
      end();
      const above = memoryOf(relay).peak - idle;
      assert.ok(above < 64 * MIB, `${above} KiB above idle`);
    } finally {
      await relay.close();
    }
  });
}

test("serve goes on with few descriptors", async () => {
  const relay = await startRelay(configOf(parts), {
    command: ["sh", "-c", 'ulimit -n 72; exec "$0" "$@"', executable],
  });
  try {
    const end = await flood(relay, 400, `${head}16384\r\n\r\n`);
    for (let number = 1; number <= 20; number++) {
      assert.equal(await send(relay, number, "127.0.0.2"), 200);
      assert.equal(await send(relay, number, "127.0.0.1"), 200);
    }
    end();
    assert.equal(await send(relay, 0, "127.0.0.1"), 200);
  } finally {
    await relay.close();
  }
});

test("serve says once that there are no descriptors, and accepts again when there are", async () => {
  const relay = await startRelay(configOf({ ...parts, admin: "{ port: 0 }" }));
  const allow = (most: number) => execFileSync("prlimit", ["--pid", `${relay.child.pid}`, `--nofile=${most}:`]);
  const told = () => relay.log().filter(({ level }) => level === "error");
  const descriptors = () => readdirSync(`/proc/${relay.child.pid}/fd`).length;
  try {
    const idle = descriptors();
    const end = await flood(relay, 50, `${head}16384\r\n\r\n`);
    // The system connects what the relay has not accepted yet.
    await until("the relay to accept them", () => descriptors() >= idle + 50);
    allow(descriptors() - 60);
    await relay.logged("that there are none", ({ message }) => /out of file descriptors/.test(String(message)));
    const waiting = flood(relay, 5, ""); // they cannot be accepted
    await sleep(2_500); // the executable looks once a second
    assert.equal(told().length, 1, relay.output());
    (await waiting)();
    end();
    allow(1_024);
    assert.equal(await send(relay, 1, "127.0.0.1"), 200);
    assert.equal(await relay.end(), 0);
  } finally {
    await relay.close();
  }
});
