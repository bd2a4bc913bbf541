/** Makes the tables of docs/speed.md and docs/speed.pt-BR.md from what a run has measured: `deno task bench-table`. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answersColumn, cpuColumn, sustainedColumn } from "./flood.ts";
import { root } from "./machine.ts";
import { bareHmac, express, flask, php, webhook } from "./peers.ts";
import { type Language, lines, type Text } from "./docs_lines.ts";
import type { Figure } from "./results.ts";
import { rows, timesColumn } from "./suites/ack.ts";
import { rows as deliverRows, runsColumn, scripted } from "./suites/deliver.ts";

/** What the last documented run measured, as `deno task bench --json` prints it. */
export const benchJson: string = join(root, "docs", "bench.json");

/** The page with the tables, by language. */
export const speedPages: Readonly<Record<Language, string>> = {
  en: join(root, "docs", "speed.md"),
  "pt-BR": join(root, "docs", "speed.pt-BR.md"),
};

/** What a run printed as JSON. */
export type Measured = Record<string, Record<string, Record<string, { median: number }>>>;

const [BEGIN, END] = [
  "<!-- bench: `deno task bench-table` makes these tables from docs/bench.json -->",
  "<!-- /bench -->",
];

const peers: readonly string[] = [bareHmac, express, php, flask].map(({ name }) => name);

const heads = {
  event: { en: "CPU per event", "pt-BR": "CPU por evento" },
  times: { en: "× bare Bun with HMAC", "pt-BR": "× Bun puro com HMAC" },
  rate: { en: "events per second", "pt-BR": "eventos por segundo" },
  relay: { en: "relay", "pt-BR": "relay" },
  beside: { en: "compared with", "pt-BR": "comparado com" },
  and: { en: "and", "pt-BR": "e" },
  faster: { en: "Faster than the relay with one target:", "pt-BR": "Mais rápidos que o relay com um destino:" },
  scripts: { en: "Debian's `webhook`, in scripts", "pt-BR": "o `webhook` do Debian, em scripts" },
} satisfies Record<string, Text>;

/** Rows of the first table, cheapest first. */
const names: Record<string, Text> = {
  [rows.none]: { en: "relay, no route", "pt-BR": "relay, sem rota" },
  [rows.one]: { en: "relay, 1 target", "pt-BR": "relay, 1 destino" },
  [rows.four]: { en: "relay, 4 targets", "pt-BR": "relay, 4 destinos" },
  [rows.held]: { en: "relay, 1 target, deliveries held", "pt-BR": "relay, 1 destino, entregas retidas" },
  [rows.duplicate]: { en: "relay, the same event again", "pt-BR": "relay, o mesmo evento de novo" },
  [rows.forged]: { en: "relay, forged signatures", "pt-BR": "relay, assinaturas forjadas" },
  [bareHmac.name]: { en: "bare Bun with HMAC", "pt-BR": "Bun puro com HMAC" },
  [express.name]: {
    en: "the guide's receiver in Express 5",
    "pt-BR": "o receptor do guia em Express 5",
  },
  [php.name]: { en: "the guide's receiver in PHP", "pt-BR": "o receptor do guia em PHP" },
  [flask.name]: { en: "the guide's receiver in Flask", "pt-BR": "o receptor do guia em Flask" },
};

/** What stands between the marks of a page. */
export function tablesOf(measured: Measured, language: Language): string {
  const get = ([section, row, column]: Figure) => measured[section]?.[row]?.[column]?.median;
  const say = (value: number | undefined, unit = "") =>
    value === undefined ? "" : `${value.toLocaleString(language, { maximumSignificantDigits: 3 })} ${unit}`.trimEnd();
  const rateOf = (row: string) => get(["ack", row, sustainedColumn]) ?? get(["ack", row, answersColumn]);
  const cpuOf = (row: string) => get(["ack", row, cpuColumn]) ?? Infinity;
  const isFaster = (peer: number | undefined, relay: number | undefined) => (peer ?? 0) > (relay ?? Infinity);

  const flooded = Object.keys(names).filter((row) => measured.ack?.[row]).sort((a, b) => cpuOf(a) - cpuOf(b));
  const costs = flooded.map((row) => [
    names[row]![language],
    say(get(["ack", row, cpuColumn]), "µs"),
    say(get(["ack", row, timesColumn])),
    say(rateOf(row)),
    say(get(["ack", row, "p99 ms"]), "ms"),
  ]);
  const others = lines.filter(({ relay }) => get(relay[0]!) !== undefined).map((line) => {
    const other = line.other && say(get(line.other), line.unit);
    const relay = line.relay.map((figure) => say(get(figure), line.unit)).join(` ${heads.and[language]} `);
    return [line.name[language], relay, other ? `${other} (${line.beside![language]})` : ""];
  });
  const faster = flooded.filter((row) => peers.includes(row) && isFaster(rateOf(row), rateOf(rows.one)))
    .map((row) => names[row]![language]);
  const runsOf = (row: string) => get([scripted, row, runsColumn]);
  if (isFaster(runsOf(webhook.name), runsOf(deliverRows.script))) faster.push(heads.scripts[language]);

  const { event, times, rate, relay, beside } = heads;
  const tables = [
    tableOf([["", event[language], times[language], rate[language], "p99"], ...costs]),
    tableOf([["", relay[language], beside[language]], ...others]),
  ];
  if (faster.length > 0) tables.push(heads.faster[language], faster.map((name) => `- ${name}`).join("\n"));
  return tables.join("\n\n");
}

/** A table as `deno fmt` leaves it. */
function tableOf(cells: string[][]): string {
  const widths = cells[0]!.map((_, column) => Math.max(3, ...cells.map((row) => row[column]!.length)));
  const line = (row: string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const [head, ...body] = cells.map(line);
  return [head, line(widths.map((width) => "-".repeat(width))), ...body].join("\n");
}

/** A page's text with these tables between its marks. */
export function withTables(page: string, tables: string): string {
  const [before, rest] = page.split(BEGIN!);
  const after = rest?.split(END!)[1];
  if (after === undefined) throw new Error(`Cannot write the tables: a page without "${BEGIN}" and "${END}"`);
  return `${before}${BEGIN}\n\n${tables}\n\n${END}${after}`;
}

/** Writes the tables of `docs/bench.json` into the pages. */
export function writeTables(): void {
  const measured = JSON.parse(readFileSync(benchJson, "utf8")) as Measured;
  for (const [language, path] of Object.entries(speedPages) as [Language, string][]) {
    writeFileSync(path, withTables(readFileSync(path, "utf8"), tablesOf(measured, language)));
  }
}

if (import.meta.main) writeTables();
