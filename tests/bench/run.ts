/**
 * Measures the executable, and what it is compared with, and prints tables: `deno task bench`, with `--install` (what it is
 * compared with), `--quick`, `--json`, `--only NAME,NAME`, `--docs` (writes `docs/bench.json`, and the tables in docs/speed.md
 * from it). Needs 5 GB of disk for a while.
 */

import { rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { verdictsOf } from "./goals.ts";
import { install } from "./install.ts";
import { CONNECTIONS, generator, makeRecords } from "./load.ts";
import { calibrate, flushRate, machineLine, pinSelf, workFolder } from "./machine.ts";
import { peers } from "./peers.ts";
import { fullPlan, type Plan, quickPlan } from "./plan.ts";
import { stopAll } from "./processes.ts";
import { benchJson, writeTables } from "./docs_tables.ts";
import { medianOf, Results } from "./results.ts";
import { ack } from "./suites/ack.ts";
import { deliver } from "./suites/deliver.ts";
import { footprint } from "./suites/footprint.ts";
import { growth } from "./suites/growth.ts";
import { several } from "./suites/several.ts";
import type { Suite } from "./suites/suite.ts";
import { tablesOf } from "./table.ts";

const suites: Record<keyof Plan["budget"], Suite> = { ack, deliver, growth, footprint, several };

/** A machine on which a fixed loop's times differ by more than this factor is used by others, too. */
const BUSY = 1.3;

const { values: options } = parseArgs({
  options: {
    install: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    docs: { type: "boolean", default: false },
    only: { type: "string", default: Object.keys(suites).join(",") },
  },
});
const names = options.only.split(",") as (keyof typeof suites)[];
const unknown = names.filter((name) => !Object.hasOwn(suites, name));
if (unknown.length > 0) {
  process.stderr.write(`No suite "${unknown.join('", "')}"; there are ${Object.keys(suites).join(", ")}\n`);
  process.exit(2);
}
if (options.docs && (options.quick || names.length < Object.keys(suites).length)) {
  process.stderr.write(
    "Cannot write the tables of docs/speed.md from a part of the bench: leave out --quick and --only\n",
  );
  process.exit(2);
}
if (options.install) install();

const startedAt = performance.now();
const say = (what: string) => {
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  process.stderr.write(`${String(seconds).padStart(4)} s  ${what}\n`);
};

const plan = options.quick ? quickPlan : fullPlan;
const results = new Results();
results.notes.push(
  machineLine(),
  `load: ${generator()}, ${CONNECTIONS} connections, distinct signed events; medians of ${plan.rounds} rounds`,
  "memory of its own is what is not a file on disk, as the executable is",
  "the relay's log, a line an event and a line a delivery, goes to /dev/null",
);
if (options.quick) results.notes.push("--quick: these figures mean little");
for (const { name, isInstalled } of peers) {
  if (!isInstalled()) results.notes.push(`${name} is not installed: \`deno task bench --install\``);
}

/** What each suite took. */
const seconds: Record<string, number> = {};
const loopsMs: number[] = [];
const flushRates: number[] = [];
async function noteMachine(): Promise<void> {
  loopsMs.push(await calibrate());
  flushRates.push(flushRate(0.3));
}

/** Leaves nothing behind, neither of this run nor of one that was killed. */
const clear = () => rmSync(workFolder, { recursive: true, force: true });
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => stopAll().then(clear).finally(() => process.exit(1)));
}
clear();
pinSelf();
try {
  say("signing requests");
  const genuine = await makeRecords("genuine", plan.records);
  const forged = await makeRecords("forged", 100_000);
  for (const name of names) {
    const suiteStartedAt = performance.now();
    await suites[name]({ plan, results, say, noteMachine, genuine, forged }).catch((error: Error) => {
      results.notes.push(`NOT WHOLE: ${name} ended before its time: ${error.message}`);
      say(results.notes.at(-1)!);
      process.exitCode = 1;
    });
    seconds[name] = (performance.now() - suiteStartedAt) / 1000;
  }
} finally {
  await stopAll();
  clear();
}
say("done");

const spread = (samples: number[]) => ({
  min: Math.min(...samples),
  median: medianOf(samples),
  max: Math.max(...samples),
});
if (loopsMs.length > 0) {
  const slowest = Math.max(...loopsMs) / Math.min(...loopsMs);
  if (slowest > BUSY) {
    results.notes.push(
      `NOT TO BE RELIED ON: a fixed loop took up to ${
        slowest.toFixed(1)
      } times its shortest time; others used the machine`,
    );
  }
  results.add("machine", "a fixed loop on the server's core, ms", spread(loopsMs));
  results.add("machine", "flushes of the disk (4 KiB, fdatasync) a second", spread(flushRates));
}
for (const name of names) results.add("time", name, { seconds: seconds[name]!, budget: plan.budget[name] });
const verdicts = verdictsOf(results, plan);
const json = jsonOf({ ...results.toJSON(), goals: verdicts });
process.stdout.write(options.json ? json : `\n${tablesOf(results, verdicts)}\n`);
if (options.docs && !process.exitCode) {
  writeFileSync(benchJson, json);
  writeTables();
}

/** JSON with the samples of a figure in one line, as `deno fmt` leaves it. */
function jsonOf(value: unknown): string {
  return `${
    JSON.stringify(value, null, 2).replace(/\[[\d\s.,e+-]+\]/g, (list) => `[${list.match(/[^\s,[\]]+/g)!.join(", ")}]`)
  }\n`;
}
