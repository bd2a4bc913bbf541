/**
 * Three relays on one PostgreSQL under load, and one fault after the other; ends with 1 if anything was lost, repeated
 * without a cause, out of order, too much at a time, or stood still for too long.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { chooseSeed } from "../random.ts";
import { faults } from "./faults/mod.ts";
import { runCluster, type Summary } from "./run.ts";

/** How much of what is wrong is told of each kind; `--json` tells all. */
const SHOWN = 10;

const names = Object.keys(faults);
const usage =
  `Usage: deno task cluster [--seed NUMBER] [--only FAULT,…] [--rate 20] [--slack 0] [--logs FOLDER] [--json]
Faults: ${names.join(", ")}
`;

const { values: options } = parseArgs({
  options: {
    seed: { type: "string" },
    only: { type: "string" },
    rate: { type: "string", default: "20" },
    slack: { type: "string", default: "0" },
    logs: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const seed = options.seed === undefined ? chooseSeed() : Number(options.seed);
const only = options.only?.split(",");
const perSecond = Number(options.rate);
if (!(seed > 0 && perSecond > 0 && Number(options.slack) >= 0 && (only ?? []).every((name) => names.includes(name)))) {
  process.stderr.write(usage);
  process.exit(2);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1)); // which ends the relays

process.stderr.write(`--seed ${seed}\n`);
const summary = await runCluster({
  seed,
  only,
  perSecond,
  slackMs: Number(options.slack),
  logs: options.logs,
  progress: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : textOf(summary));
process.exit(summary.findings.length > 0 ? 1 : 0);

function textOf({ phases, findings, ...counts }: Summary): string {
  const columns = "fault               struck   seconds  lanes  longest ms  repeated  late ms  wrong";
  const lines = phases.map(({ fault, relay, from, to, lanesTaken, longestMs, repeated, latestMs, findings: wrong }) =>
    fault.padEnd(20) + relay.padEnd(9) + `${to - from}`.padStart(7) + `${lanesTaken}`.padStart(7) +
    `${longestMs}`.padStart(12) + `${repeated}`.padStart(10) + `${latestMs}`.padStart(9) + `${wrong.length}`.padStart(7)
  );
  const totals = Object.entries(counts).map(([name, value]) => `${name.padEnd(20)}${value}`);
  return `\n${[columns, ...lines, "", ...totals, "", ...wrongOf(findings)].join("\n")}\n`;
}

/** The first of what is wrong of each kind, and how much more there is. */
function wrongOf(findings: readonly string[]): string[] {
  const byRule = Map.groupBy(findings, (text) => text.split(":")[0]!);
  return [...byRule].flatMap(([rule, texts]) => [
    ...texts.slice(0, SHOWN).map((text) => `wrong: ${text}`),
    ...(texts.length > SHOWN ? [`wrong: ${rule}: ${texts.length - SHOWN} more`] : []),
  ]);
}
