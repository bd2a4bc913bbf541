/**
 * Measures the executable, and what it is compared with, and prints tables: `deno task bench`, with
 * `--install` (what it is compared with), `--quick`, `--json`, `--only NAME,NAME`.
 */

import { rmSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import { verdictsOf } from "./goals.ts";
import { install } from "./install.ts";
import { CONNECTIONS, generator, makeRecords } from "./load.ts";
import { machineLine } from "./machine.ts";
import { fullPlan, quickPlan } from "./plan.ts";
import { stopAll } from "./processes.ts";
import { Results } from "./results.ts";
import { ack } from "./suites/ack.ts";
import { deliver } from "./suites/deliver.ts";
import { footprint } from "./suites/footprint.ts";
import { growth } from "./suites/growth.ts";
import type { Suite } from "./suites/suite.ts";
import { tablesOf } from "./table.ts";

const suites: Record<string, Suite> = { ack, deliver, growth, footprint };

const { values: options } = parseArgs({
  options: {
    install: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    only: { type: "string", default: Object.keys(suites).join(",") },
  },
});
const names = options.only.split(",");
const unknown = names.filter((name) => !Object.hasOwn(suites, name));
if (unknown.length > 0) {
  process.stderr.write(`No suite "${unknown.join('", "')}"; there are ${Object.keys(suites).join(", ")}\n`);
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
  `load: ${generator}, ${CONNECTIONS} connections, distinct signed events; medians of ${plan.rounds}`,
  "the relay's log, a line an event and a line a delivery, goes to /dev/null",
);
say("signing requests");
const [genuine, forged] = [
  await makeRecords("genuine", plan.records),
  await makeRecords("forged", plan.warmUpRecords * 2),
];
try {
  for (const name of names) await suites[name]!({ plan, results, say, genuine, forged });
} finally {
  await stopAll();
  for (const { path } of [genuine, forged]) rmSync(path);
}
say("done");

const verdicts = verdictsOf(results, plan);
process.stdout.write(
  options.json
    ? `${JSON.stringify({ ...(results.toJSON() as object), goals: verdicts }, null, 2)}\n`
    : `\n${tablesOf(results, verdicts)}\n`,
);
