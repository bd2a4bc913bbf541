/** What an editor says of a config: `relay.d.ts` is all that it has. */

// Runs on Deno alone: it drives the compiler of TypeScript.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkTypes } from "../helpers/types.ts";
import { CHAINS, DESIGN, EVERYTHING, mistakes, NOTES, PAYLOADS } from "./typed_configs.ts";

const exampleConfig = fileURLToPath(new URL("../../relay.config.ts", import.meta.url));

const good = { CHAINS, DESIGN, EVERYTHING, PAYLOADS, NOTES, example: readFileSync(exampleConfig, "utf8") };

const found = checkTypes({ ...good, ...Object.fromEntries(mistakes.map(([what, config]) => [what, config])) });

for (const name of Object.keys(good)) {
  test(`defineConfig() takes the config ${name} without a complaint`, () => assert.deepEqual(found[name], []));
}

for (const [what, , line, message] of mistakes) {
  test(`defineConfig() complains of ${what}, there and nowhere else`, () => {
    assert.ok(found[what]!.length > 0, "no complaint");
    for (const one of found[what]!) {
      assert.match(one.line, line, one.message);
      assert.match(one.message, message);
    }
  });
}
