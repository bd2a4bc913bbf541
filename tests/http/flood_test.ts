/** Floods of requests that never become whole: whoever else asks is answered, and what they hold is bounded. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { test } from "node:test";
import { textAnswer } from "../../lib/http/answer.ts";
import type { Handler } from "../../lib/http/incoming.ts";
import { Room } from "../../lib/http/room.ts";
import { listen, type ListenOptions } from "../../lib/http/server.ts";
import { converse, type Line, open } from "../helpers/conversation.ts";
import { until } from "../helpers/wait.ts";

const KIB = 1024;
const statuses: Record<string, number> = { too_large: 413, no_room: 503, late: 408, cut: 400, encoded: 415 };

const handler: Handler = async (incoming) => {
  const body = await incoming.body(64 * KIB);
  return typeof body === "string" ? textAnswer(statuses[body]!, body) : textAnswer(200, `${body.length}`);
};

const start = (options: Partial<ListenOptions>) => listen({ host: "127.0.0.1", port: 0, handler, ...options });

const head = (length: number) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;

/** Opens connections that send this and no more; gives what came back on each so far. */
async function flood(line: Line, count: number, bytes: string): Promise<{ socket: Socket; text: string }[]> {
  return await Promise.all(Array.from({ length: count }, async () => {
    const client = { socket: await open(line), text: "", isClosed: false };
    client.socket.on("data", (chunk) => client.text += chunk).on("error", () => {});
    client.socket.on("end", () => client.socket.end());
    client.socket.write(bytes);
    return client;
  }));
}

const genuine = async (line: Line, length = 300) =>
  (await converse(line, head(length) + "x".repeat(length))).map(({ status }) => status);

const rows: [what: string, bytes: string][] = [
  ["nothing", ""],
  ["heads in part", "POST / HTTP/1.1\r\nHost: x\r\nA: "],
  ["bodies that are declared", head(16 * KIB)],
  ["bodies that are almost whole", head(16 * KIB) + "x".repeat(16 * KIB - 1)],
  ["large bodies that are almost whole", head(64 * KIB) + "x".repeat(64 * KIB - 1)],
  [
    "chunks without an end",
    `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${"1000\r\n" + "x".repeat(4 * KIB)}`,
  ],
];

for (const [what, bytes] of rows) {
  test(`listen() answers others, and those of the same address, while connections hold ${what}`, async () => {
    const bounds = { connections: 60, smallBytes: 200 * KIB, largeBytes: 400 * KIB };
    const listener = await start({ bounds });
    const line = { port: listener.port };
    try {
      const clients = await flood(line, 100, bytes);
      for (let count = 0; count < 10; count++) {
        assert.deepEqual(await genuine({ ...line, from: "127.0.0.2" }), [200]);
        assert.deepEqual(await genuine(line), [200]);
      }
      for (const { socket } of clients) socket.destroy();
      assert.deepEqual(await genuine(line, 60 * KIB), [200]);
    } finally {
      await listener.stop(0);
    }
  });
}

test("listen() ends the slowest body where there is no room, and says so", async () => {
  const listener = await start({ bounds: { largeBytes: 200 * KIB } });
  const line = { port: listener.port };
  try {
    const [slow] = await flood(line, 1, head(64 * KIB) + "x".repeat(20 * KIB));
    await new Promise((resolve) => setTimeout(resolve, 1_100)); // by then it is no longer new
    const others = await flood(line, 4, head(64 * KIB) + "x".repeat(30 * KIB));
    await until("the slow one to be ended", () => /^HTTP\/1\.1 503 .*no_room$/s.test(slow!.text));
    for (const { socket } of others) socket.write("x".repeat(34 * KIB));
    await until("an answer to another", () => others.some(({ text }) => / 200 /.test(text)));
    for (const { socket } of others) socket.destroy();
  } finally {
    await listener.stop(0);
  }
});

test("listen() gives up on a head, a body and a silent client in time, however they drip", async () => {
  const listener = await start({ patience: { headMs: 200, bodyMs: 200, idleMs: 400 } });
  const line = { port: listener.port };
  try {
    const drips: [bytes: string, drip: string, answer: RegExp][] = [
      ["", "", /^$/],
      ["POST / HTTP/1.1\r\n", "A: b\r\n", /^HTTP\/1\.1 408 /],
      [head(1_000), "a", /^HTTP\/1\.1 408 .*late$/s],
      [head(1_000), "", /^HTTP\/1\.1 408 .*late$/s],
      [head(64 * KIB), "a", /^HTTP\/1\.1 408 .*late$/s],
      ["POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", /^HTTP\/1\.1 408 .*late$/s],
    ];
    await Promise.all(drips.map(async ([bytes, drip, answer]) => {
      const [client] = await flood(line, 1, bytes);
      const timer = setInterval(() => client!.socket.write(drip), 20);
      await new Promise((resolve) => client!.socket.once("close", resolve));
      clearInterval(timer);
      assert.match(client!.text, answer, bytes);
    }));
    assert.deepEqual(await genuine(line), [200]);
  } finally {
    await listener.stop(0);
  }
});

test("listen() reads no further from a client that does not take its answers", async () => {
  const large = Buffer.alloc(256 * KIB, "x");
  let answered = 0;
  const listener = await start({
    handler: async () => {
      answered++;
      return new Response(large);
    },
    patience: { idleMs: 500 },
  });
  try {
    const socket = await open({ port: listener.port });
    socket.pause();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {}).on("end", () => socket.end());
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000));
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    socket.resume();
    await closed; // it was given up
    assert.ok(answered < 200, `${answered} answers were made for nobody`);
  } finally {
    await listener.stop(0);
  }
});

test("listen() takes no more from a client than it answers", async () => {
  const listener = await start({});
  try {
    for (const request of ["TRACE / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"]) {
      const socket = await open({ port: listener.port });
      let [taken, answered] = [0, 0];
      socket.on("error", () => {}).on(
        "data",
        (chunk) => answered += chunk.toString("latin1").split("HTTP/1.1 ").length - 1,
      );
      const more = () => {
        for (let isTaken = true; isTaken;) {
          isTaken = socket.write(request.repeat(2_000));
          taken += 2_000;
        }
      };
      socket.on("drain", more);
      more();
      await until("many answers", () => answered > 10_000);
      const waiting = (taken - answered) * request.length; // here, in the system's buffers, and there
      assert.ok(waiting < 16 * KIB ** 2, `${waiting} bytes wait`);
      socket.destroy();
    }
  } finally {
    await listener.stop(0);
  }
});

test("listen() answers others while connections take no answers", async () => {
  const large = "x".repeat(300 * KIB);
  const isLarge = ({ url }: { url: string }) => url.endsWith("/large");
  const listener = await start({
    handler: async (incoming) => textAnswer(200, isLarge(incoming) ? large : "OK"),
    bounds: { connections: 20 },
  });
  const line = { port: listener.port };
  try {
    const greedy = await Promise.all(Array.from({ length: 60 }, async (_, at) => {
      const socket = await open({ ...line, from: `127.0.0.${2 + at % 3}` });
      socket.on("error", () => {}).pause();
      socket.write("GET /large HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20));
      return socket;
    }));
    // Who has just connected may stay for a while.
    await until("an answer to another", async () => (await genuine(line))[0] === 200);
    for (let count = 0; count < 10; count++) assert.deepEqual(await genuine(line), [200]);
    for (const socket of greedy) socket.destroy();
  } finally {
    await listener.stop(0);
  }
});

/** Somebody who takes up room in a test. */
function occupant(network: string, worth: number) {
  const one = { network, isOut: false, worth: () => worth, evict: () => void (one.isOut = true) };
  return one;
}

const roomOf = (size: number, share: number) =>
  new Room({ size, share, now: () => 0, turnover: Infinity, onTurnover() {} });

test("Room takes from the network that has most, and of it the least worth", () => {
  const room = roomOf(100, 60);
  const [a1, a2, b] = [occupant("a", 1), occupant("a", 2), occupant("b", 0)];
  room.hold(a1, 30);
  room.hold(a2, 30);
  room.hold(b, 40);
  assert.deepEqual([a1.isOut, a2.isOut, b.isOut], [false, false, false]);
  room.hold(b, 41);
  assert.deepEqual([a1.isOut, a2.isOut, b.isOut], [true, false, false]);
  const a3 = occupant("a", 3);
  room.hold(a3, 31);
  assert.deepEqual([a2.isOut, a3.isOut, b.isOut], [true, false, false], "a network has its share");
});

test("Room turns away who asks where all others must stay", () => {
  const room = roomOf(2, 2);
  const [a, b, next] = [occupant("a", Infinity), occupant("a", Infinity), occupant("b", Infinity)];
  for (const one of [a, b, next]) room.hold(one, 1);
  assert.deepEqual([a.isOut, b.isOut, next.isOut], [false, false, true]);
  room.evictOne();
  assert.deepEqual([a.isOut, b.isOut], [false, false]);
});

test("Room lets one have what it needs that is alone, and keeps no count of who has left", () => {
  const room = roomOf(100, 50);
  const [large, small] = [occupant("a", 1), occupant("a", 0)];
  room.hold(large, 500);
  assert.equal(large.isOut, false);
  room.hold(small, 1);
  assert.deepEqual([large.isOut, small.isOut], [false, true]);
  room.leave(large);
  room.leave(small);
  const next = [occupant("a", 0), occupant("a", 0), occupant("b", 0)];
  for (const one of next) room.hold(one, 25);
  assert.deepEqual(next.map(({ isOut }) => isOut), [false, false, false]);
});
