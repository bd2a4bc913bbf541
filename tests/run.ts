/**
 * Runs every test, or those whose paths contain one of the arguments, and ends with one line that counts all. Most tests
 * wait for others most of their time, so suites run at the same time, each in a process of its own. With `CI` set, a test
 * that is skipped without leave fails the run.
 */

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import manifest from "../deno.json" with { type: "json" };
import { type Suite, suitesOf } from "./runner/plan.ts";
import { MARK } from "./runner/reasons.ts";
import { readReport, type TestCase } from "./runner/report.ts";
import { allowed, refused, type Skip, toldOf } from "./runner/skips.ts";

/** How many suites run at a time: what waits leaves room for another. */
const AT_A_TIME = 4;

/** How long a file may take to say why its tests are skipped, in milliseconds: it may make something first. */
const REASON_MS = 60_000;

/** How many of the slowest tests are told. */
const SLOWEST = 10;

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "relay-tests-"));

const commands = {
  Deno: (report: string) => [process.execPath, "test", "-A", "--no-check", `--junit-path=${report}`],
  Bun: (report: string) => {
    const bun = "./node_modules/bun/bin/bun.exe";
    return [bun, "test", "--timeout", "300000", "--reporter=junit", `--reporter-outfile=${report}`];
  },
};

/** How a suite ended. */
interface Result {
  suite: Suite;
  tests: TestCase[];
  /** It failed, though no test did: a file that could not be loaded, a runner that died. */
  isBroken: boolean;
  seconds: number;
}

const wanted = process.argv.slice(2);
const paths = readdirSync(join(root, "tests"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith("_test.ts"))
  .filter((path) => wanted.length === 0 || wanted.some((part) => `tests/${path}`.includes(part))).sort();
const queue = suitesOf(paths, (path) => readFileSync(join(root, "tests", path), "utf8"));
const results: Result[] = [];
try {
  await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
    for (let suite = queue.shift(); suite; suite = queue.shift()) results.push(await runSuite(suite));
  }));
  await tell();
} finally {
  rmSync(folder, { recursive: true });
}

async function runSuite(suite: Suite): Promise<Result> {
  const report = join(folder, `${suite.name}.xml`);
  const files = suite.paths.map((path) => `./tests/${path}`);
  const startedAt = performance.now();
  const code = await run([...commands[suite.runtime](report), ...files], (line) => say(`${suite.name} | ${line}`));
  const tests = readTests(report);
  const isBroken = tests.length === 0 || (code !== 0 && tests.every(({ state }) => state !== "failed"));
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  say(`${suite.name} | ended with ${code} after ${seconds} s`);
  return { suite, tests, isBroken, seconds };
}

function readTests(report: string): TestCase[] {
  try {
    return readReport(readFileSync(report, "utf8"));
  } catch {
    return []; // the runner did not come to its end
  }
}

/** Runs a program to its end, or for `timeout` milliseconds, and gives what it prints, a line at a time. */
function run([program, ...args]: string[], onLine: (line: string) => void, timeout?: number): Promise<number | null> {
  const env = { ...process.env, NO_COLOR: "1" };
  const child = spawn(program!, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], env, timeout });
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      lines.forEach(onLine);
    });
    stream.on("end", () => rest && onLine(rest));
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
}

/** Tells what came of all: what took long, what was skipped, what failed, and how many of each. */
async function tell(): Promise<void> {
  const all = results.flatMap(({ suite, tests }) => tests.map((one) => ({ ...one, suite })));
  const slowest = all.toSorted((one, other) => other.seconds - one.seconds).slice(0, SLOWEST);
  say("\nThe slowest:");
  for (const { name, suite, seconds } of slowest) say(`${seconds.toFixed(1).padStart(6)} s  ${name} (${suite.name})`);
  const skips = await explain(all.filter(({ state }) => state === "skipped"));
  const failures = all.filter(({ state }) => state === "failed").map(({ suite, name }) => `${name} (${suite.name})`);
  const broken = results.filter(({ isBroken }) => isBroken).map(({ suite }) => `${suite.name}, outside of any test`);
  const unwanted = process.env.CI ? refused(skips) : [];
  say("");
  process.stdout.write(toldOf(skips));
  for (const one of [...failures, ...broken]) say(`failed: ${one}`);
  if (unwanted.length > 0) {
    say(`In CI a test is skipped only if tests/runner/skips.ts allows it; ${unwanted.length} must run`);
  }
  const passed = all.filter(({ state }) => state === "passed").length;
  const failed = failures.length + broken.length;
  say(`${passed} passed, ${failed} failed, ${skips.length} skipped`);
  process.exitCode = all.length > 0 && failed + unwanted.length === 0 ? 0 : 1;
}

/** Finds out why tests were skipped: their files say it again, to `reasons.ts` in the place of `node:test`. */
async function explain(skipped: readonly (TestCase & { suite: Suite })[]): Promise<Skip[]> {
  const reasons = new Map<string, string>();
  const imports = { ...manifest.imports, "node:test": "./tests/runner/reasons.ts" };
  const map = join(folder, "imports.json");
  const absolute = Object.entries(imports).map(([name, to]) => [name, to.startsWith("./") ? join(root, to) : to]);
  writeFileSync(map, JSON.stringify({ imports: Object.fromEntries(absolute) }));
  for (const path of new Set(skipped.map(({ file }) => file))) {
    await run([process.execPath, "run", "-A", "--no-check", `--import-map=${map}`, path], (line) => {
      if (!line.startsWith(MARK)) return;
      const [name, reason] = JSON.parse(line.slice(MARK.length)) as [string, string];
      reasons.set(name, reason);
    }, REASON_MS);
  }
  return skipped.map(({ name, suite }) => ({
    name,
    suite: suite.name,
    reason: allowed[name] ?? reasons.get(name) ?? "it says no reason",
  }));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
