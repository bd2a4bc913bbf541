/**
 * Sends events at a steady rate, whether they are answered or not, and takes their deliveries, so that one clock measures
 * the whole way: `steady.ts RELAY_PORT SINK_PORT RATE SECONDS`.
 */

import { connect, type Socket } from "node:net";
import process from "node:process";
import { bodyOf, requestOf, sign } from "../events.ts";
import { serve } from "./bun.ts";

const [relayPort, sinkPort, rate, seconds] = process.argv.slice(2).map(Number) as [number, number, number, number];

const CONNECTIONS = 64;

/** What is sent in this time warms up, in milliseconds. */
const WARM_UP_MS = 2_000;

/** How long deliveries are waited for at the end, in milliseconds. */
const LAST_MS = 10_000;

const firstTime = Date.now();
const sentAt: number[] = [];
const tookMs: number[] = [];
let answers = 0;
let refused = 0;
let deliveries = 0;

serve({
  hostname: "127.0.0.1",
  port: sinkPort,
  async fetch(request) {
    const { data } = await request.json() as { data: { external_id: string } };
    const index = Number(data.external_id.slice("CLIENTE_".length));
    deliveries++;
    tookMs[index] = performance.now() - sentAt[index]!;
    return new Response("ok");
  },
});

const idle: Socket[] = [];
const waiting: string[] = [];

for (let count = 0; count < CONNECTIONS; count++) {
  const socket = connect(relayPort, "127.0.0.1", () => idle.push(socket));
  socket.setNoDelay(true);
  socket.on("data", (chunk) => {
    answers++;
    if (!chunk.toString("latin1").startsWith("HTTP/1.1 200")) refused++;
    const next = waiting.shift();
    if (next === undefined) idle.push(socket);
    else socket.write(next);
  });
}

function send(): void {
  const index = sentAt.push(performance.now()) - 1;
  const body = bodyOf(index, firstTime + Math.floor(index / rate) * 1000);
  const request = requestOf(body, sign(body));
  const socket = idle.pop();
  if (socket) socket.write(request);
  else waiting.push(request);
}

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

while (idle.length < CONNECTIONS) await delay(10);
const startedAt = performance.now();
const runMs = WARM_UP_MS + seconds * 1000;
let backlogAtStart = 0;
for (let at = 0; at < runMs; at = performance.now() - startedAt) {
  while (sentAt.length < Math.min(at, runMs) * rate / 1000) send();
  if (at < WARM_UP_MS) backlogAtStart = sentAt.length - deliveries;
  await delay(1);
}
const backlogAtEnd = sentAt.length - deliveries;
const unanswered = sentAt.length - answers;
for (let ms = 0; ms < LAST_MS && deliveries < sentAt.length; ms += 10) await delay(10);

const warm = tookMs.slice(WARM_UP_MS * rate / 1000).filter((ms) => ms !== undefined).sort((a, b) => a - b);
const percentile = (part: number) => warm[Math.floor(warm.length * part)] ?? NaN;
process.stdout.write(`${
  JSON.stringify({
    sent: sentAt.length,
    refused,
    deliveries,
    unanswered,
    backlogAtStart,
    backlogAtEnd,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
  })
}\n`);
process.exit(0);
