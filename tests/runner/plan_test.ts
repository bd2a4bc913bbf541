/** Where each test file runs, and that a file which runs once needs no more. */

// Runs on Deno alone: it reads the source.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { importsOf, reachable } from "../helpers/imports.ts";
import { markOf, suitesOf } from "./plan.ts";

const tests = new URL("../", import.meta.url);
const textOf = (url: URL) => readFileSync(url, "utf8");

test("suitesOf() runs a file on both runtimes, unless it drives the executable or says otherwise", () => {
  const texts: Record<string, string> = {
    "a_test.ts": "/** A. */\n\nimport a;",
    "pure_test.ts": "/** A. */\n\n// Runs on Deno alone: pure.\n\nimport a;",
    "canary_test.ts": "// Runs on Bun alone: what it looks at is Bun's.\n",
    "e2e/a_test.ts": "",
    "browser/a_test.ts": "",
    "systemd/a_test.ts": "",
    "release/a_test.ts": "",
  };
  const suites = suitesOf(Object.keys(texts), (path) => texts[path]!);
  const runtimesOf = (path: string) =>
    suites.filter(({ paths }) => paths.includes(path)).map(({ runtime }) => runtime).sort();
  assert.deepEqual(Object.fromEntries(Object.keys(texts).map((path) => [path, runtimesOf(path)])), {
    "a_test.ts": ["Bun", "Deno"],
    "pure_test.ts": ["Deno"],
    "canary_test.ts": ["Bun"],
    "e2e/a_test.ts": ["Deno"],
    "browser/a_test.ts": ["Deno"],
    "systemd/a_test.ts": ["Deno"],
    "release/a_test.ts": ["Deno"],
  });
});

/** Modules that no runtime makes different, for what pure tests use of them. */
const harmless = /^(node:(assert\/strict|test|path|path\/posix|url|util|buffer)|fast-check)$/;

/** What runtimes have of their own, without an import. */
const ofRuntime = /\b(Intl|toLocale\w+|setTimeout|setInterval|performance|crypto|fetch|process)\b[.(]/;

/** Why a test is not pure: what it reaches, by its imports, that a runtime can make different. */
function impurities(file: URL): string[] {
  const next = (url: string) =>
    importsOf(new URL(url), "values").map((name) => name.startsWith(".") ? new URL(name, url).href : name)
      .map((name) => name === "relay" ? new URL("../lib/config/mod.ts", tests).href : name);
  const seen = new Map<string, readonly string[]>();
  const reached = reachable(file.href, (name) => {
    if (!name.startsWith("file:")) return [];
    if (!seen.has(name)) seen.set(name, next(name));
    return seen.get(name)!;
  }).add(file.href);
  return [...reached].flatMap((name) => {
    if (!name.startsWith("file:")) return harmless.test(name) ? [] : [name];
    const code = textOf(new URL(name)).replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    const used = ofRuntime.exec(code)?.[0];
    return used ? [`${used} in ${name.split("/").slice(-2).join("/")}`] : [];
  });
}

const pure = readdirSync(tests, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith("_test.ts") && markOf(textOf(new URL(path, tests)))?.reason === "pure");

for (const path of pure) {
  test(`${path} is pure, as it says`, () => assert.deepEqual(impurities(new URL(path, tests)), []));
}

test("a test that uses the runtime is not taken for pure", () => {
  assert.notDeepEqual(impurities(new URL("http/server_test.ts", tests)), []);
  assert.notDeepEqual(impurities(new URL("units_test.ts", tests)), []);
});
