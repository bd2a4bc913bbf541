/** Every example in `docs/`: an editor takes it as it stands, and so does `relay check`. */

// Runs on Deno alone: it drives the executable and the compiler of TypeScript.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import * as sources from "../../lib/sources/mod.ts";
import * as targets from "../../lib/targets/mod.ts";
import * as providers from "../../lib/targets/providers/mod.ts";
import { hasOpenssl, makeAuthority } from "../helpers/authority.ts";
import { makeFolder } from "../helpers/folder.ts";
import { runRelay } from "../helpers/relay.ts";
import { checkTypes } from "../helpers/types.ts";

const docs = fileURLToPath(new URL("../../docs/", import.meta.url));

/** The examples, by file and line. */
const examples = Object.fromEntries(
  readdirSync(docs).filter((name) => name.endsWith(".md")).flatMap((name) => {
    const text = readFileSync(join(docs, name), "utf8");
    return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(({ index, 1: config }) => [
      `docs/${name}:${text.slice(0, index).split("\n").length}`,
      config!,
    ]);
  }),
);

const found = checkTypes(examples);

/** What a variable of an example may hold, by its name. */
function valueOf(name: string): string {
  if (name === "DATABASE_URL") return "postgres://relay:s3nha-0123456789@127.0.0.1:1/relay"; // nothing listens there
  if (name === "SMTP_URL") return "smtp://relay:s3nha@mail.clinica.example:587";
  return name.endsWith("_URL") ? "https://hooks.clinica.example/x" : `${name.toLowerCase()}-0123456789abcdef`;
}

for (const [name, config] of Object.entries(examples)) {
  test(`${name} is an example that an editor takes`, () => assert.deepEqual(found[name], []));

  const needsOpenssl = { skip: config.includes("ca.pem") && !hasOpenssl && "needs openssl" };
  test(`${name} is an example that relay check takes`, needsOpenssl, async () => {
    const folder = makeFolder();
    try {
      writeFileSync(join(folder.path, "relay.config.ts"), config);
      if (config.includes("ca.pem")) makeAuthority(folder.path);
      for (const [, script] of config.matchAll(/command: \["\.\/scripts\/([^"]+)"/g)) {
        mkdirSync(join(folder.path, "scripts"));
        writeFileSync(join(folder.path, "scripts", script!), "#!/bin/sh\n");
        chmodSync(join(folder.path, "scripts", script!), 0o755);
      }
      const names = [...config.matchAll(/env\("(\w+)"\)/g)].map(([, name]) => name!);
      const env = Object.fromEntries(names.map((name) => [name, valueOf(name)]));
      const { code, stdout, stderr } = await runRelay(["check"], { cwd: folder.path, env });
      assert.deepEqual([code, stderr], [0, ""], stdout);
      for (const value of Object.values(env)) assert.ok(!stdout.includes(value), "no secret");
    } finally {
      folder.remove();
    }
  });
}

test("docs hold an example of each source, target and provider", () => {
  const all = Object.values(examples).join("");
  for (const name of [sources, targets, providers].flatMap(Object.keys)) {
    assert.match(all, new RegExp(`\\b${name}\\(\\{`), name);
  }
});
