/** Every example in the documentation: an editor takes it as it stands, and so does `relay check`. */

// Runs on Deno alone: it drives the executable and the compiler of TypeScript.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as sources from "../../lib/sources/mod.ts";
import * as targets from "../../lib/targets/mod.ts";
import * as providers from "../../lib/targets/providers/mod.ts";
import { hasOpenssl, makeAuthority } from "../helpers/authority.ts";
import { makeCertificate } from "../helpers/certificate.ts";
import { pages } from "../helpers/docs.ts";
import { makeFolder } from "../helpers/folder.ts";
import { runRelay } from "../helpers/relay.ts";
import { checkTypes } from "../helpers/types.ts";

/** What a part of a config stands in. */
const rest: Record<string, string> = {
  sources: 'sources: { connectvets: connectvets({ path: "/webhook", secret: env("WEBHOOK_SECRET") }) },',
  targets: `targets: {
    plantao: slack({ url: env("SLACK_WEBHOOK_URL") }),
    equipe: email({ via: env("SMTP_URL"), from: "relay@clinica.example", to: "equipe@clinica.example" }),
  },`,
  routes: "routes: [],",
};

/** An example as a whole config: one that shows some options of a config stands in it as they would. */
function wholeOf(code: string): string {
  if (code.startsWith("/// <reference")) return code;
  const others = Object.entries(rest).filter(([name]) => !RegExp(`^${name}:`, "m").test(code)).map(([, text]) => text);
  return `/// <reference path="./relay.d.ts" />
import { connectvets, defineConfig, email, env, hmac, http, slack } from "relay";
export default defineConfig({
${[...others, code].join("\n")}});
`;
}

/** The examples, by file and line. The ones in Portuguese are the same. */
const examples = Object.fromEntries(
  pages.flatMap(({ path, blocks }) =>
    blocks.filter(({ language }) => language === "ts").map(({ code, line }) => [`${path}:${line}`, wholeOf(code)])
  ),
);

const found = checkTypes(examples);

/** What a variable of an example may hold, by its name. */
function valueOf(name: string): string {
  if (name === "DATABASE_URL") return "postgres://relay:s3nha-0123456789@127.0.0.1:1/relay"; // nothing listens there
  if (name === "SMTP_URL") return "smtp://relay:s3nha@mail.clinica.example:587";
  if (name === "TELEGRAM_TOKEN") return "123456:telegram-0123456789abcdef";
  return name.endsWith("_URL") ? "https://hooks.clinica.example/x" : `${name.toLowerCase()}-0123456789abcdef`;
}

for (const [name, config] of Object.entries(examples)) {
  test(`${name} is an example that an editor takes`, () => assert.deepEqual(found[name], []));

  const needsOpenssl = { skip: config.includes(".pem") && !hasOpenssl && "needs openssl" };
  test(`${name} is an example that relay check takes`, needsOpenssl, async () => {
    const folder = makeFolder();
    try {
      writeFileSync(join(folder.path, "relay.config.ts"), config);
      if (config.includes("ca.pem")) makeAuthority(folder.path);
      if (config.includes("fullchain.pem")) {
        makeCertificate(folder.path, "own");
        renameSync(join(folder.path, "own.pem"), join(folder.path, "fullchain.pem"));
        renameSync(join(folder.path, "own.key"), join(folder.path, "privkey.pem"));
      }
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
