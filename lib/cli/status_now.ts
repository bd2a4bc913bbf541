/** Everything that `relay status` tells, read from the store. */

import { hostname } from "node:os";
import { type ConfigError, issueJson } from "../errors.ts";
import { type Alarm, alarmsOn } from "../operator/alarms_on.ts";
import { type Attention, attentionOf, type RelayTrouble, relayTroubles } from "../operator/attention.ts";
import { type FailingCondition, lastEvents, type LastFailure, lastFailure } from "../operator/last_events.ts";
import { type Relays, relaysOf } from "../operator/relays.ts";
import {
  hasConfigChanged,
  REFUSED_SPAN_MS,
  type RefusedView,
  refusedView,
  runOf,
  type RunView,
} from "../operator/run.ts";
import { knownTargets, type Status, statuses } from "../operator/status.ts";
import type { Store } from "../store/mod.ts";
import type { Mark } from "../store/move.ts";
import type { Run } from "../store/runs.ts";
import { warningsNow } from "../store_place.ts";
import { lanesOfAll } from "../targets/target.ts";
import { type ConfigWarning, toldIn } from "../warnings.ts";
import { type FoundStore, timeNow } from "./store.ts";

/** Things that need attention of which the last failure is looked up: more are hardly on one screen. */
const MOST_EXAMPLES = 8;

/** No further one is looked up after this long, in milliseconds. */
const EXAMPLES_MS = 1_000;

/** What there is to tell now. Times are ISO 8601. */
export interface StatusNow {
  /** In Unix milliseconds. */
  now: number;
  view: RunView;
  /** Absent where the store is for one relay alone. */
  relays?: Relays;
  /** Why the config on disk cannot be used. */
  error?: ConfigError;
  warnings: readonly ConfigWarning[];
  configChanged: boolean;
  refusals: RefusedView[];
  alarms: Alarm[];
  targets: Status[];
  condition?: FailingCondition;
  /** How the target of something that needs attention failed last. */
  examples: ReadonlyMap<Attention, LastFailure>;
  /** Where each target of the config delivers to, without any secret. */
  addresses: ReadonlyMap<string, string>;
  backlog: number;
  dead: number;
  lastReceivedAt: string | null;
  lastDeliveredAt: string | null;
  store: string;
  bytes: number;
  move?: Mark;
  troubles: RelayTrouble[];
  attention: Attention[];
}

export async function readStatus({ store, shown, ...read }: FoundStore): Promise<StatusNow> {
  const loaded = "loaded" in read ? read.loaded : undefined;
  const config = loaded?.config;
  const now = await timeNow(store);
  const found = await relaysOf(store);
  const { run, view } = found ?? await runOf(store.runs);
  const refusals = refusedView(await store.runs.refused(now - REFUSED_SPAN_MS, now));
  const dead = await store.deadGroups();
  const views = await store.targets(dead);
  // Without a usable config, the targets are those that a relay delivers to, or did last.
  const known = config
    ? knownTargets(config.targets)
    : run?.targets ?? views.map(({ name }) => ({ name, hasCircuit: true }));
  const targets = statuses(views, known, now);
  const alarms = await alarmsOn(store, config?.alerts);
  const own = found ? runsHere(found.runs) : view.running && run ? [run] : [];
  const { sent, condition } = await lastEvents(store, loaded, now);
  const attention = attentionOf(targets, dead, { alarms, refusals }, now);
  const configChanged = loaded !== undefined && own.some(hasConfigChanged);
  return {
    now,
    view,
    relays: found?.relays,
    error: "error" in read ? read.error : undefined,
    warnings: loaded ? warningsNow(loaded) : [],
    configChanged,
    refusals,
    alarms,
    targets,
    addresses: new Map(
      [...lanesOfAll(config?.targets.values() ?? []).values()].map(({ name, address }) => [name, address]),
    ),
    backlog: targets.reduce((sum, { pending, inFlight }) => sum + pending + inFlight, 0),
    dead: targets.reduce((sum, one) => sum + one.dead, 0),
    condition,
    examples: await examplesOf(store, attention),
    lastReceivedAt: sent?.receivedAt ?? await lastReceivedAt(store),
    lastDeliveredAt: targets.map((one) => one.lastDeliveredAt).filter((at) => at !== null).sort().at(-1) ?? null,
    store: shown,
    bytes: await store.bytes(),
    move: await store.moved(),
    troubles: relayTroubles({ view, relays: found?.relays, configChanged }, now),
    attention,
  };
}

/** What relays of this machine said: each has its machine's name, and a number where it is not the only one there. */
function runsHere(runs: ReadonlyMap<string, Run>): Run[] {
  const machine = hostname();
  return [...runs].flatMap(([name, run]) => name.replace(/-\d+$/, "") === machine || name === machine ? [run] : []);
}

async function examplesOf(store: Store, attention: readonly Attention[]): Promise<Map<Attention, LastFailure>> {
  const examples = new Map<Attention, LastFailure>();
  const giveUpAt = performance.now() + EXAMPLES_MS;
  for (const one of attention.slice(0, MOST_EXAMPLES)) {
    if (performance.now() > giveUpAt) return examples; // a large store may take long to find each
    if (!["dead", "failing", "open"].includes(one.kind)) continue;
    const found = await lastFailure(store, { ...one, state: one.kind === "dead" ? "dead" : "pending" });
    if (found) examples.set(one, found);
  }
  return examples;
}

/** When the last event came in that a sender sent, where only others are among the last ones. */
async function lastReceivedAt(store: Store): Promise<string | null> {
  const types = [...(await store.alarms.lastReceived()).values()];
  return types.length === 0 ? null : new Date(types.reduce((one, other) => Math.max(one, other))).toISOString();
}

/** The status as `--json` gives it. */
export function statusJson({ view, relays, error, move, ...now }: StatusNow) {
  return {
    ...view,
    config: error ? { problem: error.message, mistakes: error.issues.map(issueJson) } : null,
    configChanged: now.configChanged,
    warnings: toldIn("en", now.warnings),
    refusals: now.refusals,
    store: now.store,
    ...(move && { moved: { [move.role === "source" ? "to" : "from"]: move.other, isDone: move.isDone } }),
    bytes: now.bytes,
    backlog: now.backlog,
    dead: now.dead,
    lastReceivedAt: now.lastReceivedAt,
    lastDeliveredAt: now.lastDeliveredAt,
    alarms: now.alarms,
    targets: now.targets,
    ...relays,
  };
}
