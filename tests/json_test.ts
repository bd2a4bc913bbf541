/** Where a text stops being JSON. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jsonMistake } from "../lib/json.ts";

const mistakes: Record<string, [text: string, line: number, column: number]> = {
  "no value": ['{\n  "event": ,\n}', 2, 12],
  "a comma behind the last one": ["[1,\n2,\n]", 3, 1],
  "a comma too few": ['{"a": 1\n"b": 2}', 2, 1],
  "a comment": ['{"a": 1, // one\n"b": 2}', 1, 10],
  "single quotes": ["{'a': 1}", 1, 2],
  "a key without quotes": ['{"a": {b: 1}}', 1, 8],
  "a string that does not end": ['{"a":\r\n "b}', 2, 2],
  "a bracket that does not end": ['{"a": [1, 2', 1, 12],
  "a bracket too many": ['{"a": 1}}', 1, 9],
  "a leading zero": ["[01]", 1, 3],
  nothing: ["", 1, 1],
};

for (const [name, [text, line, column]] of Object.entries(mistakes)) {
  test(`jsonMistake() gives the place of ${name}`, () => assert.deepEqual(jsonMistake(text), { line, column }));
}

test("jsonMistake() finds one where the runtime does, whatever is cut out of JSON or put into it", () => {
  const mark = fc.constantFrom(
    "",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\",
    "0",
    "-",
    "1e5",
    "\n",
    "\t",
    "null",
    "é",
    "\u0001",
  );
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.nat(3), mark, (json, where, cut, put) => {
      const at = where % (json.length + 1);
      const text = json.slice(0, at) + put + json.slice(at + cut);
      assert.equal(jsonMistake(text) === undefined, isJson(text), text);
    }),
    { numRuns: 5_000 },
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
