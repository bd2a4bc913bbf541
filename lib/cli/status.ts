/** `relay status` */

import type { Command } from "commander";
import { issueJson } from "../errors.ts";
import { paint } from "../log.ts";
import { type Alarm, alarmsOn } from "../operator/alarms_on.ts";
import { ownerOf, type Relays, relaysOf } from "../operator/relays.ts";
import { REFUSED_SPAN_MS, refusedView, runOf } from "../operator/run.ts";
import { knownTargets, type Status, statuses } from "../operator/status.ts";
import type { Mark } from "../store/move.ts";
import { inWords } from "../units.ts";
import { ready } from "./status_ready.ts";
import { configLines, refusedLines, runLines } from "./status_lines.ts";
import { relayLines, takeoverLines } from "./status_relays.ts";
import { type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { type FoundStore, withFoundStore } from "./store.ts";
import { ago, clock, table } from "./terminal.ts";

export function statusVerb(): Command {
  return verb("status", "show whether the relay runs, what it refused, and how each target is", "config", "json")
    .option("--ready", "ask the running relay instead whether it can take events; exits 1 if not, or if none runs")
    .addHelpText(
      "after",
      "\nReads the store, whether `relay serve` runs or not, and whether the config is sound or not; with --ready, asks" +
        "\nthe relay that runs.",
    )
    .action((options: ConfigOptions & { json?: boolean; ready?: boolean }) =>
      options.ready ? ready(options, options.json) : withFoundStore(options, (found) => status(found, options.json))
    );
}

async function status({ store, shown, ...read }: FoundStore, asJson = false): Promise<void> {
  const error = "error" in read ? read.error : undefined;
  const config = "loaded" in read ? read.loaded.config : undefined;
  const found = await relaysOf(store);
  const { run, view } = found ?? await runOf(store.runs);
  const now = store.time.now(); // which a shared store has told by now
  const refusals = refusedView(await store.runs.refused(now - REFUSED_SPAN_MS, now));
  const views = await store.targets();
  // Of a config that cannot be read, those that are at work count, or were last.
  const known = config
    ? knownTargets(config.targets)
    : run?.targets ?? views.map(({ name }) => ({ name, hasCircuit: true }));
  const targets = statuses(views, known, now);
  const backlog = targets.reduce((sum, { pending, inFlight }) => sum + pending + inFlight, 0);
  const dead = targets.reduce((sum, one) => sum + one.dead, 0);
  const alarms = await alarmsOn(store, config?.alerts);
  const bytes = await store.bytes();
  const move = await store.moved();
  if (asJson) {
    const problem = error ? { problem: error.message, mistakes: error.issues.map(issueJson) } : null;
    const told = {
      config: problem,
      refusals,
      store: shown,
      ...(move && { moved: movedView(move) }),
      bytes,
      backlog,
      dead,
      alarms,
      targets,
    };
    return printJson({ ...view, ...told, ...found?.relays });
  }
  print(
    ...(found
      ? relayLines(found.relays, error, now)
      : [...runLines(view, now), ...configLines(error, view.reload, now)]),
    ...refusedLines(refusals, now),
    ...alarms.map((one) => alarmLine(one, now)),
    ...(move
      ? [
        paint(
          "red",
          `${move.isDone ? "moved" : "being moved"} ${wayOf(move)} ${move.other}; no relay serves this store`,
        ),
      ]
      : []),
    `${shown}: ${backlog} waiting, ${dead} dead, ${(bytes / 1024 ** 2).toFixed(1)} MB`,
    "",
    ...lines(targets, now, found?.relays),
    ...(found ? takeoverLines(found.relays, now) : []),
  );
}

/** Where the store is moved to, or from. */
function movedView(move: Mark) {
  return { [wayOf(move)]: move.other, isDone: move.isDone };
}

function wayOf({ role }: Mark): "to" | "from" {
  return role === "source" ? "to" : "from";
}

function alarmLine(alarm: Alarm, now: number): string {
  return paint("red", `alarm: ${alarmWords(alarm)}, since ${clock(Date.parse(alarm.since), now)}; ${alarm.to} is told`);
}

function alarmWords(alarm: Alarm): string {
  if (alarm.alarm === "dead") return `dead letters, ${alarm.limit} or more`;
  if (alarm.alarm === "silent") return `no event ${alarm.pattern}`;
  return `${alarm.limit} or more requests refused within ${inWords(alarm.withinMs, "en")}`;
}

/** What a narrow terminal has no room for: when all was well last, how long something waits, ends of long words. */
const cuts = [
  { column: 5, to: 0 },
  { column: 3, to: 0 },
  { column: 6, to: 12 },
  { column: 1, to: 8 },
  { column: 0, to: 12 },
];

function lines(targets: Status[], now: number, relays?: Relays): string[] {
  const since = (time: string | null) => time === null ? "-" : ago(now - Date.parse(time));
  const rows = [
    ["Target", "State", "Waiting", "Oldest", "Dead", "Last success", "Last failure"],
    ...targets.map((one) => [
      one.name,
      words(one, now),
      String(one.pending),
      since(one.oldestPendingAt),
      String(one.dead),
      since(one.lastDeliveredAt),
      one.lastFailedAt === null ? "-" : `${since(one.lastFailedAt)}: ${one.lastReason}`,
    ]),
  ];
  if (!relays) return table(rows, cuts);
  const owners = targets.map(({ name }) => ownerWords(relays, name));
  return table(rows.map((row, at) => [...row, at === 0 ? "Owner" : owners[at - 1]!]), [...cuts, { column: 7, to: 8 }]);
}

function words({ state, circuitOpenUntil, throttledUntil, pausedAt }: Status, now: number): string {
  if (state === "ok") return paint("green", "ok");
  if (state === "failing") return paint("red", "failing");
  if (state === "dead_letters") return paint("yellow", "has dead letters");
  if (state === "orphaned") return paint("yellow", "not in the config");
  if (state === "paused") return paint("yellow", `paused ${ago(now - Date.parse(pausedAt!))}`);
  if (state === "throttled") {
    return paint("yellow", `asked to wait until ${new Date(throttledUntil!).toLocaleTimeString("en-GB")}`);
  }
  const seconds = Math.ceil((Date.parse(circuitOpenUntil!) - now) / 1000);
  return paint("red", seconds > 0 ? `held, tries in ${seconds} s` : "held, tries with the next one");
}

function ownerWords(relays: Relays, target: string): string {
  const owner = ownerOf(relays, target);
  if (owner) return owner.isTaking ? paint("yellow", `${owner.name} soon`) : owner.name;
  return relays.unowned.includes(target) ? paint("red", "nobody") : "-";
}
