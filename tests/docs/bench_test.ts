/** The figures in `docs/speed.md` are those of `docs/bench.json`. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { benchJson, type Measured, speedPages, tablesOf, withTables } from "../bench/docs_tables.ts";
import type { Language } from "../bench/docs_lines.ts";

const measured = JSON.parse(readFileSync(benchJson, "utf8")) as Measured;

for (const [language, path] of Object.entries(speedPages) as [Language, string][]) {
  test(`the tables in ${path.split("/").at(-1)} are those that task bench-table makes`, () => {
    const text = readFileSync(path, "utf8");
    assert.equal(withTables(text, tablesOf(measured, language)), text);
  });
}
