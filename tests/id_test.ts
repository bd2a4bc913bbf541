/** Ids: UUIDv7 that can be told from what they name. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { deliveryId, deliveryIdOf, eventId, formatId, parseId, readDeliveryId } from "../lib/id.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = Date.parse("2024-02-14T18:25:43Z");

const anyKey = fc.oneof(fc.string({ unit: "binary" }), fc.uint8Array());
const anyTime = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const anyNumber = fc.integer({ min: 1, max: 0xffff });

test("eventId() is a UUIDv7 of the event's own time", () => {
  fc.assert(fc.property(anyKey, anyTime, (key, time) => {
    const text = formatId(eventId("source", key, time));
    assert.match(text, UUID_V7);
    assert.equal(parseInt(text.slice(0, 8) + text.slice(9, 13), 16), time);
  }));
});

test("eventId() takes a time that no id can hold for none", () => {
  for (const time of [-1, 2 ** 48, NaN, Infinity, -Infinity]) {
    assert.deepEqual(eventId("source", "key", time), eventId("source", "key", 0));
  }
  assert.deepEqual(eventId("source", "key", TIME + 0.9), eventId("source", "key", TIME));
});

test("eventId() is the same for the same, and another for any difference", () => {
  const ids = [
    eventId("source", "key", TIME),
    eventId("source", "key ", TIME),
    eventId("source2", "key", TIME),
    eventId("source", "key", TIME + 1),
    eventId("source", "", TIME),
  ].map(formatId);
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(eventId("source", "key", TIME), eventId("source", Buffer.from("key"), TIME));
});

test("eventId() differs in its hash, not in its time alone", () => {
  const ids = Array.from({ length: 10_000 }, (_, index) => formatId(eventId("source", `key ${index}`, TIME)));
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(new Set(ids.map((id) => id.slice(0, 13))).size, 1);
});

test("eventId() orders events as their times do", () => {
  fc.assert(fc.property(anyTime, anyTime, (a, b) => {
    const [first, second] = [formatId(eventId("s", "k", Math.min(a, b))), formatId(eventId("s", "k", Math.max(a, b)))];
    assert.ok(first <= second);
  }));
});

test("deliveryId() is a UUIDv7 that leads back to its event and its number", () => {
  fc.assert(fc.property(anyKey, anyTime, anyNumber, (key, time, number) => {
    const event = eventId("source", key, time);
    const before = formatId(event);
    const id = deliveryId(event, number);
    assert.equal(formatId(event), before, "the event's id stays as it is");
    assert.match(formatId(id), UUID_V7);
    assert.notDeepEqual(id, event);
    const { first, last, number: read } = readDeliveryId(id);
    assert.equal(read, number);
    assert.ok(Buffer.compare(first, event) <= 0 && Buffer.compare(event, last) <= 0);
    assert.equal(formatId(first).slice(0, -4), before.slice(0, -4));
  }));
});

test("deliveryIdOf() makes of an event's id as text what deliveryId() makes of its bytes", () => {
  for (let key = 0; key < 64; key++) {
    const event = eventId("source", `${key}`, TIME);
    for (const number of [1, 255, 256, 0xffff]) {
      assert.equal(deliveryIdOf(formatId(event), number), formatId(deliveryId(event, number)));
    }
  }
});

test("deliveryId() is another for each number, and no event's id", () => {
  const event = eventId("source", "key", TIME);
  const ids = [1, 2, 255, 256, 0xffff].map((number) => formatId(deliveryId(event, number)));
  assert.equal(new Set([formatId(event), ...ids]).size, 6);
});

test("readDeliveryId() reads an id that lies within a larger buffer", () => {
  const id = deliveryId(eventId("source", "key", TIME), 513);
  const within = new Uint8Array([...new Uint8Array(8), ...id, ...new Uint8Array(8)]).subarray(8, 24);
  assert.deepEqual(readDeliveryId(within), readDeliveryId(id));
  assert.equal(formatId(within), formatId(id));
});

test("parseId() reads what formatId() writes, in lower and upper case", () => {
  fc.assert(fc.property(anyKey, anyTime, (key, time) => {
    const id = eventId("source", key, time);
    assert.deepEqual(parseId(formatId(id)), id);
    assert.deepEqual(parseId(formatId(id).toUpperCase()), id);
  }));
});

const valid = formatId(eventId("source", "key", TIME));

for (
  const text of [
    "",
    "x",
    ` ${valid}`,
    `${valid}\n`,
    `{${valid}}`,
    valid.slice(1),
    `${valid}0`,
    valid.replaceAll("-", ""),
    valid.replace("-7", "-4"),
    "00000000-0000-0000-0000-000000000000",
    "not-an-id' OR 1=1",
  ]
) {
  test(`parseId() gives undefined for ${JSON.stringify(text)}`, () => assert.equal(parseId(text), undefined));
}
