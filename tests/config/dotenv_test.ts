/** The text of a `.env`, by the relay's rules and by systemd's. */

// Runs on Deno alone: pure.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDotenv, quoteValue, type Variable } from "../../lib/config/dotenv.ts";
import { readAsSystemd } from "../../lib/config/environment_file.ts";
import { cases } from "./dotenv_cases.ts";

const valuesOf = (variables: Map<string, Variable>) =>
  Object.fromEntries([...variables].map(([name, { value }]) => [name, value]));

for (const [name, text, relay, systemd = relay] of cases) {
  test(`parseDotenv() and readAsSystemd() read ${name}`, () => {
    assert.deepEqual(valuesOf(parseDotenv(text).variables), relay);
    assert.deepEqual(valuesOf(readAsSystemd(text, true)), systemd);
  });
}

test("readAsSystemd() knows where comments end for either version of systemd", () => {
  const text = "# c \\\nS=1\nT=2 \\\n";
  assert.deepEqual(valuesOf(readAsSystemd(text, false)), { S: "1", T: "2 " });
  assert.deepEqual(valuesOf(readAsSystemd(text, true)), { T: "2 " });
});

test("quoteValue() writes any value so that both read it as it is", () => {
  const anything = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: fc.constantFrom("'", '"', "`", "\\", "$", "#", " ", "n", "\n", "a", "=", ";") }),
  );
  fc.assert(fc.property(anything.filter((text) => !/[\0]/.test(text)), (value) => {
    const text = `A=1\nS=${quoteValue(value)}\nB=2\n`;
    const { variables, problems } = parseDotenv(text);
    assert.deepEqual([valuesOf(variables), problems], [{ A: "1", S: value, B: "2" }, []]);
    assert.deepEqual(valuesOf(readAsSystemd(text, true)), { A: "1", S: value, B: "2" });
  }));
});

test("parseDotenv() and readAsSystemd() come to an end with any text", () => {
  const unit = fc.constantFrom("'", '"', "`", "\\", "$", "#", " ", "\n", "\r", "a", "=", ";", "export ");
  fc.assert(fc.property(fc.string({ unit, maxLength: 60 }), (text) => {
    for (const { line } of parseDotenv(text).variables.values()) assert.ok(line >= 1 && line <= 61);
    for (const { line } of readAsSystemd(text, true).values()) assert.ok(line >= 1 && line <= 61);
  }));
});
