/** `relay.d.ts`, which is committed so that an editor and `deno check` need no build. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { generateTypes } from "../../lib/build/declarations.ts";
import { declarations } from "../helpers/types.ts";

test("relay.d.ts is what generateTypes() makes of the source", { timeout: 120_000 }, () => {
  assert.equal(readFileSync(declarations, "utf8"), generateTypes(), "run `deno task types` and commit what it made");
});
