/** Events whose body is JSON that names its type as `event`: what is read of them, and what the config's functions see. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { jsonEvents, viewStored } from "../../lib/sources/json_event.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

const parse = (body: Uint8Array) => jsonEvents.read({ headers: new Headers(), body });

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
  test(`read() reads ${what}`, () => assert.deepEqual(payloadIn(bytes(text)), JSON.parse(text)));
}

function payloadIn(body: Uint8Array): unknown {
  const read = parse(body);
  assert.ok("event" in read);
  return read.event.payload;
}

test("read() ignores a byte order mark", () => {
  assert.deepEqual(payloadIn(bytes('\ufeff{"event":"a"}')), { event: "a" });
});

test("read() lets no body change what all objects have", () => {
  parse(bytes('{"event":"a","__proto__":{"polluted":true}}'));
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
  test(`read() says what is wrong with ${what}`, () => {
    const parsed = parse(body);
    assert.equal("problem" in parsed && String(parsed.problem), problem);
  });
}

test("read() reads each body by itself, whatever came before", () => {
  parse(new Uint8Array([0x7b, 0xe2, 0x82]));
  assert.deepEqual(payloadIn(bytes('{"event":"a"}')), { event: "a" });
});

test("read() never throws", () => {
  const anyBody = fc.oneof(fc.uint8Array(), fc.json().map(bytes), fc.string({ unit: "binary" }).map(bytes));
  fc.assert(fc.property(anyBody, (body) => {
    const parsed = parse(body);
    if ("event" in parsed) assert.equal(parsed.event.type, parsed.event.payload.event);
    else assert.match(String(parsed.problem), /^The body /);
  }));
});

const marks: [what: string, more: object, id: string | undefined, time: number | undefined][] = [
  ["an id that is a text", { id: "evt_1" }, "evt_1", undefined],
  ["an id that is a number", { id: 7 }, "7", undefined],
  ["an id that is an empty text", { id: "" }, undefined, undefined],
  ["an id that JavaScript cannot hold exactly", { id: 2 ** 53 }, undefined, undefined],
  ["an id that is an object", { id: { a: 1 } }, undefined, undefined],
  ["a time with its zone", { timestamp: "2024-02-14T15:25:43-03:00" }, undefined, Date.UTC(2024, 1, 14, 18, 25, 43)],
  ["a time without a zone", { timestamp: "2024-02-14T15:25:43" }, undefined, undefined],
  ["a time that is none", { timestamp: "2024-13-41T15:25:43Z" }, undefined, undefined],
  ["a time that is a number", { timestamp: 1707935143 }, undefined, undefined],
];

for (const [what, more, id, time] of marks) {
  test(`read() of an event with ${what}`, () => {
    const payload = { event: "a", ...more };
    const read = parse(bytes(JSON.stringify(payload)));
    assert.deepEqual(read, { event: { type: "a", id, time, payload } });
  });
}

const viewed: [what: string, body: string, payload: unknown][] = [
  ["as it came", '{"event":"a","data":{"x":1}}', { event: "a", data: { x: 1 } }],
  ["by its type, where its body names none", '{"x":1}', { event: "t", data: { x: 1 }, payload: { x: 1 } }],
  ["by its type, where its body is a list", "[1]", { event: "t", data: {}, payload: [1] }],
  ["by its type, where its body is no JSON", "a=1&b=2", { event: "t", data: {}, payload: undefined }],
  ["by its type, where its body is empty", "", { event: "t", data: {}, payload: undefined }],
];

for (const [what, body, payload] of viewed) {
  test(`viewStored() shows an event ${what}`, () =>
    assert.deepEqual(viewStored({ type: "t", body: bytes(body), headers: {} }), payload));
}

test("draft() makes a sample of a type, or takes the bytes that it is given", () => {
  const read = parse(jsonEvents.draft("note.failed").body);
  assert.ok("event" in read);
  assert.equal(read.event.type, "note.failed");
  assert.deepEqual(jsonEvents.draft("x", bytes("y")), {
    headers: { "Content-Type": "application/json" },
    body: bytes("y"),
  });
});
