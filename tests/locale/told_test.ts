/** Texts that are stored now and read later, in another language. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Phrase } from "../../lib/locale/phrase.ts";
import { Told } from "../../lib/locale/told.ts";

const answered: Phrase = ({ outcomes }) => outcomes.answered.target(500);

test("Told keeps a text in every language, through the store and back", () => {
  const told = Told.parse(Told.of(answered).stored());
  assert.equal(told.in("en"), "The target answered 500");
  assert.equal(told.in("pt-BR"), "O destino respondeu 500");
  assert.deepEqual(told, Told.of(answered));
});

test("Told is the English text as JSON and as a string", () => {
  const told = Told.of(answered);
  assert.equal(JSON.stringify({ detail: told }), '{"detail":"The target answered 500"}');
  assert.equal(String(told), "The target answered 500");
});

test("Told stores a text that is the same in every language as it is", () => {
  assert.equal(Told.of(() => "no such host").stored(), "no such host");
  assert.equal(Told.of("no such host").stored(), "no such host");
});

for (const text of ["", "It answered 404", '{"pt-BR":', '{"reason":"x"}', '{"en":7}', '{"en":"x"}', "{", '"']) {
  test(`Told stores the text ${JSON.stringify(text)} so that it is read again`, () => {
    assert.deepEqual(Told.parse(Told.of(text).stored()), Told.of(text));
    assert.equal(Told.parse(Told.of(text).stored()).in("pt-BR"), text);
  });
}

test("Told reads what an earlier version stored, and falls back to English for a language that it lacks", () => {
  assert.equal(Told.parse("It answered 404").in("pt-BR"), "It answered 404");
  assert.equal(Told.parse('{"en":"It answered 404","xx":"…"}').in("pt-BR"), "It answered 404");
});

test("Told changes the text of each language, such as to mask secrets", () => {
  const told = Told.of(answered).map((text) => text.replace("500", "[secret]"));
  assert.equal(told.in("en"), "The target answered [secret]");
  assert.equal(told.in("pt-BR"), "O destino respondeu [secret]");
});

test("Told tells texts that differ in one language alone from one another", () => {
  assert.notDeepEqual(Told.of(answered), Told.of("The target answered 500"));
});
