/** That files of the program import one another in no circle, which the linter cannot see: it has one file at a time. */

// Runs on Deno alone: it reads the source.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { placeOfImport } from "../../lib/build/lint/place.ts";
import { importsOf, reachable } from "../helpers/imports.ts";

const lib = new URL("../../lib/", import.meta.url);

/** Circles that are there all the same, by the files in them, and why. */
const circles: Readonly<Record<string, string>> = {};

/** What each file imports, of types too. */
function importsOfAll(): Map<string, string[]> {
  const places = readdirSync(lib, { recursive: true, encoding: "utf8" }).filter((path) => /\.tsx?$/.test(path)).sort();
  return new Map(places.map((place) => {
    const named = importsOf(new URL(place, lib)).map((specifier) => placeOfImport(place, specifier));
    return [place, named.filter((other) => other !== undefined)];
  }));
}

test("no files import one another in a circle, not even types", () => {
  const imports = importsOfAll();
  const reached = new Map(
    [...imports.keys()].map((place) => [place, reachable(place, (one) => imports.get(one) ?? [])]),
  );
  const found = [...reached].filter(([place, others]) => others.has(place))
    .map(([place, others]) => [...others].filter((other) => reached.get(other)?.has(place)).sort().join(" "));
  assert.deepEqual([...new Set(found)].sort(), Object.keys(circles).sort());
});
