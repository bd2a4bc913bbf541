/**
 * Sends events at a steady rate, whether they are answered or not, and takes their deliveries, so that one clock measures
 * the whole way: `steady.ts RELAY_PORT,… SINK_PORT RATE SECONDS FILE [FIRST]`. The file holds signed requests, of which
 * those from the first one on are sent.
 */

import { Buffer } from "node:buffer";
import { closeSync, openSync, readSync } from "node:fs";
import { connect, type Socket } from "node:net";
import process from "node:process";
import { bodyOf, requestOf, sign } from "../events.ts";
import { serve } from "./bun.ts";

/** Each relay's. */
const relayPorts = process.argv[2]!.split(",").map(Number);
const [sinkPort, rate, seconds] = process.argv.slice(3).map(Number) as [number, number, number];

const CONNECTIONS = 64;

/** What is sent in this time warms up, in milliseconds. */
const WARM_UP_MS = 2_000;

/** The backlog at first and at the end is the median of what it was in so many milliseconds. */
const WINDOW_MS = 500;

/** How long deliveries are waited for at the end, in milliseconds. */
const LAST_MS = 10_000;

/** Which one of the file is the first. */
const first = Number(process.argv[7] ?? 0);

const runMs = WARM_UP_MS + seconds * 1000;
const bodyLength = bodyOf(0, 0).length;
const length = requestOf(bodyOf(0, 0), sign("")).length;
const requests = readRequests(process.argv[6]!, Math.ceil(rate * runMs / 1000) * length);

const sentAt: number[] = [];
const tookMs: number[] = [];
let answers = 0;
let refused = 0;
let deliveries = 0;

function readRequests(path: string, bytes: number): Buffer {
  const file = openSync(path, "r");
  const read = Buffer.allocUnsafe(bytes);
  if (readSync(file, read, 0, bytes, first * length) < bytes) throw new Error("There are not enough signed requests");
  closeSync(file);
  return read;
}

/** Where a body says which one it is. */
const INDEX_AT = bodyOf(0, 0).indexOf("CLIENTE_") + "CLIENTE_".length;

serve({
  hostname: "127.0.0.1",
  port: sinkPort,
  async fetch(request) {
    const body = await request.text();
    if (body.length !== bodyLength) return new Response("not a body of this load", { status: 400 });
    const index = Number(body.slice(INDEX_AT, INDEX_AT + 10)) - first;
    deliveries++;
    tookMs[index] = performance.now() - sentAt[index]!;
    return new Response("ok");
  },
});

const idle: Socket[] = [];
const waiting: number[] = [];

function write(socket: Socket, index: number): void {
  socket.write(requests.subarray(index * length, (index + 1) * length));
}

for (let count = 0; count < CONNECTIONS; count++) {
  const socket = connect(relayPorts[count % relayPorts.length]!, "127.0.0.1", () => idle.push(socket));
  socket.setNoDelay(true);
  socket.on("data", (chunk) => {
    answers++;
    if (!chunk.toString("latin1").startsWith("HTTP/1.1 200")) refused++;
    const next = waiting.shift();
    if (next === undefined) idle.push(socket);
    else write(socket, next);
  });
}

function send(): void {
  const index = sentAt.push(performance.now()) - 1;
  // The one that was idle longest, or one relay of several would be sent it all.
  const socket = relayPorts.length > 1 ? idle.shift() : idle.pop();
  if (socket) write(socket, index);
  else waiting.push(index);
}

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The backlog in the windows. */
const atStart: number[] = [];
const atEnd: number[] = [];

while (idle.length < CONNECTIONS) await delay(10);
const startedAt = performance.now();
for (let at = 0; at < runMs; at = performance.now() - startedAt) {
  while (sentAt.length < Math.min(at, runMs) * rate / 1000) send();
  await delay(1);
  if (at >= WARM_UP_MS && at < WARM_UP_MS + WINDOW_MS) atStart.push(sentAt.length - deliveries);
  if (at >= runMs - WINDOW_MS) atEnd.push(sentAt.length - deliveries);
}
const sentMs = performance.now() - startedAt;
const unanswered = sentAt.length - answers;
for (let ms = 0; ms < LAST_MS && deliveries < sentAt.length; ms += 10) await delay(10);

const arrived = tookMs.slice(WARM_UP_MS * rate / 1000).filter((ms) => ms !== undefined);
const part = (values: number[], share: number) =>
  values.sort((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN;
process.stdout.write(`${
  JSON.stringify({
    sent: sentAt.length,
    seconds: sentMs / 1000,
    refused,
    late: sentAt.length - deliveries,
    unanswered,
    backlogAtStart: part(atStart, 0.5),
    backlogAtEnd: part(atEnd, 0.5),
    p50Ms: part(arrived, 0.5),
    p99Ms: part(arrived, 0.99),
  })
}\n`);
process.exit(0);
