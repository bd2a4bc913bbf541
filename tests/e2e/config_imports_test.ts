/** What a config of the executable may import, at its start and when it loads the config again. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { makeFolder } from "../helpers/folder.ts";
import { configOf, runRelay, startRelay } from "../helpers/relay.ts";

const parts = { targets: `crm: http({ url: "http://127.0.0.1:1", headers })`, routes: `{ on: "**", to: "crm" }` };

test("serve imports packages by what they export, and by an alias, also when it loads the config again", async () => {
  const config = `import name from "a-package";
import { value } from "@parts/value";
const headers = { [name]: value };
${configOf(parts)}`;
  const relay = await startRelay(config, {
    files: {
      "node_modules/a-package/package.json": '{ "type": "module", "exports": "./lib/name.js" }',
      "node_modules/a-package/lib/name.js": 'export default "X-Key";',
      "tsconfig.json": '{ "compilerOptions": { "paths": { "@parts/*": ["./parts/*"] } } }',
      "parts/value.ts": 'export const value: string = "a";',
    },
  });
  try {
    process.kill(relay.child.pid!, "SIGHUP");
    await relay.logged("the reload", ({ message }) => /^reloaded/.test(String(message)));
  } finally {
    await relay.close();
  }
});

test("check says of each import that cannot be found where it stands", async () => {
  const folder = makeFolder();
  try {
    const file = join(folder.path, "relay.config.ts");
    const head = 'import one from "./one.ts";\nimport two from "two";\nconst headers = { one, two };\n';
    writeFileSync(file, head + configOf(parts));
    const { code, stderr } = await runRelay(["check"], { cwd: folder.path });
    assert.equal(code, 78);
    const [, one, two] = stderr.split("\n\n");
    assert.match(one!, /^ {2}cannot find "\.\/one\.ts"\n.*\/one\.ts does not exist\n {4}\S*relay\.config\.ts:1:17\n/);
    assert.match(two!, /^ {2}cannot find "two"\n.*\n {4}\S*relay\.config\.ts:2:17\n {4}2 │ import two from "two";\n/);
    assert.match(two!, /\n {6}│ {17}\^{5}\n$/);
  } finally {
    folder.remove();
  }
});
