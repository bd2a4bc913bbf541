/** Bodies: read whole or not at all, however they come, and never at the cost of other senders' requests. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { Bodies } from "../../lib/pipeline/body.ts";

const MAX = 64 * 1024;
const SMALL = Buffer.alloc(16 * 1024, "s");
const LARGE = Buffer.from(Array.from({ length: MAX }, (_, at) => at % 251));

/** A request whose body comes in these pieces and then, unless `isOpen`, ends. Without `declared` its length is unsaid. */
function requestOf(pieces: readonly Uint8Array[], { declared, isOpen }: { declared?: number; isOpen?: boolean } = {}) {
  const seen = { isCancelled: false };
  const rest = [...pieces];
  const body = new ReadableStream({
    pull(controller) {
      const piece = rest.shift();
      if (piece) controller.enqueue(piece);
      else if (!isOpen) controller.close();
      else return new Promise<void>(() => {});
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

test("read() holds no more than it has room for, and has its room again afterwards", async () => {
  const bodies = new Bodies(300, 2 * MAX);
  const read = (pieces: Uint8Array[], declared: number, isOpen = false) =>
    bodies.read(requestOf(pieces, { declared, isOpen }).request, MAX);
  for (let round = 0; round < 3; round++) {
    const waiting = [0, 1].map(() => read([LARGE.subarray(1)], MAX, true));
    const silent = Array.from({ length: 100 }, () => read([], MAX, true)); // a declaration alone takes no room
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(await read([LARGE], MAX), "no_room");
    assert.equal(await read([SMALL], SMALL.byteLength), "no_room");
    assert.equal((await read([Buffer.from("x")], 1)).length, 1);
    assert.deepEqual(new Set(await Promise.all([...waiting, ...silent])), new Set(["late"]));
    assert.equal((await read([LARGE], MAX)).length, MAX);
  }
});

test("read() counts small bodies as they were declared, and has their room again afterwards", async () => {
  const bodies = new Bodies(100, 2 * SMALL.byteLength);
  const read = (isOpen: boolean, declared = SMALL.byteLength) =>
    bodies.read(requestOf(isOpen ? [] : [SMALL.subarray(0, declared)], { declared, isOpen }).request, MAX);
  for (let round = 0; round < 3; round++) {
    const waiting = [read(true), read(true)];
    assert.equal(await read(false, 1), "no_room");
    assert.deepEqual(await Promise.all(waiting), ["late", "late"]);
    assert.equal((await read(false)).length, SMALL.byteLength);
  }
});

test("read() takes one body that is larger than its room, alone", async () => {
  const bodies = new Bodies(100, MAX / 2);
  const read = (isOpen = false) => bodies.read(requestOf([LARGE], { declared: MAX, isOpen }).request, MAX);
  const waiting = read(true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(await read(), "no_room");
  assert.equal(await waiting, "late");
  assert.equal((await read()).length, MAX);
});
