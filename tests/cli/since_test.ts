/** What `--since` takes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "commander";
import { parseSince } from "../../lib/cli/shared.ts";

test("parseSince() reads how long ago", () => {
  const before = Date.now();
  const since = parseSince("7d");
  assert.ok(since >= before - 7 * 86_400_000 && since <= Date.now() - 7 * 86_400_000);
});

test("parseSince() reads a date and a time, of this machine's zone unless it names one", () => {
  assert.equal(parseSince("2024-02-29"), new Date(2024, 1, 29).getTime());
  assert.equal(parseSince("2024-02-29T10:30"), new Date(2024, 1, 29, 10, 30).getTime());
  assert.equal(parseSince("2024-02-29T10:30:00.5-03:00"), Date.UTC(2024, 1, 29, 13, 30, 0, 500));
});

for (const text of ["", "7", "yesterday", "-1d", "7 d", "2024-13-01", "2024-02-30T10", "9999-01-01", "7d2h"]) {
  test(`parseSince() refuses "${text}"`, () => assert.throws(() => parseSince(text), InvalidArgumentError));
}
