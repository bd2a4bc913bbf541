/** What `--since` takes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { speakAs } from "../../lib/cli/language.ts";
import { parseSince, sinceAt } from "../../lib/cli/since.ts";
import { RelayError } from "../../lib/errors.ts";
import type { Store } from "../../lib/store/mod.ts";

const NOW = Date.UTC(2024, 5, 1);

/** A store whose clock says so. */
const store = { moved: () => Promise.resolve(undefined), time: { now: () => NOW } } as unknown as Store;

test("sinceAt() reads how long ago by the store's clock", async () => {
  assert.equal(await sinceAt(parseSince("7d"), store), NOW - 7 * 86_400_000);
});

test("sinceAt() reads a date and a time of the config's zone, unless they name one", async () => {
  speakAs({ timeZone: "Asia/Kolkata" });
  try {
    const rows: [string, number][] = [
      ["2024-02-29", Date.UTC(2024, 1, 28, 18, 30)],
      ["2024-02-29T10:30", Date.UTC(2024, 1, 29, 5)],
      ["2024-02-29T10:30:00.5-03:00", Date.UTC(2024, 1, 29, 13, 30, 0, 500)],
    ];
    for (const [text, at] of rows) assert.equal(await sinceAt(parseSince(text), store), at, text);
  } finally {
    speakAs({ timeZone: "America/Sao_Paulo" });
  }
});

for (const text of ["", "7", "yesterday", "-1d", "7 d", "2024-13-01", "2024-02-30T10", "9999-01-01", "7d2h"]) {
  test(`parseSince() refuses "${text}"`, () => assert.throws(() => parseSince(text), RelayError));
}
