/** What `wrk` does, for machines without it: `generate.ts PORT CONNECTIONS SECONDS FILE LENGTH OFFSET each|wrap|same`. */

import { Buffer } from "node:buffer";
import { openSync, readSync } from "node:fs";
import { connect, type Socket } from "node:net";
import process from "node:process";

const [port, connections, seconds, path, length, offset, mode] = process.argv.slice(2);
const file = openSync(path!, "r");
const size = Number(length);
let at = Number(offset);
let exhausted = 0;
const same = mode === "same" ? read() : undefined;

function read(): Buffer | undefined {
  const record = Buffer.allocUnsafe(size);
  if (readSync(file, record, 0, size, at++ * size) === size) return record;
  if (mode !== "wrap") return undefined;
  at = 0;
  return read();
}

const latencies: number[] = [];
let refused = 0;
let failed = 0;
const startedAt = performance.now();
const endAt = startedAt + Number(seconds) * 1000;

function next(socket: Socket): number {
  const record = same ?? read();
  if (!record) exhausted = 1;
  if (record && performance.now() < endAt) socket.write(record);
  else socket.destroy();
  return performance.now();
}

/** One connection: a request, its whole answer, the next request. */
function loop(): Promise<void> {
  return new Promise((resolve) => {
    let sentAt = 0;
    let text = "";
    const socket = connect(Number(port), "127.0.0.1", () => sentAt = next(socket));
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const head = text.indexOf("\r\n\r\n");
      if (head < 0) return;
      const declared = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head));
      const isWhole = declared ? text.length >= head + 4 + Number(declared[1]) : text.endsWith("0\r\n\r\n");
      if (!isWhole) return;
      latencies.push(performance.now() - sentAt);
      if (Number(text.slice(9, 12)) > 399) refused++;
      text = "";
      sentAt = next(socket);
    });
    socket.on("error", () => failed++);
    socket.on("close", () => performance.now() < endAt && !exhausted ? resolve(loop()) : resolve());
  });
}

await Promise.all(Array.from({ length: Number(connections) }, loop));
const elapsed = (performance.now() - startedAt) / 1000;
latencies.sort((a, b) => a - b);
const percentile = (part: number) => latencies[Math.floor(latencies.length * part)] ?? 0;
process.stdout.write(`${
  JSON.stringify({
    answers: latencies.length,
    refused,
    failed,
    seconds: elapsed,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    exhausted,
  })
}\n`);
