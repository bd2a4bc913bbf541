/** Rows of the second table in docs/speed.md. */

import { drainColumn } from "./drain.ts";
import { answersColumn, sustainedColumn } from "./flood.ts";
import { express, webhook } from "./peers.ts";
import { fullPlan } from "./plan.ts";
import type { Figure } from "./results.ts";
import { databaseCpuColumn, relayCpuColumn } from "./several/flood.ts";
import { drained, rows as deliverRows, runsColumn, scripted, steadily } from "./suites/deliver.ts";
import { idleColumn, ownColumn, rows as footprintRows, sizeColumn, startColumn } from "./suites/footprint.ts";
import { pendingRowOf, rowOf } from "./suites/growth.ts";
import { flooded, relaysRow, rows as severalRows } from "./suites/several.ts";

export type Language = "en" | "pt-BR";

/** The same in each language. */
export type Text = Record<Language, string>;

/** A row of the second table: a figure, or two, and those of something else. */
export interface Line {
  name: Text;
  unit?: string;
  relay: Figure[];
  beside?: Text;
  other?: Figure;
}

const [few, many, pending] = [...fullPlan.sizes.map(rowOf), pendingRowOf(fullPlan.pending)] as [string, string, string];

const besideExpress: Pick<Line, "beside" | "other"> = {
  beside: { en: "Express answers", "pt-BR": "o Express responde" },
  other: [drained, express.name, drainColumn],
};

const besideFew = (column: string): Pick<Line, "beside" | "other"> => ({
  beside: { en: "10 thousand stored", "pt-BR": "10 mil guardados" },
  other: ["growth", few, column],
});

const besideEmpty = (column: string): Pick<Line, "beside" | "other"> => ({
  beside: { en: "an empty executable", "pt-BR": "um executável vazio" },
  other: ["footprint", footprintRows.empty, column],
});

export const lines: readonly Line[] = [
  {
    name: {
      en: "deliveries per second from a backlog, default settings",
      "pt-BR": "entregas por segundo de uma fila, configuração padrão",
    },
    relay: [[drained, deliverRows.drainDefault, drainColumn]],
    ...besideExpress,
  },
  {
    name: {
      en: "deliveries per second from a backlog, 64 in flight",
      "pt-BR": "entregas por segundo de uma fila, 64 ao mesmo tempo",
    },
    relay: [[drained, deliverRows.drain, drainColumn]],
    ...besideExpress,
  },
  {
    name: {
      en: "at the target, 500 events per second, p50 and p99",
      "pt-BR": "no destino, 500 eventos por segundo, p50 e p99",
    },
    unit: "ms",
    relay: [[steadily, deliverRows.slow, "p50 ms"], [steadily, deliverRows.slow, "p99 ms"]],
  },
  {
    name: { en: "at the target, 80 % of the maximum, p50 and p99", "pt-BR": "no destino, 80 % do máximo, p50 e p99" },
    unit: "ms",
    relay: [[steadily, deliverRows.fast, "p50 ms"], [steadily, deliverRows.fast, "p99 ms"]],
  },
  {
    name: { en: "scripts per second", "pt-BR": "scripts por segundo" },
    relay: [[scripted, deliverRows.script, runsColumn]],
    beside: { en: "Debian's `webhook`", "pt-BR": "o `webhook` do Debian" },
    other: [scripted, webhook.name, runsColumn],
  },
  {
    name: { en: "acknowledged per second, 5 million stored", "pt-BR": "aceitos por segundo, 5 milhões guardados" },
    relay: [["growth", many, answersColumn]],
    ...besideFew(answersColumn),
  },
  {
    name: { en: "delivered per second, 5 million stored", "pt-BR": "entregues por segundo, 5 milhões guardados" },
    relay: [["growth", many, "drained/s"]],
    ...besideFew("drained/s"),
  },
  {
    name: {
      en: "events per second, with PostgreSQL on the same two cores",
      "pt-BR": "eventos por segundo, com PostgreSQL nos mesmos dois núcleos",
    },
    relay: [[flooded, relaysRow(1), sustainedColumn]],
    beside: { en: "with SQLite", "pt-BR": "com SQLite" },
    other: [flooded, severalRows.file, sustainedColumn],
  },
  {
    name: {
      en: "CPU per event with PostgreSQL: relay and database",
      "pt-BR": "CPU por evento com PostgreSQL, do relay e do banco",
    },
    unit: "µs",
    relay: [[flooded, relaysRow(1), relayCpuColumn], [flooded, relaysRow(1), databaseCpuColumn]],
    beside: { en: "the relay with SQLite", "pt-BR": "o relay com SQLite" },
    other: [flooded, severalRows.file, relayCpuColumn],
  },
  {
    name: { en: "memory with a million to deliver", "pt-BR": "memória com um milhão a entregar" },
    unit: "MiB",
    relay: [["growth", pending, idleColumn]],
    beside: { en: "with none", "pt-BR": "com nada" },
    other: ["growth", few, idleColumn],
  },
  {
    name: { en: "memory, idle", "pt-BR": "memória em repouso" },
    unit: "MiB",
    relay: [["footprint", footprintRows.relay, idleColumn]],
    ...besideEmpty(idleColumn),
  },
  {
    name: { en: "memory, idle, without the executable", "pt-BR": "memória em repouso, sem o executável" },
    unit: "MiB",
    relay: [["footprint", footprintRows.relay, ownColumn]],
    ...besideEmpty(ownColumn),
  },
  {
    name: { en: "start to first answer", "pt-BR": "do início à primeira resposta" },
    unit: "ms",
    relay: [["footprint", footprintRows.relay, startColumn]],
    beside: { en: "an empty executable, start to end", "pt-BR": "um executável vazio, do início ao fim" },
    other: ["footprint", footprintRows.empty, startColumn],
  },
  {
    name: { en: "executable", "pt-BR": "executável" },
    unit: "MiB",
    relay: [["footprint", footprintRows.relay, sizeColumn]],
    beside: { en: "an empty one", "pt-BR": "um vazio" },
    other: ["footprint", footprintRows.empty, sizeColumn],
  },
];
