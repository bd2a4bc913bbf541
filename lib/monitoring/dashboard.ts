/** A dashboard for Grafana, with every metric of the relay. */

import { names } from "../metrics.ts";

/** What one panel shows. */
interface Panel {
  title: string;
  description: string;
  type: "stat" | "timeseries" | "state-timeline";
  /** Unit as Grafana names it. */
  unit: string;
  /** Queries by what their series are called, which is a template of Grafana. */
  queries: Readonly<Record<string, string>>;
  /** From this value on it is shown in red. */
  badFrom?: number;
  /** A stat shows what its series are called, not their value. */
  isName?: true;
}

/** The series of the relays that are chosen at the top of the dashboard. */
function series(name: string, labels = ""): string {
  return `${name}{instance=~"$instance"${labels && `, ${labels}`}}`;
}

const perSecond = (name: string, by: string) => `sum by (${by}) (rate(${series(name)}[$__rate_interval]))`;

const quantile = (name: string, part: number, by = "") =>
  `histogram_quantile(${part}, sum by (${by}le) (rate(${series(`${name}_bucket`)}[$__rate_interval])))`;

/** How many relays share the store of each: 1 for one that has its own, which tells of no members. */
const sharers = `(${series(names.members)} or on (job, instance) ${series(names.buildInfo)})`;

/** The sum of a gauge that each relay reads from its store: relays that share one all tell the same. */
const sumInStores = (name: string, by = "") =>
  `sum${by && ` by (${by})`} (${series(name)} / on (job, instance) group_left () ${sharers})`;

const inDay = (name: string, labels: string) => `sum(increase(${series(name, labels)}[24h]))`;

const stats: readonly Panel[] = [
  {
    title: "Accepted in 24 h",
    description: "Genuine events that were stored; repeats are not counted.",
    type: "stat",
    unit: "short",
    queries: { accepted: inDay(names.eventsReceived, 'result="stored"') },
  },
  {
    title: "Delivered in 24 h",
    description: "An event counts once for each of its targets.",
    type: "stat",
    unit: "short",
    queries: { delivered: inDay(names.deliveriesDone, 'state="delivered"') },
  },
  {
    title: "Dead in 24 h",
    description: "Deliveries that failed for good. `relay retry --dead` sends them again.",
    type: "stat",
    unit: "short",
    queries: { dead: inDay(names.deliveriesDone, 'state="dead"') },
    badFrom: 1,
  },
  {
    title: "Waiting",
    description: "Deliveries that are waiting or in flight.",
    type: "stat",
    unit: "short",
    queries: { waiting: sumInStores(names.backlog) },
  },
  {
    title: "Targets held now",
    description: "Targets that are held after several failures in a row. `relay status` shows why.",
    type: "stat",
    unit: "short",
    queries: { held: sumInStores(names.circuitOpen) },
    badFrom: 1,
  },
  {
    title: "Running",
    description: "Version and runtime of each relay.",
    type: "stat",
    unit: "short",
    queries: { "{{instance}}: {{version}}, {{runtime}}": series(names.buildInfo) },
    isName: true,
  },
];

const charts: readonly Panel[] = [
  {
    title: "Requests by result",
    description: "Requests to the sources: stored, duplicate, or why they were refused.",
    type: "timeseries",
    unit: "reqps",
    queries: { "{{source}} {{result}}": perSecond(names.eventsReceived, "source, result") },
  },
  {
    title: "Deliveries that ended",
    description: "Delivered, or dead: failed for good after the last attempt, or at once if a retry would not help.",
    type: "timeseries",
    unit: "ops",
    queries: { "{{target}} {{state}}": perSecond(names.deliveriesDone, "target, state") },
  },
  {
    title: "Attempts that failed, by reason",
    description: "Those that are retried, and those that are not.",
    type: "timeseries",
    unit: "ops",
    queries: {
      "{{target}} {{reason}}": `sum by (target, reason) (rate(${
        series(names.deliveryAttempts, 'outcome!="delivered"')
      }[$__rate_interval]))`,
    },
  },
  {
    title: "Targets held",
    description: "1 while a target is held after several failures in a row.",
    type: "state-timeline",
    unit: "short",
    queries: { "{{target}}": `max by (target) (${series(names.circuitOpen)})` },
    badFrom: 1,
  },
  {
    title: "Waiting, by target",
    description: "Deliveries that are waiting or in flight.",
    type: "timeseries",
    unit: "short",
    queries: { "{{target}}": sumInStores(names.backlog, "target") },
  },
  {
    title: "Oldest waiting, by target",
    description: "Age of the oldest event that is neither delivered nor dead.",
    type: "timeseries",
    unit: "s",
    queries: { "{{target}}": `max by (target) (${series(names.oldestPending)})` },
  },
  {
    title: "Receipts, by target",
    description: "What vendors tell of messages that they had taken: sent, arrived, read, or failed.",
    type: "timeseries",
    unit: "ops",
    queries: { "{{target}} {{status}}": perSecond(names.receiptsHeard, "target, status") },
  },
  {
    title: "Time to answer",
    description: "From a genuine request to its answer, which is sent once the event is on disk.",
    type: "timeseries",
    unit: "s",
    queries: { p50: quantile(names.ackDuration, 0.5), p99: quantile(names.ackDuration, 0.99) },
  },
  {
    title: "Duration of an attempt, by target",
    description: "p99, whatever the outcome.",
    type: "timeseries",
    unit: "s",
    queries: { "{{target}}": quantile(names.attemptDuration, 0.99, "target, ") },
  },
  {
    title: "Duration of a commit",
    description: "Including the flush to disk. Every answer waits for it.",
    type: "timeseries",
    unit: "s",
    queries: { p50: quantile(names.commitDuration, 0.5), p99: quantile(names.commitDuration, 0.99) },
  },
  {
    title: "Size of the store",
    description: "On disk. Finished events are deleted after a while (`keep` in the config).",
    type: "timeseries",
    unit: "bytes",
    queries: { "{{instance}}": series(names.storeBytes) },
  },
  {
    title: "Requests for notes",
    description: "Requests to ConnectVets' API, which `enrich` in the config makes, by result.",
    type: "timeseries",
    unit: "reqps",
    queries: { "{{result}}": perSecond(names.noteRequests, "result") },
  },
  {
    title: "Relays that share a store",
    description:
      "As each of them saw it last. Nothing is shown of a relay with a store of its own. `relay status` names them.",
    type: "timeseries",
    unit: "short",
    queries: { "{{instance}}": series(names.members) },
  },
  {
    title: "Targets by owner",
    description:
      "Each target has one owner, which makes its deliveries. All of them together are what the configs name.",
    type: "timeseries",
    unit: "short",
    queries: {
      "{{instance}}": series(names.lanesOwned),
      "named, {{job}}": `max by (job) (${series(names.lanes)})`,
    },
  },
];

/** Columns of Grafana's grid. */
const COLUMNS = 24;

/**
 * The dashboard as Grafana imports it; it asks for the Prometheus to read from.
 * @see https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
 */
export function dashboard(): Record<string, unknown> {
  return {
    uid: "relay",
    title: "relay",
    tags: ["relay"],
    schemaVersion: 39,
    editable: true,
    refresh: "30s",
    time: { from: "now-24h", to: "now" },
    templating: { list: [datasourceVariable, instanceVariable] },
    panels: [...placed(stats, COLUMNS / stats.length, 4, 0), ...placed(charts, COLUMNS / 2, 8, 4)]
      .map((panel, index) => ({ id: index + 1, ...panel })),
  };
}

const datasource = { type: "prometheus", uid: "${datasource}" };

const datasourceVariable = { name: "datasource", label: "Prometheus", type: "datasource", query: "prometheus" };

const instanceVariable = {
  name: "instance",
  type: "query",
  datasource,
  query: { query: `label_values(${names.buildInfo}, instance)`, refId: "instance" },
  refresh: 2, // when the time range changes
  multi: true,
  includeAll: true,
  allValue: ".*",
  current: { text: ["All"], value: ["$__all"] },
};

/** Panels in rows from `top` on, each so many columns wide and so many rows high. */
function placed(panels: readonly Panel[], w: number, h: number, top: number): Record<string, unknown>[] {
  const perRow = COLUMNS / w;
  return panels.map((panel, index) => ({
    ...drawn(panel),
    gridPos: { w, h, x: (index % perRow) * w, y: top + Math.floor(index / perRow) * h },
  }));
}

function drawn({ title, description, type, unit, queries, badFrom, isName }: Panel): Record<string, unknown> {
  const bad = badFrom === undefined ? [] : [{ color: "red", value: badFrom }];
  return {
    title,
    description,
    type,
    datasource,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(type === "stat" && { decimals: 0 }), // what Prometheus counts in a span of time is not whole
        color: { mode: badFrom === undefined ? "palette-classic" : "thresholds" },
        thresholds: { mode: "absolute", steps: [{ color: "green", value: null }, ...bad] },
      },
      overrides: [],
    },
    ...(isName && { options: { textMode: "name" } }),
    targets: Object.entries(queries).map(([legendFormat, expr], index) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + index),
      datasource,
      expr,
      legendFormat,
    })),
  };
}
