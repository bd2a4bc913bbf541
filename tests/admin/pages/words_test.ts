/** The pages' words: whole in both languages, and an advice for every reason of failure. */

// Runs on Deno alone: pure.

import assert from "node:assert/strict";
import { test } from "node:test";
import { wordsOf } from "../../../lib/admin/pages/words.ts";
import { reasons } from "../../../lib/outcome.ts";

const languages = [wordsOf("en"), wordsOf("pt-BR")] as const;

test("wordsOf() gives every reason a name and one sentence that says what to do", () => {
  for (const words of languages) {
    for (const reason of reasons) {
      const { name, advice } = words.reasons[reason];
      assert.match(name, /^\S.*[^.]$/, reason);
      assert.match(advice, /^\p{Lu}[^.]+[:;] [^.]+\.$/u, `${reason}: one sentence, with what to do after a colon`);
      assert.ok(advice.length < 125, `${reason} is long: ${advice.length}`);
    }
  }
});

test("wordsOf() leaves no text empty, and makes the texts with numbers in both languages", () => {
  for (const words of languages) {
    const texts = [...textsOf(words)];
    assert.ok(texts.length > 200, `${texts.length}`);
    for (const [path, text] of texts) {
      if (path.endsWith("stateTodo.ok")) assert.equal(text, "");
      else assert.match(text, /\S/, path);
    }
  }
});

test("wordsOf() tells the languages apart", () => {
  const [en, pt] = languages.map((words) => new Map(textsOf(words)));
  const same = [...en!].filter(([path, text]) => text.length > 12 && pt!.get(path) === text);
  assert.deepEqual(same, []);
  assert.equal(wordsOf("pt-BR").states.dead, "não entregue");
});

/** Every text, and what every function makes of a number or a name. */
function* textsOf(value: unknown, path = ""): Generator<[path: string, text: string]> {
  if (typeof value === "string") yield [path, value];
  else if (typeof value === "function") yield [path, value("7", "crm")];
  else for (const [key, one] of Object.entries(value as object)) yield* textsOf(one, `${path}.${key}`);
}
