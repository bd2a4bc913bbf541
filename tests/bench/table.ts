/** Prints results as tables. */

import type { Verdict } from "./goals.ts";
import { medianOf, type Results, type Section } from "./results.ts";

/** All sections, the goals, and what is to be known beside them. */
export function tablesOf(results: Results, verdicts: readonly Verdict[]): string {
  const sections = [...results.sections].map(([name, rows]) => tableOf(name, cellsOf(rows)));
  const goals = verdicts.map(({ goal, wanted, limit, reached, holds }) => [goal, wanted, limit, reached, holds]);
  const notes = results.notes.map((note) => `- ${note}`).join("\n");
  return [...sections, tableOf("goals", [["", "wanted", "limit", "reached", "holds"], ...goals]), notes].join("\n\n");
}

function cellsOf(rows: Section): string[][] {
  const columns = [...new Set([...rows.values()].flatMap((row) => [...row.keys()]))];
  const body = [...rows].map(([name, row]) => [
    name,
    ...columns.map((column) => row.has(column) ? format(medianOf(row.get(column)!)) : ""),
  ]);
  return [["", ...columns], ...body];
}

/** Figures are right of their column, names left of it. */
function tableOf(title: string, rows: string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)).join("  ")
  );
  return [title.toUpperCase(), ...lines].join("\n");
}

/** Four digits say all that such a measurement can. */
export function format(value: number, locale = "en"): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
