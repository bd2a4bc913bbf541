/** Isolation and order: a backlog or a hanging target holds up nobody else, and what is in order stays so through crashes. */

// Runs on Deno alone: it drives the executable.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { eventId } from "../../lib/id.ts";
import { systemClock } from "../../lib/clock.ts";
import type { NewEvent } from "../../lib/event.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, startRelay } from "../helpers/relay.ts";
import { startSink } from "../helpers/sink.ts";
import { until } from "../helpers/wait.ts";

const body = (event: string, number: number, key = "") =>
  JSON.stringify({ event, timestamp: new Date(number).toISOString(), data: { number, key } });
const read = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as ReturnType<typeof JSON.parse>;

/** Writes a backlog of events for one target into a store that nobody serves yet. */
async function writeBacklog(path: string, target: string, count: number, orderKey?: string): Promise<void> {
  const store = openSqlite(path, systemClock);
  const event = (number: number): NewEvent => ({
    id: eventId("backlog", `${number}`, number),
    source: "connectvets",
    type: "backlog",
    receivedAt: Date.now() - 1_000,
    body: Buffer.from(body("backlog", number)),
    headers: {},
    secretIndex: 0,
    problems: [],
    deliveries: [{ target, orderKey }],
  });
  for (let from = 0; from < count; from += 5_000) {
    await store.write({
      lanes: [],
      accepts: Array.from({ length: Math.min(5_000, count - from) }, (_, index) => event(from + index)),
    });
  }
  await store.close();
}

test("deliver() holds nobody up for a backlog of 100,000 to a target that hangs", async () => {
  const hanging: ServerResponse[] = [];
  const slow = await startSink((response) => void hanging.push(response));
  const quick = await startSink();
  const folder = makeFolder();
  await writeBacklog(join(folder.path, "relay.db"), "slow", 100_000);
  const config = configOf({
    targets: `slow: http({ url: "${slow.url}", timeout: "1m", concurrency: 5 }), quick: http({ url: "${quick.url}" })`,
    routes: `{ on: "urgent", to: "quick" }`,
  });
  const relay = await startRelay(config, { folder: folder.path });
  try {
    await slow.received(5);
    for (let number = 1; number <= 20; number++) {
      await relay.post(body("urgent", number));
      await quick.received(number);
    }
    assert.equal(hanging.length, 5, "it holds its own concurrency and no more");
  } finally {
    for (const response of hanging) response.destroy();
    await relay.close();
    await Promise.all([slow.close(), quick.close()]);
    folder.remove();
  }
});

test("deliver() holds nobody up while a backlog of 100,000 drains", async () => {
  const busy = await startSink();
  const quick = await startSink();
  const folder = makeFolder();
  await writeBacklog(join(folder.path, "relay.db"), "busy", 100_000);
  const config = configOf({
    targets: `busy: http({ url: "${busy.url}" }), quick: http({ url: "${quick.url}" })`,
    routes: `{ on: "urgent", to: "quick" }`,
  });
  const relay = await startRelay(config, { folder: folder.path });
  try {
    await busy.received(1);
    for (let number = 1; number <= 20; number++) {
      await relay.post(body("urgent", number));
      const before = busy.requests.length;
      await quick.received(number);
      assert.ok(busy.requests.length - before < 1_000, "the urgent one came through among the others");
    }
    assert.ok(busy.requests.length < 100_000, "long before the backlog was gone");
  } finally {
    await relay.close();
    await Promise.all([busy.close(), quick.close()]);
    folder.remove();
  }
});

test("deliver() works off a long backlog of one order key, one after the other", async () => {
  const sink = await startSink();
  const folder = makeFolder();
  await writeBacklog(join(folder.path, "relay.db"), "sink", 50_000, "rex");
  const config = configOf({ targets: `sink: http({ url: "${sink.url}" })`, routes: `{ on: "**", to: "sink" }` });
  const relay = await startRelay(config, { folder: folder.path });
  try {
    await sink.received(100);
    const numbers = sink.requests.slice(0, 100).map(({ body }) => read(body).data.number);
    assert.deepEqual(numbers, Array.from({ length: 100 }, (_, index) => index));
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});

test("deliver() keeps the order of each key through failures and `kill -9`", async () => {
  const KEYS = ["rex", "mia", "bob"];
  const EACH = 40;
  let busy = 0;
  const inFlight = new Map<string, number>();
  let most = 0;
  const sink = await startSink((response, request, count) => {
    const { key } = read(request.body).data;
    inFlight.set(key, (inFlight.get(key) ?? 0) + 1);
    most = Math.max(most, inFlight.get(key)!);
    busy = Math.max(busy, [...inFlight.values()].filter((one) => one > 0).length);
    const end = () => {
      inFlight.set(key, inFlight.get(key)! - 1);
      response.writeHead(count % 4 === 0 ? 503 : 200).end();
    };
    response.on("error", () => {});
    setTimeout(end, 5);
  });
  const config = configOf({
    targets: `sink: http({ url: "${sink.url}", order: (e) => e.data.key, circuit: false,
      retry: Array.from({ length: 50 }, () => "20ms") })`,
    routes: `{ on: "**", to: "sink" }`,
  });
  const folder = makeFolder();
  let relay = await startRelay(config, { folder: folder.path });
  try {
    for (let number = 0; number < EACH; number++) {
      for (const key of KEYS) assert.equal((await relay.post(body("note.failed", number, key))).status, 200);
      if (number % 10 !== 5) continue;
      await relay.end("SIGKILL");
      relay = await startRelay(config, { folder: folder.path });
    }
    const numbersOf = (key: string): number[] =>
      sink.requests.map(({ body }) => read(body).data).filter((data) => data.key === key).map(({ number }) => number);
    await until("all to arrive", () => KEYS.every((key) => new Set(numbersOf(key)).size === EACH));
    for (const key of KEYS) {
      const numbers = numbersOf(key);
      assert.deepEqual(numbers, numbers.toSorted((one, other) => one - other), key);
    }
    assert.ok(busy > 1, "keys do not wait for each other");
    assert.ok(most <= 2, "a second one of a key only where a crash left the first one behind");
  } finally {
    await relay.close();
    await sink.close();
    folder.remove();
  }
});
