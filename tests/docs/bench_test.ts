/** The READMEs' figures are those of `docs/bench.json`. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { benchJson, type Measured, readmes, tablesOf, withTables } from "../bench/readme.ts";
import type { Language } from "../bench/readme_lines.ts";

const measured = JSON.parse(readFileSync(benchJson, "utf8")) as Measured;

for (const [language, path] of Object.entries(readmes) as [Language, string][]) {
  test(`the tables of figures in ${path.split("/").at(-1)} are those that task bench-table makes`, () => {
    const text = readFileSync(path, "utf8");
    assert.equal(withTables(text, tablesOf(measured, language)), text);
  });
}
