/**
 * Mixed requests, honest and hostile, over both listeners; ends with 1 if one was answered by what no contract has, if
 * anything unsigned was delivered, or anything acknowledged was not: `deno task fuzz`, with `--requests 1000000`.
 */

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import process from "node:process";
import { parseArgs } from "node:util";
import { configOf, sign, startRelay } from "../helpers/relay.ts";
import { until } from "../helpers/wait.ts";
import { chooseSeed, pick, randomOf } from "./random.ts";

const { values: options } = parseArgs({ options: { requests: { type: "string", default: "100000" } } });
const wanted = Number(options.requests);

/** Requests of one connection; the last one may be cut. */
const BATCH = 20;
const CONNECTIONS = 32;
/** A connection whose answers do not come is given up, in milliseconds. */
const PATIENCE_MS = 40_000;
const TOKEN = "a-token-of-the-fuzz-that-is-long-enough";

const seed = chooseSeed();
const random = randomOf(seed);
const chance = (share: number) => random() < share;
const upTo = (most: number) => Math.floor(random() * most);
const bytesOf = (length: number) => Buffer.from(Array.from({ length }, () => upTo(256)));

/** Note ids of events that were signed, and of those that were acknowledged. */
const signed = new Set<string>();
const acknowledged = new Set<string>();
const delivered = new Set<string>();
const foreign: string[] = [];

const sink = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part) => parts.push(part)).on("end", () => {
    const note = noteOf(Buffer.concat(parts).toString());
    if (signed.has(note)) delivered.add(note);
    else foreign.push(note);
    response.end("ok");
  });
});
await new Promise<void>((resolve) => void sink.listen(0, "127.0.0.1", resolve));

const relay = await startRelay(
  configOf({
    targets: `sistema: http({ url: "http://127.0.0.1:${(sink.address() as AddressInfo).port}/", concurrency: 32 })`,
    routes: '{ on: "**", to: "sistema" }',
    admin: `{ port: 0, token: "${TOKEN}" }`,
  }),
  { maxOutput: 1_000_000 },
);
const adminPort = Number(new URL(await relay.adminUrl()).port);

/** One request as it is written, and what it was signed for, if it is genuine and whole. */
interface Shot {
  bytes: Buffer;
  note?: string;
  /** Nothing of sense may come behind it on its connection. */
  isLast?: boolean;
}

let count = 0;

function genuine(): Shot {
  const note = `${seed}-${++count}`;
  const body = JSON.stringify({ event: pick(random, ["note.completed", "note.failed", "x"]), data: { note_id: note } });
  signed.add(note);
  const value = `${chance(0.9) ? "sha256=" : ""}${sign(body).slice(7)}`;
  const head = [`POST /webhook HTTP/1.1`, "Host: relay", `X-ConnectVets-Signature: ${value}`];
  return chance(0.8)
    ? { bytes: written([...head, `Content-Length: ${body.length}`], body), note }
    : { bytes: written([...head, "Transfer-Encoding: chunked"], chunked(body)), note };
}

function forged(): Shot {
  const body = chance(0.5) ? bytesOf(upTo(300)) : Buffer.from(`{"event":"note.failed","data":{"note_id":"forged"}}`);
  const values = ["", "sha256=", "sha256=test", sign("other"), `sha256=${"0".repeat(upTo(200))}`, sign(body, "x")];
  const lines = [`POST /webhook HTTP/1.1`, "Host: relay", `Content-Length: ${body.length}`];
  return { bytes: written(chance(0.1) ? lines : [...lines, `X-ConnectVets-Signature: ${pick(random, values)}`], body) };
}

function elsewhere(): Shot {
  const method = pick(random, ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "QUERY"]);
  const path = pick(random, [
    "/",
    "/webhook",
    "/healthz",
    "/readyz",
    "/metrics",
    "/%00",
    "//x",
    `/${"a".repeat(upTo(9_000))}`,
  ]);
  return { bytes: written([`${method} ${path} HTTP/1.1`, "Host: relay"]) };
}

function broken(): Shot {
  const bytes = pick(random, [
    () => bytesOf(upTo(400) + 1),
    () => Buffer.from(`FOO /webhook HTTP/1.1\r\nHost: x\r\n\r\n`),
    () => Buffer.from(`POST /webhook HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n`),
    () => Buffer.from("GET /\xe9 HTTP/1.1\r\nHost: x\r\n\r\n", "latin1"),
    () => Buffer.from(`POST /webhook HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`),
    () => Buffer.from(`POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`),
    () => Buffer.from(`POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n`),
    () => Buffer.from(`POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx`),
    () => Buffer.from(`POST /webhook HTTP/1.1\r\nA: ${"a".repeat(upTo(200_000))}\r\n\r\n`),
    () => mutated(genuineLike()),
    () => genuineLike().subarray(0, upTo(150)),
  ])();
  return { bytes, isLast: true };
}

/** The bytes of a genuine request for a note that nobody signed: its signature is of other bytes. */
function genuineLike(): Buffer {
  const body = `{"event":"note.completed","data":{"note_id":"forged-${upTo(1e9)}"}}`;
  return written([
    "POST /webhook HTTP/1.1",
    "Host: relay",
    `Content-Length: ${body.length}`,
    `X-ConnectVets-Signature: ${sign(`${body} `)}`,
  ], body);
}

function admin(): Shot {
  const token = pick(random, [`Authorization: Bearer ${TOKEN}`, `Authorization: Bearer ${TOKEN}`, "X-A: b"]);
  const text = pick(random, ["a", "%00", "%ff", "'", "%25", "note", "\u00e9".repeat(3)]);
  const path = pick(random, [
    ...["/", "/healthz", "/readyz", "/metrics", "/api/status", "/api/targets", "/api/dead", "/api/activity", "/events"],
    `/api/events?limit=${pick(random, ["1", "-1", "1e9", "x", ""])}`,
    ...["type", "state", "target", "since", "cursor"].map((name) => `/api/events?${name}=${encodeURIComponent(text)}`),
    `/api/events/${encodeURIComponent(text)}`,
    "/sign-in",
    "/assets/style.css",
  ]);
  if (chance(0.7)) return { bytes: written([`GET ${path} HTTP/1.1`, "Host: 127.0.0.1", token]) };
  const body = pick(random, [
    "",
    "{}",
    "[",
    '{"ids":["x"]}',
    '{"dead":1}',
    '{"type":"note.*"}',
    bytesOf(upTo(60)).toString("latin1"),
  ]);
  const place = pick(random, ["/api/route", "/api/retry", "/api/targets/no/pause", "/sign-out"]);
  const bytes = Buffer.from(body, "latin1");
  const lines = [`POST ${place} HTTP/1.1`, "Host: 127.0.0.1", token, "Content-Type: application/json"];
  return { bytes: written([...lines, `Content-Length: ${bytes.length}`], bytes) };
}

function mutated(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let times = upTo(4) + 1; times > 0; times--) copy[upTo(copy.length)] = upTo(256);
  return copy;
}

function written(lines: string[], body: string | Buffer = ""): Buffer {
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), Buffer.from(body)]);
}

function chunked(body: string): string {
  const at = upTo(body.length);
  const chunk = (text: string) => text === "" ? "" : `${text.length.toString(16)}\r\n${text}\r\n`;
  return `${chunk(body.slice(0, at))}${chunk(body.slice(at))}0\r\n${chance(0.3) ? "Digest: x\r\n" : ""}\r\n`;
}

const noteOf = (text: string) => /"note_id":"([^"]*)"/.exec(text)?.[1] ?? text;

/** How often each status came, by listener. */
const statuses = { public: new Map<string, number>(), admin: new Map<string, number>() };
/** Connections on which answers were missing: how many came, the request at that place, and the end of what came. */
const silent: string[] = [];
let sent = 0;

/** Sends a batch on a connection of its own and reads all answers. */
function fire(isAdmin: boolean): Promise<void> {
  const shots: Shot[] = [];
  while (shots.length < BATCH && !shots.at(-1)?.isLast) {
    const kind = random();
    if (isAdmin) shots.push(kind < 0.9 ? admin() : broken());
    else shots.push(kind < 0.5 ? genuine() : kind < 0.8 ? forged() : kind < 0.93 ? elsewhere() : broken());
  }
  sent += shots.length;
  const whole = shots.filter(({ isLast }) => !isLast).length;
  return new Promise((resolve) => {
    const socket = connect({ port: isAdmin ? adminPort : relay.port, host: "127.0.0.1", allowHalfOpen: true });
    const parts: Buffer[] = [];
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.on("data", (part: Buffer) => parts.push(part));
    socket.on("error", () => {});
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(timer);
      const answers = Buffer.concat(parts).toString("latin1").match(/HTTP\/1\.1 \d{3}(?= [A-Z][A-Za-z ]*\r\n)/g) ?? [];
      answers.forEach((answer, at) => {
        const status = answer.slice(9);
        const counts = statuses[isAdmin ? "admin" : "public"];
        counts.set(status, (counts.get(status) ?? 0) + 1);
        if (status === "200" && shots[at]?.note) acknowledged.add(shots[at].note);
      });
      if (answers.length < whole) {
        const [asked, last] = [shots[answers.length]!.bytes, Buffer.concat(parts).subarray(-200)];
        silent.push(`${answers.length} of ${whole}; ${asked.toString("latin1", 0, 200)}; ${last.toString("latin1")}`);
      }
      resolve();
    });
    socket.write(Buffer.concat(shots.map(({ bytes }) => bytes)));
    if (chance(0.5)) socket.end();
    else setTimeout(() => socket.end(), upTo(20));
  });
}

function memoryMiB(): number {
  const status = readFileSync(`/proc/${relay.child.pid}/status`, "utf8");
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) / 1024);
}

const memory: number[] = [];
let told = 0;
await Promise.all(Array.from({ length: CONNECTIONS }, async (_, at) => {
  while (sent < wanted) {
    await fire(at % 8 === 0);
    if (sent < wanted * (told + 1) / 10) continue;
    told++;
    memory.push(memoryMiB());
    process.stderr.write(`${sent} requests, ${memory.at(-1)} MiB\n`);
  }
}));
let problem = "";
try {
  await until(
    "what was acknowledged to be delivered",
    () => [...acknowledged].every((note) => delivered.has(note)),
    120_000,
  );
} catch (error) {
  problem = (error as Error).message;
}
const allowed = {
  public: /^(200|400|401|404|405|408|413|415|431|503)$/,
  admin: /^(200|303|304|400|401|403|404|405|408|409|413|415|422|429|431|503)$/,
};
const strange = (["public", "admin"] as const).flatMap((name) =>
  [...statuses[name].keys()].filter((status) => !allowed[name].test(status)).map((status) => `${name} ${status}`)
);
const code = await relay.end();
sink.close();
await relay.close();
process.stdout.write(`${
  JSON.stringify(
    {
      seed,
      requests: sent,
      public: Object.fromEntries([...statuses.public].sort()),
      admin: Object.fromEntries([...statuses.admin].sort()),
      connectionsWithMissingAnswers: silent.slice(0, 5),
      signed: signed.size,
      acknowledged: acknowledged.size,
      delivered: delivered.size,
      deliveredUnsigned: foreign.length,
      memoryMiB: memory,
      exit: code,
    },
    null,
    2,
  )
}\n`);
if (problem || strange.length > 0 || foreign.length > 0 || code !== 0 || silent.length > 0) {
  process.stderr.write(
    `Failed: ${
      [problem, ...strange, foreign[0] ?? "", silent.length > 0 ? `${silent.length} silent` : ""].filter(Boolean)
    }\n`,
  );
  process.exitCode = 1;
}
