/** What is to be reached: ratios of medians within one run. */

import { bare, express, flask, php, webhook } from "./peers.ts";
import type { Plan } from "./plan.ts";
import type { Results } from "./results.ts";
import { rows as ackRows } from "./suites/ack.ts";
import { rows as deliverRows } from "./suites/deliver.ts";
import { row as footprintRow } from "./suites/footprint.ts";
import { pendingRow, rowOf } from "./suites/growth.ts";
import { format } from "./table.ts";

/** A goal, and whether it was reached. */
export interface Verdict {
  goal: string;
  wanted: string;
  reached: string;
  holds: "yes" | "no" | "not measured";
}

/** What the relay must reach in this run. */
export function verdictsOf(results: Results, { sizes, pending }: Plan): Verdict[] {
  const get = (section: string) => (row: string, column: string) => results.median(section, row, column);
  const ack = get("ack");
  const rate = (row: string) => ack(row, "answers/s");
  const growth = get("growth");
  const steady = get("accepted to arrived, steady");
  const runs = (row: string) => get("scripts")(row, "runs/s");
  const foot = (column: string) => get("footprint")(footprintRow, column);
  const hmac = bare("bare Bun.serve, body and HMAC", "hmac").name;
  const [least, most] = [rowOf(sizes[0]!), rowOf(sizes.at(-1)!)];
  const pendingName = `${pending.toLocaleString("en")} ${pendingRow}`;

  return [
    atLeast("acks/s : Express's", 2.5, ratio(rate(ackRows.one), rate(express.name))),
    atLeast("acks/s : PHP's", 2.5, ratio(rate(ackRows.one), rate(php.name))),
    atLeast("acks/s : Flask's", 4, ratio(rate(ackRows.one), rate(flask.name))),
    atLeast("acks/s : bare Bun's with HMAC", 0.4, ratio(rate(ackRows.one), rate(hmac))),
    atMost("p99 : Express's p99", 1, ratio(ack(ackRows.one, "p99 ms"), ack(express.name, "p99 ms"))),
    atLeast("acks/s with 4 targets : Express's", 1.5, ratio(rate(ackRows.four), rate(express.name))),
    atLeast("duplicates/s : acks/s, deliveries held", 1, ratio(rate(ackRows.duplicate), rate(ackRows.held))),
    atLeast("forgeries/s : acks/s, deliveries held", 1, ratio(rate(ackRows.forged), rate(ackRows.held))),
    atLeast("drain to HTTP, deliveries/s", 10_000, get("drain")(deliverRows.drain, "deliveries/s")),
    atMost("backlog after 5,000 events/s, steady", 1_000, steady(deliverRows.fast, "at the end")),
    atMost("accepted to arrived at 500 events/s, p99 ms", 10, steady(deliverRows.slow, "p99 ms")),
    atLeast("scripts/s : webhook's", 2, ratio(runs(deliverRows.script), runs(webhook.name))),
    atLeast(`acks/s with ${most} : ${least}`, 0.8, ratio(growth(most, "acks/s"), growth(least, "acks/s"))),
    atLeast(`drained/s with ${most} : ${least}`, 0.8, ratio(growth(most, "drained/s"), growth(least, "drained/s"))),
    atMost(
      `memory with ${pendingName} : ${least}`,
      1.1,
      ratio(growth(pendingName, "idle MiB"), growth(least, "idle MiB")),
    ),
    atMost("start to first answer, ms", 120, foot("start ms")),
    atMost("idle memory, MiB", 60, foot("idle MiB")),
  ];
}

function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b;
}

function atLeast(goal: string, limit: number, reached: number | undefined): Verdict {
  return verdict(goal, `≥ ${format(limit)}`, reached, (value) => value >= limit);
}

function atMost(goal: string, limit: number, reached: number | undefined): Verdict {
  return verdict(goal, `≤ ${format(limit)}`, reached, (value) => value <= limit);
}

function verdict(goal: string, wanted: string, reached: number | undefined, fits: (value: number) => boolean): Verdict {
  if (reached === undefined) return { goal, wanted, reached: "", holds: "not measured" };
  return { goal, wanted, reached: format(reached), holds: fits(reached) ? "yes" : "no" };
}
