/** Reading bodies as events. */

// Runs on Deno alone: pure.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { parsePayload, payloadOf, printable, type RelayEvent } from "../lib/event.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

const read: [what: string, text: string][] = [
  ["the guide's event", '{"event":"note.completed","timestamp":"2024-02-14T18:25:43Z","data":{"note_id":"n"}}'],
  ["the guide's check, which has no timestamp", '{"event":"test","data":{}}'],
  ["an event that nobody knows", '{"event":"note.archived","more":[1,2,{"a":null}]}'],
  ["an empty name", '{"event":""}'],
  ["white space around it", ' \r\n{"event":"a"}\n\t'],
  ["keys that objects have by nature", '{"event":"a","__proto__":{"polluted":true},"constructor":1}'],
  ["numbers and escapes of any kind", '{"event":"\\ud83d\\udc15","n":1e400,"m":-0.0,"s":"\\u0000"}'],
];

for (const [what, text] of read) {
  test(`parsePayload() reads ${what}`, () =>
    assert.deepEqual(parsePayload(bytes(text)), { payload: JSON.parse(text) }));
}

test("parsePayload() ignores a byte order mark", () => {
  assert.deepEqual(parsePayload(bytes('\ufeff{"event":"a"}')), { payload: { event: "a" } });
});

test("parsePayload() lets no body change what all objects have", () => {
  parsePayload(bytes('{"event":"a","__proto__":{"polluted":true}}'));
  assert.equal("polluted" in {}, false);
});

const refused: [what: string, body: Uint8Array, problem: string][] = [
  ["nothing", bytes(""), "The body is empty"],
  ["a byte order mark alone", bytes("\ufeff"), "The body is not valid JSON"],
  ["white space", bytes("  "), "The body is not valid JSON"],
  ["half a character", bytes('{"event":"é"}').slice(0, 11), "The body is not valid UTF-8"],
  ["Latin-1", new Uint8Array(Buffer.from('{"event":"é"}', "latin1")), "The body is not valid UTF-8"],
  ["UTF-16", new Uint8Array(Buffer.from('\ufeff{"event":"a"}', "utf16le")), "The body is not valid UTF-8"],
  ["two byte order marks", bytes('\ufeff\ufeff{"event":"a"}'), "The body is not valid JSON"],
  ["form data", bytes("event=note.failed"), "The body is not valid JSON"],
  ["JSON with a comment", bytes('{"event":"a"} // x'), "The body is not valid JSON"],
  ["two objects", bytes('{"event":"a"}{"event":"b"}'), "The body is not valid JSON"],
  ["nesting without an end", bytes("[".repeat(100_000)), "The body is not valid JSON"],
  ["null", bytes("null"), "The body is not a JSON object"],
  ["a list", bytes('[{"event":"a"}]'), "The body is not a JSON object"],
  ["a text", bytes('"event"'), "The body is not a JSON object"],
  ["a number", bytes("1"), "The body is not a JSON object"],
  ["no event", bytes('{"Event":"a"}'), 'The body has no string "event"'],
  ["an event that is null", bytes('{"event":null}'), 'The body has no string "event"'],
  ["an event that is a list", bytes('{"event":["a"]}'), 'The body has no string "event"'],
  ["an event of another object", bytes('{"__proto__":{"event":"a"}}'), 'The body has no string "event"'],
];

for (const [what, body, problem] of refused) {
  test(`parsePayload() says what is wrong with ${what}`, () => assert.deepEqual(parsePayload(body), { problem }));
}

test("parsePayload() reads each body by itself, whatever came before", () => {
  parsePayload(new Uint8Array([0x7b, 0xe2, 0x82]));
  assert.deepEqual(parsePayload(bytes('{"event":"a"}')), { payload: { event: "a" } });
});

test("parsePayload() never throws", () => {
  const anyBody = fc.oneof(fc.uint8Array(), fc.json().map(bytes), fc.string({ unit: "binary" }).map(bytes));
  fc.assert(fc.property(anyBody, (body) => {
    const parsed = parsePayload(body);
    if ("payload" in parsed) assert.equal(typeof parsed.payload.event, "string");
    else assert.match(parsed.problem, /^The body /);
  }));
});

test("payloadOf() reads a stored event again", () => {
  const event: RelayEvent = {
    id: "id",
    source: "s",
    type: "a",
    receivedAt: 0,
    body: bytes('{"event":"a","data":{"x":1}}'),
    headers: {},
  };
  assert.deepEqual(payloadOf(event), { event: "a", data: { x: 1 } });
  assert.throws(() => payloadOf({ ...event, body: bytes("x") }), /Cannot read event id: The body is not valid JSON/);
});

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
