/** The words of every language: whole, told apart, and an advice for every reason of failure and of refusal. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { localeFor, localeNames, locales } from "../../lib/locale/mod.ts";
import { reasons } from "../../lib/reason.ts";

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
    assert.deepEqual(
      [...first!].filter(([path, text]) => text.length > 20 && !code.test(text) && other.get(path) === text),
      [],
    );
  }
  assert.equal(locales["pt-BR"].pages.states.dead, "falha definitiva");
});

test("localeFor() gives the language of a browser's tag and of a terminal's LANG, else English", () => {
  for (const tag of ["pt", "pt-BR", "PT-pt", "pt_BR.UTF-8"]) assert.equal(localeFor(tag), "pt-BR", tag);
  for (const tag of ["en-GB", "C.UTF-8", "fr", ""]) assert.equal(localeFor(tag), "en", tag);
});

/** What is to be typed as it is. */
const code = /^(`[^`]*`|\w+\(.*\))$/s;

/** What a function of words may be given for each of its values, the likeliest first. */
const given: readonly unknown[] = [7, "crm", ["crm", "erp"], [["crm", "erp"]], {}];

/** Every text, and what every function makes of numbers, names and lists. */
function* textsOf(value: unknown, path = ""): Generator<[path: string, text: string]> {
  if (typeof value === "string") yield [path, value];
  else if (typeof value === "function") yield [path, madeBy(value as (...args: unknown[]) => unknown, path)];
  else {for (const [key, one] of Object.entries(value as object)) {
      if (key !== "forms") yield* textsOf(one, `${path}.${key}`);
    }}
}

/** The text that a function makes of the first values that it takes. */
function madeBy(words: (...args: unknown[]) => unknown, path: string, args: unknown[] = []): string {
  if (args.length === words.length) return String(words(...args));
  for (const one of given) {
    try {
      return madeBy(words, path, [...args, one]);
    } catch {
      // It takes another one.
    }
  }
  throw new Error(`${path} takes none of the values`);
}
