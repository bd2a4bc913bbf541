/** Runs every test, those of the source on both runtimes, and ends with one line that counts all. */

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import process from "node:process";

/** Folders whose tests drive what was built, which is the same whatever runs the tests. */
const onBuilt = ["browser", "e2e", "release", "systemd"];

const files = readdirSync("tests", { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith("_test.ts")).sort();
const isOnBuilt = (path: string) => onBuilt.some((name) => path.startsWith(name));
const ofSource = files.filter((path) => !isOnBuilt(path));
const ofBuilt = files.filter(isOnBuilt);

const deno = [process.execPath, "test", "-A", "--no-check"];
const bun = ["./node_modules/bun/bin/bun.exe", "test", "--timeout", "60000"];

const suites = [
  { name: "The source on Deno", command: deno, paths: ofSource },
  { name: "The source on Bun", command: bun, paths: ofSource },
  { name: "The executable", command: deno, paths: ofBuilt },
];

/** What runners say at their end: `ok | 12 passed | 0 failed | 1 ignored` (Deno), ` 12 pass`, ` 1 skip`, ` 0 fail` (Bun). */
const counts = { passed: /(\d+) pass(?:ed)?\b/g, failed: /(\d+) fail(?:ed)?\b/g, skipped: /(\d+) (?:ignored|skip)\b/g };

let passed = 0;
let failed = 0;
let skipped = 0;
for (const { name, command: [program, ...args], paths } of suites) {
  process.stdout.write(`\n${name}\n`);
  const { code, output } = await run(program!, [...args, ...paths.map((path) => `./tests/${path}`)]);
  passed += lastCount(output, counts.passed);
  skipped += lastCount(output, counts.skipped);
  const failures = lastCount(output, counts.failed);
  failed += code !== 0 && failures === 0 ? 1 : failures;
}
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exitCode = failed === 0 ? 0 : 1;

function run(program: string, args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
      process.stdout.write(chunk);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

function lastCount(output: string, pattern: RegExp): number {
  return Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0);
}
