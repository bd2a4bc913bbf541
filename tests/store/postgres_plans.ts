/** The plans by which a PostgreSQL server ran what a store asked of it. */

import pg from "pg";
import { sharedPostgres } from "../helpers/postgres/shared.ts";

/** A step of a plan, as `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)` has it. */
interface Step {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Index Cond"?: string;
  "TID Cond"?: string;
  "Recheck Cond"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  "Rows Removed by Join Filter"?: number;
  "Shared Hit Blocks": number;
  "Shared Read Blocks": number;
  Plans?: Step[];
}

/** A statement that ran, within a function too. */
export interface Ran {
  text: string;
  plan: Step;
}

/** A user of the server who is told each plan. */
export const OBSERVER = "relay_observer";

/** Makes that user. */
export async function makeObserver(): Promise<void> {
  const { query } = await sharedPostgres();
  await query(`DROP ROLE IF EXISTS ${OBSERVER}; CREATE ROLE ${OBSERVER} LOGIN SUPERUSER`);
  const settings = {
    session_preload_libraries: "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_format": "json",
    "auto_explain.log_level": "notice",
  };
  for (const [name, value] of Object.entries(settings)) await query(`ALTER ROLE ${OBSERVER} SET ${name} = '${value}'`);
}

/** Gives what the server ran meanwhile for that user, in sessions of this process. */
export async function watched(work: () => Promise<unknown>): Promise<Ran[]> {
  const ran: Ran[] = [];
  const { emit } = pg.Client.prototype;
  pg.Client.prototype.emit = function (name, ...args) {
    const [notice] = args as [{ message?: string } | undefined];
    const json = name === "notice" ? /plan:\s*(\{.*)$/s.exec(notice?.message ?? "")?.[1] : undefined;
    if (json !== undefined) {
      const { "Query Text": text, Plan: plan } = JSON.parse(json);
      ran.push({ text, plan });
    }
    return emit.call(this, name, ...args);
  };
  try {
    await work();
  } finally {
    pg.Client.prototype.emit = emit;
  }
  return ran;
}

/** Tables that hold few rows, however long a relay runs. */
const small = /^(lanes|members|meta|moves|changes|observed|underway|retention|alarms)$/;

/** How many rows a step may look at, and how many blocks of 8 KiB a statement may. */
export interface Bounds {
  rows: number;
  blocks: number;
}

/** What a plan does that takes the longer the more there is in the store, in words. */
export function longSteps({ plan }: Ran, bounds: Bounds): string[] {
  const long = stepsOf(plan).flatMap((step) => {
    const loops = step["Actual Loops"];
    const kept = step["Actual Rows"] + (step["Rows Removed by Filter"] ?? 0) +
      (step["Rows Removed by Join Filter"] ?? 0);
    const table = step["Relation Name"];
    const what = `${step["Node Type"]} of ${table ?? "rows"} by ${step["Index Name"] ?? "no index"}`;
    if (kept * loops > bounds.rows) return [`${what}: ${kept * loops} rows`];
    if (table === undefined || small.test(table) || step["Node Type"] === "ModifyTable") return [];
    const isFound = step["Index Cond"] ?? step["TID Cond"] ?? step["Recheck Cond"];
    return isFound === undefined ? [`${what}: looks through it`] : [];
  });
  const blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
  return blocks > bounds.blocks ? [...long, `${blocks} blocks`] : long;
}

function stepsOf(step: Step): Step[] {
  return [step, ...(step.Plans ?? []).flatMap(stepsOf)];
}
