/** That the gate fails where a file uses what it must not. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runtime } from "../../lib/runtime.ts";
import { makeFolder } from "../helpers/folder.ts";

const isLinter = { skip: runtime.name === "deno" ? false : "the linter is Deno's" };

/** How many times the linter finds that a rule is broken in this text at this path. */
function findings(rule: string, path: string, text: string): number {
  const folder = makeFolder();
  try {
    const file = join(folder.path, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const { stdout, stderr } = spawnSync(process.execPath, ["lint", "--json", "--config", config, file]);
    const { diagnostics, errors } = JSON.parse(String(stdout)) as {
      diagnostics: { code: string }[];
      errors: unknown[];
    };
    assert.deepEqual(errors, [], String(stderr));
    return diagnostics.filter(({ code }) => code === `relay/${rule}`).length;
  } finally {
    folder.remove();
  }
}

const broken = {
  "a call": 'await fetch("http://h");',
  "a call by the global object": 'await globalThis.fetch("http://h");',
  "another name": "export const get = fetch;",
  "another client": 'import { get } from "node:http";\nget("http://h");',
  "another client, imported late": 'const { get } = await import("node:https");\nget("https://h");',
};
for (const [what, text] of Object.entries(broken)) {
  test(`one-way-out finds ${what}, but not in lib/outbound or in tests`, isLinter, () => {
    const counts = ["lib/a.ts", "lib/outbound/a.ts", "tests/a.ts"].map((path) => findings("one-way-out", path, text));
    assert.deepEqual(counts, [1, 0, 0]);
  });
}

test("one-way-out leaves properties and types alone", isLinter, () => {
  const text = 'import type { Server } from "node:http";\n' +
    "export const a = { fetch: (server: Server) => server };\nexport const b = (app: typeof a) => app.fetch;";
  assert.equal(findings("one-way-out", "lib/a.ts", text), 0);
});
