/** Bodies: read whole or not at all, however they come, and never at the cost of other senders' requests. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { Bodies } from "../../lib/pipeline/body.ts";
import { until } from "../helpers/wait.ts";

const MAX = 64 * 1024;
const SMALL = Buffer.alloc(16 * 1024, "s");
const LARGE = Buffer.from(Array.from({ length: MAX }, (_, at) => at % 251));

/**
 * A request whose body comes in these pieces and then, unless `isOpen`, ends. Without `declared` its length is unsaid.
 * One that is open ends by `end()`; `isTaken` says whether all that came was taken from it.
 */
function requestOf(pieces: readonly Uint8Array[], { declared, isOpen }: { declared?: number; isOpen?: boolean } = {}) {
  const seen = { isCancelled: false, isTaken: false, end: () => {} };
  const rest = [...pieces];
  const body = new ReadableStream({
    pull(controller) {
      const piece = rest.shift();
      if (piece) return controller.enqueue(piece);
      if (!isOpen) return controller.close();
      seen.isTaken = true;
      return new Promise<void>((resolve) => {
        seen.end = () => {
          controller.close();
          resolve();
        };
      });
    },
    cancel: () => void (seen.isCancelled = true),
  });
  const headers: Record<string, string> = declared === undefined ? {} : { "Content-Length": String(declared) };
  const init = { method: "POST", body, headers, duplex: "half" };
  return { request: new Request("http://relay/hook", init), seen };
}

/** Cuts bytes into pieces of so many. */
function cut(bytes: Uint8Array, length: number): Uint8Array[] {
  const pieces = Math.ceil(bytes.byteLength / length);
  return Array.from({ length: pieces }, (_, at) => bytes.slice(at * length, (at + 1) * length));
}

test("read() gives the exact bytes, declared or not, in one piece or in hundreds", async () => {
  const bodies = new Bodies();
  for (const bytes of [Buffer.from(""), SMALL, LARGE, LARGE.subarray(0, 40_000)]) {
    for (const length of [97, 1_000, 20_000, MAX]) {
      for (const declared of [undefined, bytes.byteLength]) {
        const body = await bodies.read(requestOf(cut(bytes, length), { declared }).request, MAX);
        assert.ok(
          typeof body !== "string" && Buffer.compare(body, bytes) === 0,
          `${bytes.length} by ${length}: ${body}`,
        );
      }
    }
  }
});

test("read() gives no bytes for a request without a body", async () => {
  const body = await new Bodies().read(new Request("http://relay/hook", { method: "POST" }), MAX);
  assert.deepEqual(body, new Uint8Array(0));
});

test("read() refuses more than it may take, by what is declared and by what comes", async () => {
  const bodies = new Bodies();
  const { request, seen } = requestOf([LARGE, Buffer.from("x")], { isOpen: true });
  assert.equal(await bodies.read(request, MAX), "too_large");
  assert.ok(seen.isCancelled);
  assert.equal(await bodies.read(requestOf([], { declared: MAX + 1, isOpen: true }).request, MAX), "too_large");
});

test("read() gives up on a body that is not there in time, whatever drips", async () => {
  const bodies = new Bodies(60);
  const open: [what: string, pieces: Uint8Array[], declared?: number][] = [
    ["nothing of a small one", [], 10],
    ["a part of a small one", [SMALL.subarray(1)], SMALL.byteLength],
    ["nothing of a large one", [], MAX],
    ["a part of a large one", [SMALL, SMALL], MAX],
    ["nothing of one that declares nothing", []],
    ["a part of one that declares nothing", [SMALL, SMALL]],
  ];
  for (const [what, pieces, declared] of open) {
    assert.equal(await bodies.read(requestOf(pieces, { declared, isOpen: true }).request, MAX), "late", what);
  }
  let drips = 0;
  const dripping = new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      controller.enqueue(new Uint8Array(1));
      drips++;
    },
  });
  const init = { method: "POST", body: dripping, duplex: "half" };
  assert.equal(await bodies.read(new Request("http://relay/hook", init), MAX), "late");
  assert.ok(drips > 0 && drips < 100, `${drips} drips`);
});

test("read() says that a body was cut short", async () => {
  for (const declared of [undefined, 10, MAX]) {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error("connection lost")) });
    const headers: Record<string, string> = declared === undefined ? {} : { "Content-Length": String(declared) };
    const init = { method: "POST", body, headers, duplex: "half" };
    assert.equal(await new Bodies().read(new Request("http://relay/hook", init), MAX), "cut");
  }
});

/** What reading a body came to: how many bytes it gave, or why it gave none. */
async function read(bodies: Bodies, request: Request): Promise<number | string> {
  const body = await bodies.read(request, MAX);
  return typeof body === "string" ? body : body.byteLength;
}

/** Begins to read bodies that do not end until they are told to, and waits until all that came of them is taken. */
async function readOpen(bodies: Bodies, count: number, pieces: readonly Uint8Array[], declared: number) {
  const open = Array.from({ length: count }, () => requestOf(pieces, { declared, isOpen: true }));
  const ends = open.map(({ request }) => read(bodies, request));
  await until("the bodies to be read", () => open.every(({ seen }) => seen.isTaken));
  return { end: () => open.forEach(({ seen }) => seen.end()), ends: Promise.all(ends) };
}

test("read() holds no more than it has room for, and has its room again afterwards", async () => {
  const bodies = new Bodies(60_000, 2 * MAX);
  const part = LARGE.subarray(1);
  for (let round = 0; round < 3; round++) {
    const waiting = await readOpen(bodies, 2, [part], MAX);
    const silent = await readOpen(bodies, 100, [], MAX); // a declaration alone takes no room
    assert.equal(await read(bodies, requestOf([LARGE], { declared: MAX }).request), "no_room");
    assert.equal(await read(bodies, requestOf([SMALL], { declared: SMALL.byteLength }).request), "no_room");
    assert.equal(await read(bodies, requestOf([Buffer.from("x")], { declared: 1 }).request), 1);
    for (const { end } of [waiting, silent]) end();
    assert.deepEqual(new Set(await waiting.ends), new Set([part.byteLength]));
    assert.deepEqual(new Set(await silent.ends), new Set([0]));
    assert.equal(await read(bodies, requestOf([LARGE], { declared: MAX }).request), MAX);
  }
});

test("read() counts small bodies as they were declared, and has their room again afterwards", async () => {
  const declared = SMALL.byteLength;
  const bodies = new Bodies(60_000, 2 * declared);
  for (let round = 0; round < 3; round++) {
    const waiting = await readOpen(bodies, 2, [], declared);
    assert.equal(await read(bodies, requestOf([SMALL.subarray(0, 1)], { declared: 1 }).request), "no_room");
    waiting.end();
    await waiting.ends;
    assert.equal(await read(bodies, requestOf([SMALL], { declared }).request), declared);
  }
});

test("read() has the room again of bodies that are not there in time", async () => {
  const bodies = new Bodies(60, MAX);
  for (const [pieces, declared] of [[[LARGE.subarray(1)], MAX], [[], SMALL.byteLength]] as const) {
    const open = Array.from({ length: MAX / declared }, () => requestOf(pieces, { declared, isOpen: true }).request);
    assert.deepEqual(new Set(await Promise.all(open.map((request) => read(bodies, request)))), new Set(["late"]));
    assert.notEqual(await read(bodies, requestOf([SMALL], { declared: SMALL.byteLength }).request), "no_room");
  }
});

test("read() takes one body that is larger than its room, alone", async () => {
  const bodies = new Bodies(60_000, MAX / 2);
  const waiting = await readOpen(bodies, 1, [LARGE], MAX);
  assert.equal(await read(bodies, requestOf([LARGE], { declared: MAX }).request), "no_room");
  waiting.end();
  assert.deepEqual(await waiting.ends, [MAX]);
  assert.equal(await read(bodies, requestOf([LARGE], { declared: MAX }).request), MAX);
});
