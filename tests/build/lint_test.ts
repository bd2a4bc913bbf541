/** That the gate fails where a file uses what it must not. */

// Runs on Deno alone: the linter is Deno's.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { longer } from "../../lib/build/lint/file_length.ts";
import { ownTime } from "../../lib/build/lint/given_time.ts";
import { upward } from "../../lib/build/lint/one_direction.ts";
import { makeFolder } from "../helpers/folder.ts";

/** How many times the linter finds that a rule is broken, in each of these texts by their paths. */
function findings(rule: string, texts: Readonly<Record<string, string>>): Record<string, number> {
  const folder = makeFolder();
  try {
    for (const [path, text] of Object.entries(texts)) {
      const file = join(folder.path, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const { stdout, stderr } = spawnSync(process.execPath, ["lint", "--json", "--config", config, folder.path]);
    const { diagnostics, errors } = JSON.parse(String(stdout)) as {
      diagnostics: { code: string; filename: string }[];
      errors: unknown[];
    };
    assert.deepEqual(errors, [], String(stderr));
    const found = diagnostics.filter(({ code }) => code === `relay/${rule}`);
    return Object.fromEntries(
      Object.keys(texts).map((path) => [path, found.filter(({ filename }) => filename.endsWith(path)).length]),
    );
  } finally {
    folder.remove();
  }
}

/** The same text in files at several places, numbered by the text. */
function at(places: readonly string[], texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(texts.flatMap((text, i) => places.map((place) => [`${place}/a${i}.ts`, text])));
}

/** What is expected of {@link at}: so many findings in each file of a place. */
function expected(counts: Readonly<Record<string, number>>, texts: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    texts.flatMap((_, i) => Object.entries(counts).map(([place, n]) => [`${place}/a${i}.ts`, n])),
  );
}

test("one-way-out finds what makes requests, but not in lib/outbound or in tests", () => {
  const texts = [
    'await fetch("http://h");',
    'await globalThis.fetch("http://h");',
    "export const get = fetch;",
    'import { get } from "node:http";\nget("http://h");',
    'const { get } = await import("node:https");\nget("https://h");',
    'export { get } from "node:http";',
  ];
  const found = findings("one-way-out", at(["lib", "lib/outbound", "tests"], texts));
  assert.deepEqual(found, expected({ "lib": 1, "lib/outbound": 0, "tests": 0 }, texts));
});

test("one-way-out leaves properties and types alone", () => {
  const text = 'import type { Server } from "node:http";\n' +
    "export const a = { fetch: (server: Server) => server };\nexport const b = (app: typeof a) => app.fetch;";
  assert.deepEqual(findings("one-way-out", { "lib/a.ts": text }), { "lib/a.ts": 0 });
});

test("one-direction finds an import that points upward, in every form that an import has", () => {
  const texts = [
    'import { a } from "../cli/a.ts";\na();',
    'import type { A } from "../admin/a.ts";\nexport type B = A;',
    'export { a } from "../pipeline/a.ts";',
    'export * from "../app.ts";',
    'export type A = import("../operator/a.ts").A;',
    'await import("../config/a.ts");',
  ];
  assert.deepEqual(findings("one-direction", at(["lib/store"], texts)), expected({ "lib/store": 1 }, texts));
});

test("one-direction finds an import of what stands beside a file", () => {
  const found = findings("one-direction", {
    "lib/targets/a.ts": 'import type { Store } from "../store/mod.ts";\nexport type A = Store;',
    "lib/sources/a.ts": 'import type { Target } from "../targets/target.ts";\nexport type A = Target;',
    "lib/pipeline/a.ts": 'import { lane } from "../lanes/lane.ts";\nlane();',
  });
  assert.deepEqual(found, { "lib/targets/a.ts": 1, "lib/sources/a.ts": 1, "lib/pipeline/a.ts": 1 });
});

test("one-direction takes a file that is named by itself out of its folder", () => {
  const found = findings("one-direction", {
    "lib/event.ts": 'import type { Note } from "./connectvets/note.ts";\nexport type A = Note;',
    "lib/connectvets/note.ts": 'import { a } from "./api.ts";\na();',
  });
  assert.deepEqual(found, { "lib/event.ts": 0, "lib/connectvets/note.ts": 1 });
});

test("one-direction takes imports that point downward, and those of a folder of its own", () => {
  const found = findings("one-direction", {
    "lib/cli/a.ts": 'import { a } from "../app.ts";\nimport { b } from "./words/b.ts";\na(b);',
    "lib/lanes/a.ts":
      'import { a } from "../store/mod.ts";\nimport { b } from "../clock.ts";\nimport { c } from "hono";\na(b, c);',
    "lib/store/sqlite/a.ts": 'import { a } from "../mod.ts";\nimport { b } from "./b.ts";\na(b);',
    "lib/alert.ts": 'import { a } from "./pattern.ts";\na();',
    "tests/a.ts": 'import { a } from "../lib/cli/a.ts";\na();',
  });
  assert.deepEqual(Object.values(found), [0, 0, 0, 0, 0]);
});

test("one-direction finds a file that no layer names", () => {
  const found = findings("one-direction", { "lib/other.ts": "export {};", "lib/other/a.ts": "export {};" });
  assert.deepEqual(found, { "lib/other.ts": 1, "lib/other/a.ts": 1 });
});

const clocks = [
  "Date.now();",
  "export const now = Date.now;",
  'Date["now"]();',
  "globalThis.Date.now();",
  "const { now } = Date;\nnow();",
  "new Date();",
  "performance.now();",
  "process.hrtime.bigint();",
  "setTimeout(() => {}, 1);",
  "globalThis.setInterval(() => {}, 1);",
  "AbortSignal.timeout(1);",
  "Math.random();",
  'import { setTimeout as delay } from "node:timers/promises";\nawait delay(1);',
  'import { performance as p } from "node:perf_hooks";\np.mark("a");',
  'import * as timers from "node:timers";\ntimers.setInterval(() => {}, 1);',
  'await import("node:timers");',
];

test("given-time finds a clock, a timer and chance where they are given, and nowhere else", () => {
  const given = ["pipeline", "lanes", "duties", "store", "store/sqlite", "sources", "operator"].map((one) =>
    `lib/${one}`
  );
  const others = ["lib/outbound", "lib/cli", "lib", "tests"];
  const counts = Object.fromEntries([...given.map((one) => [one, 1]), ...others.map((one) => [one, 0])]);
  assert.deepEqual(findings("given-time", at(Object.keys(counts), clocks)), expected(counts, clocks));
});

test("given-time leaves a time that is given, other names, types and setImmediate alone", () => {
  const texts = [
    "export const text = (now: number) => new Date(now).toISOString();",
    "export const end = (socket: { setTimeout(ms: number): void }) => socket.setTimeout(0);",
    "export type Timer = ReturnType<typeof setTimeout>;",
    'import { setImmediate } from "node:timers/promises";\nawait setImmediate();',
    "export const a = (clock: { now(): number }) => Math.floor(clock.now());",
  ];
  assert.deepEqual(findings("given-time", at(["lib/store"], texts)), expected({ "lib/store": 0 }, texts));
});

test("file-length finds a file of more than 300 lines, unless it lists words", () => {
  const lines = (count: number) => "export {};\n".repeat(count);
  const found = findings("file-length", {
    "lib/a.ts": lines(301),
    "lib/b.ts": lines(300),
    "lib/locale/pt_br.ts": lines(301),
    "tests/a.ts": lines(301),
  });
  assert.deepEqual(Object.values(found), [1, 0, 0, 0]);
});

test("a list of exceptions names only files that are there, and a rule finds one that needs none", () => {
  const paths = [...Object.keys(longer), ...Object.keys(ownTime), ...upward.flatMap(({ from, to }) => [from, to])];
  const isThere = (path: string) => existsSync(new URL(`../../lib/${path}`, import.meta.url));
  assert.deepEqual(paths.filter((path) => !isThere(path)), []);
  const lists = { "file-length": Object.keys(longer), "given-time": Object.keys(ownTime), "one-direction": upward };
  for (const [rule, [first]] of Object.entries(lists)) {
    if (first === undefined) continue;
    const path = `lib/${typeof first === "string" ? first : first.from}`;
    const count = typeof first === "string" ? 1 : upward.filter(({ from }) => from === first.from).length;
    assert.deepEqual(findings(rule, { [path]: "export {};" }), { [path]: count });
  }
});
