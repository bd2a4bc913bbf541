/** The tables of README.md name what the lists in the source name, and the module `relay` gives it to a config. */

// Runs on Deno alone: it reads the README and lists.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createProgram } from "../../lib/cli/mod.ts";
import * as relay from "../../lib/config/mod.ts";
import * as sources from "../../lib/sources/mod.ts";
import * as targets from "../../lib/targets/mod.ts";
import * as providers from "../../lib/targets/providers/mod.ts";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** A section, without what comes before its heading and after it. */
function section(heading: string): string {
  return readme.split(`\n## ${heading}\n`)[1]!.split("\n## ")[0]!;
}

/** What the first column of the table in a section names, in alphabetical order. */
function named(heading: string, pattern: RegExp): string[] {
  const cells = section(heading).split("\n").filter((line) => line.startsWith("| `")).map((line) =>
    line.split(" | ")[0]!
  );
  return cells.flatMap((cell) => [...cell.matchAll(pattern)].map(([, name]) => name!)).sort();
}

test("README.md has a row for each verb, but for the hidden one", async () => {
  const program = await createProgram();
  const verbs = program.createHelp().visibleCommands(program).map((verb) => verb.name()).filter((name) =>
    name !== "help"
  );
  assert.deepEqual(named("Commands", /`relay (\w+)/g), verbs.sort());
});

test("README.md has a row for each target and source", () => {
  assert.deepEqual(named("The config", /`(\w+)\(/g), [...Object.keys(targets), ...Object.keys(sources)].sort());
});

test("README.md names each provider", () => {
  for (const name of Object.keys(providers)) assert.ok(section("The config").includes(`\`${name}\``), name);
});

test("the module relay gives a config each source, target and provider", () => {
  const names = Object.keys({ ...sources, ...targets, ...providers });
  assert.equal(names.length, [sources, targets, providers].flatMap(Object.keys).length, "no name twice");
  for (const name of names) assert.equal(typeof relay[name as keyof typeof relay], "function", name);
});
