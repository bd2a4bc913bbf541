/** How a body is shown. */

// Runs on Deno alone: pure.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { shownBody } from "../../lib/operator/payload.ts";

test("shownBody() indents JSON and counts the bytes that came in", () => {
  const body = Buffer.from('{"event":"ação"}');
  assert.deepEqual(shownBody(body), { text: '{\n  "event": "ação"\n}', bytes: 18, isJson: true, isCut: false });
});

test("shownBody() keeps numbers as they were written", () => {
  assert.equal(
    shownBody(Buffer.from('{"id":12345678901234567890,"x":1.0}')).text,
    '{\n  "id": 12345678901234567890,\n  "x": 1.0\n}',
  );
});

test("shownBody() shows any other body as text, however it is made", () => {
  assert.deepEqual(shownBody(Buffer.from("a=1&b=2")), { text: "a=1&b=2", bytes: 7, isJson: false, isCut: false });
  assert.equal(shownBody(Uint8Array.of(0xff, 0x00, 0x41)).text, "\ufffd\0A");
  assert.equal(shownBody(new Uint8Array()).text, "");
});

test("shownBody() cuts a long body, and never within a character", () => {
  const { text, isCut, bytes } = shownBody(Buffer.from(JSON.stringify(`x${"😀".repeat(100_000)}`)));
  assert.deepEqual([isCut, bytes, text.length], [true, 400_003, 100_000]);
  assert.ok(text.isWellFormed());
});
