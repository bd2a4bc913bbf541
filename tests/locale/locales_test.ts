/** The words of every language: whole, told apart, and an advice for every reason of failure and of refusal. */

// Runs on Deno alone: pure.

import assert from "node:assert/strict";
import { test } from "node:test";
import { localeFor, localeNames, locales } from "../../lib/locale/mod.ts";
import { reasons } from "../../lib/outcome.ts";

for (const name of localeNames) {
  const { pages } = locales[name];

  test(`${name} gives every reason a name and one sentence that says what to do`, () => {
    for (const reason of reasons) {
      const { name, advice } = pages.reasons[reason];
      assert.match(name, /^\S.*[^.]$/, reason);
      assert.match(advice, /^\p{Lu}[^.]+[:;] [^.]+\.$/u, `${reason}: one sentence, with what to do after a colon`);
      assert.ok(advice.length < 125, `${reason} is long: ${advice.length}`);
    }
  });

  test(`${name} leaves no text empty, and makes the texts with numbers`, () => {
    const texts = [...textsOf(locales[name])];
    assert.ok(texts.length > 400, `${texts.length}`);
    const empty = texts.flatMap(([path, text]) => /\S/.test(text) ? [] : path);
    assert.deepEqual(empty, [".pages.targets.stateTodo.ok"]);
  });
}

test("every language has the same texts, and no longer one is the same in two", () => {
  const [first, ...others] = localeNames.map((name) => new Map(textsOf(locales[name])));
  for (const other of others) {
    assert.deepEqual([...other.keys()].sort(), [...first!.keys()].sort());
    assert.deepEqual([...first!].filter(([path, text]) => text.length > 20 && other.get(path) === text), []);
  }
  assert.equal(locales["pt-BR"].pages.states.dead, "falha definitiva");
});

test("localeFor() gives the language of a browser's tag and of a terminal's LANG, else English", () => {
  for (const tag of ["pt", "pt-BR", "PT-pt", "pt_BR.UTF-8"]) assert.equal(localeFor(tag), "pt-BR", tag);
  for (const tag of ["en-GB", "C.UTF-8", "fr", ""]) assert.equal(localeFor(tag), "en", tag);
});

/** Stand for what functions are given: as a text a number or names, and lists of one. */
const given = [["7"], ["crm"], ["arquivo"], ["plantao"], ["recusa"]];

/** Every text, and what every function makes of what it is given. */
function* textsOf(value: unknown, path = ""): Generator<[path: string, text: string]> {
  if (typeof value === "string") yield [path, value];
  else if (typeof value === "function") yield [path, value(...given)];
  else {for (const [key, one] of Object.entries(value as object)) {
      if (key !== "forms") yield* textsOf(one, `${path}.${key}`);
    }}
}
