/** What is to be reached: figures of one run compared with each other, round by round. */

import { drainColumn } from "./drain.ts";
import { answersColumn, cpuColumn, keptUpColumn, sustainedColumn } from "./flood.ts";
import { bareHmac, express, php, webhook } from "./peers.ts";
import type { Plan } from "./plan.ts";
import type { Figure, Results } from "./results.ts";
import { rows } from "./suites/ack.ts";
import { drained, growthColumn, rows as deliverRows, runsColumn, scripted, steadily } from "./suites/deliver.ts";
import { idleColumn, ownColumn, rows as footprintRows, startColumn } from "./suites/footprint.ts";
import { pendingRowOf, rowOf } from "./suites/growth.ts";
import { databaseCpuColumn } from "./several/flood.ts";
import { idleDatabaseColumn, idleRelayColumn, queriesColumn } from "./several/idle.ts";
import { flooded, idly, relaysRow, rows as severalRows } from "./suites/several.ts";
import { format } from "./table.ts";

/** A goal, where the limit of the machine seems to be, and whether the goal was reached. */
export interface Verdict {
  goal: string;
  wanted: string;
  limit: string;
  reached: string;
  holds: "yes" | "no" | "not measured";
}

/** Backlogs never stand still; one that grows by less than this of what is sent does not grow. */
const FLAT = 0.02;

const ratio = (a: number, b: number) => a / b;
const difference = (a: number, b: number) => a - b;

/** What the relay must reach in this run. */
export function verdictsOf(results: Results, { sizes, pending }: Plan): Verdict[] {
  const compared = (by: typeof ratio, a: Figure, b: Figure) => results.compare(a, b, by);
  const rate = (row: string, other: string) =>
    compared(ratio, ["ack", row, sustainedColumn], ["ack", other, sustainedColumn]);
  const cpu = (row: string, other: string) => compared(ratio, ["ack", row, cpuColumn], ["ack", other, cpuColumn]);
  const grown = (column: string) =>
    compared(ratio, ["growth", rowOf(sizes[1]), column], ["growth", rowOf(sizes[0]), column]);
  const drain = (row: string) => compared(ratio, [drained, row, drainColumn], [drained, express.name, drainColumn]);
  const own = (row: string): Figure => ["footprint", row, ownColumn];
  const several = (row: string, other: string, column: string) =>
    compared(ratio, [flooded, row, column], [flooded, other, column]);
  const [one, three] = [relaysRow(1), relaysRow(3)];
  const steady = (row: string, column: string) => results.median([steadily, row, column]);

  return [
    atMost("CPU an event, 1 target : bare Bun with HMAC", [4.5, 3.5], cpu(rows.one, bareHmac.name)),
    atLeast("events/s sustained, 1 target : Express's", [2.2, 3], rate(rows.one, express.name)),
    atLeast("events/s sustained, 1 target : PHP's", [1, 1.3], rate(rows.one, php.name)),
    atMost(
      "p99, 1 target : Express's",
      [1],
      compared(ratio, ["ack", rows.one, "p99 ms"], ["ack", express.name, "p99 ms"]),
    ),
    atLeast("events/s, no route : Express's", [3, 3.5], rate(rows.none, express.name)),
    atLeast("events/s sustained, 4 targets : Express's", [1, 1.5], rate(rows.four, express.name)),
    atMost("CPU of a duplicate : of accepting", [0.6], cpu(rows.duplicate, rows.held)),
    atMost("CPU of a forgery : of accepting", [0.6], cpu(rows.forged, rows.held)),
    atLeast("delivered of accepted as a flood ends", [0.8], results.median(["ack", rows.one, keptUpColumn])),
    atLeast("drain, 64 in flight, deliveries/s : Express's answers", [2, 3], drain(deliverRows.drain)),
    atMost("accepted to arrived at 500 events/s, p99 ms", [5], steady(deliverRows.slow, "p99 ms")),
    atMost("accepted to arrived at 500 events/s, p50 ms", [1.5], steady(deliverRows.slow, "p50 ms")),
    atMost("growth of the backlog at 80 % of the flood : sent", [FLAT], steady(deliverRows.fast, growthColumn)),
    atLeast(
      "scripts/s : webhook's",
      [1.5],
      compared(ratio, [scripted, deliverRows.script, runsColumn], [scripted, webhook.name, runsColumn]),
    ),
    atLeast(`acks/s, ${rowOf(sizes[1])} : ${rowOf(sizes[0])}`, [0.95], grown(answersColumn)),
    atLeast(`drained/s, ${rowOf(sizes[1])} : ${rowOf(sizes[0])}`, [0.95], grown("drained/s")),
    atMost(
      `MiB, ${pendingRowOf(pending)} - ${rowOf(sizes[0])}`,
      [20],
      compared(difference, ["growth", pendingRowOf(pending), idleColumn], ["growth", rowOf(sizes[0]), idleColumn]),
    ),
    atMost(
      "idle, MiB of its own - an empty executable's",
      [10],
      compared(difference, own(footprintRows.relay), own(footprintRows.empty)),
    ),
    atMost("start to first answer, ms", [60], results.median(["footprint", footprintRows.relay, startColumn])),
    atLeast("acks/s, PostgreSQL : SQLite", [0.7], several(one, severalRows.file, answersColumn)),
    atLeast("events/s sustained, PostgreSQL : SQLite", [0.7], several(one, severalRows.file, sustainedColumn)),
    atLeast("acks/s, many stored in PostgreSQL : few", [0.95], several(severalRows.many, one, answersColumn)),
    atMost("database's CPU an event, 3 relays : 1", [1.5], several(three, one, databaseCpuColumn)),
    ...[one, three].map((row) =>
      atMost(`queries/s of an idle relay, ${row}`, [15], results.median([idly, row, queriesColumn]))
    ),
    atMost("CPU of an idle relay on PostgreSQL, %", [1], results.median([idly, one, idleRelayColumn])),
    atMost("CPU of the database for an idle relay, %", [1], results.median([idly, one, idleDatabaseColumn])),
  ];
}

/** What is wanted, and where the machine's limit seems to be. */
type Bounds = readonly [wanted: number, limit?: number];

function atLeast(goal: string, bounds: Bounds, reached: number | undefined): Verdict {
  return verdict(goal, "≥", bounds, reached, (value) => value >= bounds[0]);
}

function atMost(goal: string, bounds: Bounds, reached: number | undefined): Verdict {
  return verdict(goal, "≤", bounds, reached, (value) => value <= bounds[0]);
}

function verdict(
  goal: string,
  sign: string,
  [wanted, limit]: Bounds,
  reached: number | undefined,
  fits: (value: number) => boolean,
): Verdict {
  const told = { goal, wanted: `${sign} ${format(wanted)}`, limit: limit === undefined ? "" : `(${format(limit)})` };
  if (reached === undefined) return { ...told, reached: "", holds: "not measured" };
  return { ...told, reached: format(reached), holds: fits(reached) ? "yes" : "no" };
}
