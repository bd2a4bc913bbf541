/** `relay status` */

import type { Command } from "commander";
import { paint } from "../log.ts";
import { type Alarm, alarmsOn } from "../operator/alarms.ts";
import { type Status, statuses } from "../operator/status.ts";
import { ready } from "./ready.ts";
import { type ConfigOptions, print, printJson, verb } from "./shared.ts";
import { type OpenStore, withStore } from "./store.ts";
import { ago, clock, table } from "./terminal.ts";

export function statusVerb(): Command {
  return verb("status", "how each target is: what waits, since when, last success and failure", "config", "json")
    .option("--ready", "instead ask the running relay whether it can take events; exits 1 if not, or if none runs")
    .addHelpText("after", "\nReads the store, whether `relay serve` runs or not; with --ready, asks that one.")
    .action((options: ConfigOptions & { json?: boolean; ready?: boolean }) =>
      options.ready ? ready(options, options.json) : withStore(options, (open) => status(open, options.json))
    );
}

async function status({ store, loaded, path }: OpenStore, asJson = false): Promise<void> {
  const targets = statuses(await store.targets(), loaded.config.targets, Date.now());
  const backlog = targets.reduce((sum, { pending, inFlight }) => sum + pending + inFlight, 0);
  const dead = targets.reduce((sum, one) => sum + one.dead, 0);
  const alarms = await alarmsOn(store, loaded.config.alerts);
  const bytes = await store.bytes();
  if (asJson) return printJson({ store: path, bytes, backlog, dead, alarms, targets });
  print(
    ...alarms.map((one) => alarmLine(one, Date.now())),
    `${path}: ${backlog} waiting, ${dead} dead, ${(bytes / 1024 ** 2).toFixed(1)} MB`,
    "",
    ...lines(targets),
  );
}

function alarmLine(alarm: Alarm, now: number): string {
  const what = alarm.alarm === "dead" ? `dead letters, ${alarm.limit} or more` : `no event ${alarm.pattern}`;
  return paint("red", `alarm: ${what}, since ${clock(Date.parse(alarm.since), now)}; ${alarm.to} is told`);
}

/** What a narrow terminal has no room for: when all was well last, how long something waits, ends of long words. */
const cuts = [
  { column: 6, to: 0 },
  { column: 3, to: 0 },
  { column: 7, to: 12 },
  { column: 1, to: 8 },
  { column: 0, to: 12 },
];

function lines(targets: Status[]): string[] {
  const now = Date.now();
  const since = (time: string | null) => time === null ? "-" : ago(now - Date.parse(time));
  return table([
    ["Target", "State", "Waiting", "Oldest", "Sending", "Dead", "Last success", "Last failure"],
    ...targets.map((one) => [
      one.name,
      words(one, now),
      String(one.pending),
      since(one.oldestPendingAt),
      String(one.inFlight),
      String(one.dead),
      since(one.lastDeliveredAt),
      one.lastFailedAt === null ? "-" : `${since(one.lastFailedAt)}: ${one.lastReason}`,
    ]),
  ], cuts);
}

function words({ state, circuitOpenUntil, throttledUntil, pausedAt }: Status, now: number): string {
  if (state === "ok") return paint("green", "ok");
  if (state === "orphaned") return paint("yellow", "not in the config");
  if (state === "paused") return paint("yellow", `paused ${ago(now - Date.parse(pausedAt!))}`);
  if (state === "throttled") {
    return paint("yellow", `asked to wait until ${new Date(throttledUntil!).toLocaleTimeString("en-GB")}`);
  }
  const seconds = Math.ceil((Date.parse(circuitOpenUntil!) - now) / 1000);
  return paint("red", seconds > 0 ? `held, tries in ${seconds} s` : "held, tries with the next one");
}
