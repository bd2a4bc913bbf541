/** The `.env` beside a config: its warnings, and what counts where systemd has read it as well. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { readDotenv } from "../../lib/config/dotenv_file.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { ConfigError } from "../../lib/errors.ts";
import { toldIn } from "../../lib/warnings.ts";
import { makeFolder } from "../helpers/folder.ts";
import { cases } from "./dotenv_cases.ts";

function inFolder(work: (folder: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const folder = makeFolder();
    try {
      await work(folder.path);
    } finally {
      folder.remove();
    }
  };
}

test(
  "readDotenv() warns of each line that systemd reads in another way, or that is no assignment",
  inFolder((folder) => {
    for (const [name, text, , , warned] of cases) {
      writeFileSync(join(folder, ".env"), text);
      const { warnings } = readDotenv(folder);
      const lines = [...new Set(warnings.map(({ path }) => Number(/^\.env:(\d+)$/.exec(path)![1])))].sort();
      assert.deepEqual(lines, warned, name);
      for (const locale of ["en", "pt-BR"] as const) {
        for (const { message } of toldIn(locale, warnings)) assert.doesNotMatch(message, /undefined|abc|nota/, name);
      }
    }
  }),
);

test(
  "readDotenv() refuses what is no text, by its line",
  inFolder((folder) => {
    const rows: [bytes: number[], line: number][] = [[[0x53, 0x3d, 0x31, 10, 0x23, 0xe7], 2], [[
      10,
      13,
      10,
      0x53,
      0x3d,
      0,
    ], 3]];
    for (const [bytes, line] of rows) {
      writeFileSync(join(folder, ".env"), new Uint8Array(bytes));
      assert.throws(() => readDotenv(folder), (error) => {
        assert.ok(error instanceof ConfigError);
        assert.deepEqual(error.issues.map(({ path }) => path), [`.env:${line}`]);
        return true;
      });
    }
  }),
);

test(
  "loadConfig() takes its own reading where systemd set a variable from the same file, and nothing else away",
  inFolder(async (folder) => {
    const credentials = join(folder, "credentials");
    mkdirSync(credentials);
    const text = "RELAY_D_A=abc # nota\nexport RELAY_D_B=b\nRELAY_D_C=file\nRELAY_D_E='e'\n# \\\nRELAY_D_F=1\n";
    writeFileSync(join(credentials, "dotenv"), text);
    writeFileSync(
      join(folder, "relay.config.ts"),
      `import { connectvets, defineConfig, http } from "relay";
export default defineConfig({
  sources: { connectvets: connectvets({ path: "/", secret: "whs_0123456789abcdef" }) }, targets: { a: http({ url: "http://127.0.0.1:9/" }) }, routes: [],
});
`,
    );
    const before = { ...process.env };
    const set = {
      CREDENTIALS_DIRECTORY: credentials,
      RELAY_D_A: "abc # nota",
      RELAY_D_C: "of a drop-in",
      RELAY_D_E: "e",
    };
    Object.assign(process.env, set);
    const own = () => ["A", "B", "C", "E", "F"].map((name) => process.env[`RELAY_D_${name}`]);
    try {
      const file = join(folder, "relay.config.ts");
      await loadConfig(file); // the service's user cannot read the file itself; here there is none
      assert.deepEqual(own(), ["abc", "b", "of a drop-in", "e", "1"]);
      writeFileSync(join(folder, ".env"), text.replace("abc", "new"));
      const loaded = await loadConfig(file);
      assert.deepEqual(own(), ["new", "b", "of a drop-in", "e", "1"], "a reload reads the file where it can");
      assert.deepEqual(loaded.warnings.map(({ path }) => path), [".env:1", ".env:2", ".env:6"]);
    } finally {
      for (const name of [...Object.keys(set), "RELAY_D_B", "RELAY_D_F"]) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    }
  }),
);
