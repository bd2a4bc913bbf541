/** What is written of events elsewhere. */

// Runs on Deno alone: pure.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printable } from "../lib/event.ts";

const printed: [text: string, expected: string][] = [
  ["note.failed", "note.failed"],
  ["a b\r\nX-Header: 1", "a%20b%0D%0AX-Header:%201"],
  ["é", "%C3%A9"],
  ["🐕", "%F0%9F%90%95"],
  ["\0", "%00"],
  ["\ud83d", "%EF%BF%BD"],
  ["x".repeat(300), "x".repeat(256)],
];

for (const [text, expected] of printed) {
  test(`printable() writes ${JSON.stringify(text).slice(0, 40)} in ASCII`, () =>
    assert.equal(printable(text), expected));
}

test("printable() gives what headers and environment variables can hold, of any text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
    assert.match(printable(text), /^[\x21-\x7e]*$/);
    new Headers({ "Relay-Event-Type": printable(text) });
  }));
});
