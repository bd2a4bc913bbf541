/** Message fields: values, functions of the event, and the errors of those that fail. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { describe, MessageError } from "../../lib/errors.ts";
import { Told } from "../../lib/locale/told.ts";
import { jsonOf, mapTexts, messageFields, messageShape, textOf, valueOf } from "../../lib/targets/message.ts";

const payload = { event: "note.failed", data: { note_id: "n1" } };

/** The message of the MessageError that `make` throws. */
function messageError(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    assert.ok(error instanceof MessageError, String(error));
    return error.message;
  }
  return assert.fail("nothing was thrown");
}

for (const value of ["a text", 0, null, false, [1], { a: 1 }, undefined]) {
  test(`valueOf() gives ${JSON.stringify(value)} as it is`, () => {
    assert.equal(valueOf("body", value, payload), value);
  });
}

test("valueOf() calls a function with the payload", () => {
  assert.equal(valueOf("body", (event: unknown) => event, payload), payload);
  assert.equal(valueOf("body", () => null, payload), null);
});

const failing: { name: string; option: () => unknown; message: string }[] = [
  {
    name: "throws an error of two lines",
    option: () => {
      throw new Error("one\n  two");
    },
    message: "Cannot make the body: its function threw: one two",
  },
  {
    name: "throws a text",
    option: () => {
      throw "plain";
    },
    message: "Cannot make the body: its function threw: plain",
  },
  {
    name: "gives a promise that fails",
    option: () => Promise.reject(new Error("unheard")),
    message: "Cannot make the body: its function returns a promise; it must return the value itself",
  },
  { name: "gives nothing", option: () => {}, message: "Cannot make the body: its function returns undefined" },
];
for (const { name, option, message } of failing) {
  test(`valueOf() says so where a function ${name}`, () => {
    assert.equal(messageError(() => valueOf("body", option, payload)), message);
  });
}

test("textOf() gives a text, that of a function, or undefined where nobody gave one", () => {
  assert.equal(textOf("subject", "Olá", payload), "Olá");
  assert.equal(textOf("subject", (event: typeof payload) => event.data.note_id, payload), "n1");
  assert.equal(textOf("subject", undefined, payload), undefined);
});

const notTexts: [value: unknown, words: string][] = [
  ["", "an empty text"],
  [42, "a number"],
  [null, "null"],
  [["a"], "a list"],
  [{}, "an object"],
  [new String("boxed"), "an object"],
  [true, "a boolean"],
];
for (const [value, words] of notTexts) {
  test(`textOf() takes no function that gives ${words} (${JSON.stringify(value)})`, () => {
    const message = messageError(() => textOf("subject", () => value, payload));
    assert.equal(
      message,
      `Cannot make the subject: its function returns ${words}${value === "" ? "" : ", not a text"}`,
    );
    if (value !== "") assert.equal(describe(value), words);
  });
}

test("mapTexts() changes every text, however deep, in a copy", () => {
  const value = { a: "x", b: ["y", { c: "z", d: 1, e: null, f: true }] };
  const before = structuredClone(value);
  assert.deepEqual(mapTexts(value, (text) => text.toUpperCase()), {
    a: "X",
    b: ["Y", { c: "Z", d: 1, e: null, f: true }],
  });
  assert.deepEqual(value, before);
});

test("mapTexts() changes a text in every language", () => {
  const told = mapTexts(
    { detail: Told.of(({ outcomes }) => outcomes.answered.target(500)) },
    (text) => text.toUpperCase(),
  );
  assert.equal(told.detail.in("en"), "THE TARGET ANSWERED 500");
  assert.equal(told.detail.in("pt-BR"), "O DESTINO RESPONDEU 500");
});

test("mapTexts() keeps a key named __proto__ a key", () => {
  const mapped = mapTexts(JSON.parse('{"__proto__":{"admin":"yes"}}'), (text) => text);
  assert.equal(Object.getPrototypeOf(mapped), Object.prototype);
  assert.deepEqual(Object.keys(mapped), ["__proto__"]);
});

test("jsonOf() writes a value as JSON", () => {
  assert.equal(jsonOf("body", { a: [1, "é", null] }), '{"a":[1,"é",null]}');
});

const circle: { self?: unknown } = {};
circle.self = circle;
for (const value of [circle, 1n, { toJSON: () => assert.fail("no JSON of this") }]) {
  test(`jsonOf() says so where JSON cannot hold ${typeof value === "bigint" ? "a BigInt" : Object.keys(value)}`, () => {
    assert.match(messageError(() => jsonOf("body", value)), /^Cannot make the body: it cannot be written as JSON: ./);
  });
}
for (const value of [() => {}, Symbol("s")]) {
  test(`jsonOf() says so where JSON leaves out a ${typeof value}`, () => {
    const message = messageError(() => jsonOf("body", value));
    assert.equal(message, `Cannot make the body: a ${typeof value} cannot be written as JSON`);
  });
}

test("messageShape takes texts and functions, and no empty text", () => {
  assert.deepEqual(messageFields.toSorted(), ["blocks", "body", "html", "subject", "text"]);
  for (const field of ["text", "subject", "html"] as const) {
    for (const good of ["a", () => "a", undefined]) assert.ok(messageShape[field].safeParse(good).success);
    for (const bad of ["", 1, null, ["a"]]) assert.ok(!messageShape[field].safeParse(bad).success);
  }
  for (const good of [[], () => []]) assert.ok(messageShape.blocks.safeParse(good).success);
  for (const bad of ["a", {}, null]) assert.ok(!messageShape.blocks.safeParse(bad).success);
});

test("mapTexts() changes a text that is kept in every language", () => {
  const told = Told.of((words) => words.init.next);
  const { a } = mapTexts({ a: told }, (text) => `${text}!`);
  assert.deepEqual([a.in("en"), a.in("pt-BR")], [`${told.in("en")}!`, `${told.in("pt-BR")}!`]);
  assert.notDeepEqual(a, told);
});

test("mapTexts() refuses what is nested too deeply, in words", () => {
  const deep = JSON.parse("[".repeat(200_000) + "]".repeat(200_000));
  assert.throws(() => mapTexts(deep, (text) => text), /Cannot read the event: it is nested too deeply/);
});
