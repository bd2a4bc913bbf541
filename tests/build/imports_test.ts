/** That files of the program import one another in no circle, which the linter cannot see: it has one file at a time. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import ts from "typescript";
import { placeOfImport } from "../../lib/build/lint/place.ts";

const lib = new URL("../../lib/", import.meta.url);

/** Circles that are there all the same, by the files in them, and why. */
const circles: Readonly<Record<string, string>> = {
  "admin/pages/words.ts admin/pages/words_en.ts admin/pages/words_pt.ts admin/pages/words_reasons.ts":
    "a language's words have the type of the others'",
  "messages/notice.ts messages/own_notice.ts": "a notice of relay's own is a notice",
  "messages/words.ts messages/words_en.ts messages/words_pt.ts": "a language's words have the type of the others'",
};

/** What each file imports, of types too. */
function importsOfAll(): Map<string, string[]> {
  const places = readdirSync(lib, { recursive: true, encoding: "utf8" }).filter((path) => /\.tsx?$/.test(path)).sort();
  return new Map(places.map((place) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(new URL(place, lib), "utf8"));
    const others = importedFiles.map(({ fileName }) => placeOfImport(place, fileName)).filter((one) =>
      one !== undefined
    );
    return [place, others];
  }));
}

/** The files that can be reached from one by its imports, itself only by a circle. */
function reachable(from: string, imports: ReadonlyMap<string, readonly string[]>): Set<string> {
  const seen = new Set<string>();
  const queue = [from];
  for (let place = queue.pop(); place !== undefined; place = queue.pop()) {
    for (const other of imports.get(place) ?? []) {
      if (seen.has(other)) continue;
      seen.add(other);
      queue.push(other);
    }
  }
  return seen;
}

test("no files import one another in a circle, not even types", () => {
  const imports = importsOfAll();
  const reached = new Map([...imports.keys()].map((place) => [place, reachable(place, imports)]));
  const found = [...reached].filter(([place, others]) => others.has(place))
    .map(([place, others]) => [...others].filter((other) => reached.get(other)?.has(place)).sort().join(" "));
  assert.deepEqual([...new Set(found)].sort(), Object.keys(circles).sort());
});
