/** The README in Portuguese: in step with the one in English. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const [en, pt] = [read("README.md"), read("README.pt-BR.md")];

/** Blocks of code, without what a comment says. */
const blocksOf = (text: string) =>
  [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, code]) => [
    language,
    code!.split("\n").map((line) => line.replace(language === "sh" ? /\s+#.*$/ : /\s+\/\/ .*$/, "")),
  ]);

/** What stands between backticks outside of blocks, each once. */
const codeOf = (text: string) =>
  [
    ...new Set(
      [...text.replaceAll(/^```.*?^```$/gms, "").matchAll(/`([^`]+)`/g)].map(([, code]) =>
        code!.replaceAll(/\s+/g, " ")
      ),
    ),
  ]
    .sort();

const headingsOf = (text: string) => [...text.matchAll(/^(#+) /gm)].map(([, level]) => level);
const rowsOf = (text: string) =>
  text.split("\n").filter((line) => line.startsWith("|")).map((line) => line.split(" | ").length);

test("README.pt-BR has the headings, tables and commands of README", () => {
  assert.deepEqual(headingsOf(pt), headingsOf(en));
  assert.deepEqual(rowsOf(pt), rowsOf(en));
  assert.deepEqual(blocksOf(pt), blocksOf(en));
});

test("README.pt-BR names every option, verb and file that README names", () => {
  assert.deepEqual(codeOf(pt), codeOf(en));
});

test("README.pt-BR tells the same figures", () => {
  const figures = (text: string) =>
    [...text.matchAll(/\b\d+[.,]\d{3}\b/g)].map(([figure]) => figure.replace(/[.,]/, ""));
  assert.deepEqual(figures(pt), figures(en));
});
