/** How `relay status` tells whether the relay runs, and what came in and went out last. */

import type { Format } from "../locale/format.ts";
import { paint } from "../log.ts";
import type { Alarm } from "../operator/alarms_on.ts";
import { words } from "./language.ts";
import type { StatusNow } from "./status_now.ts";
import { wrapped } from "./terminal.ts";
import { atTime, whenTime } from "./times.ts";

export function factLines(now: StatusNow, format: Format): string[] {
  const { facts, never, none, store } = words.status;
  const when = (time: string | null) => time === null ? never : whenTime(time, format);
  const { view, relays } = now;
  const listeners = relays ? [] : view.listeners.map(({ name, url }) => [facts[name], url]);
  const alarms = now.alarms.map((one) => paint("red", alarmWords(one, format)));
  const rows = [
    relays ? [facts.relays, relayCounts(now)] : [facts.relay, runWords(now, format)],
    ...listeners,
    [facts.received, when(now.lastReceivedAt)],
    [facts.delivered, when(now.lastDeliveredAt)],
    [facts.refused, refusedWords(now)],
    ...(alarms.length === 0 ? [none] : alarms).map((one, at) => [at === 0 ? facts.alarms : "", one]),
    [facts.store, store(now.store, `${format.number(now.bytes / 1024 ** 2)} MB`, now.backlog, now.dead)],
  ];
  const room = rows.reduce((most, [name]) => Math.max(most, name!.length), 0) + 2;
  const indent = " ".repeat(2 + room);
  return rows.flatMap(([name, value]) => wrapped(`  ${name!.padEnd(room)}${value}`, indent));
}

function runWords({ view: { running, version, since, pid } }: StatusNow, format: Format): string {
  const { status } = words;
  if (!running) return paint("red", status.notRunning);
  if (version === null || since === null) return paint("green", status.runningUnknown);
  return status.running(version, atTime(since, format), pid);
}

function relayCounts({ relays }: StatusNow): string {
  const { members = [], gone = [] } = relays ?? {};
  const count = (state: string) => gone.filter((one) => one.state === state).length;
  return words.status.relayCounts({ running: members.length, stopped: count("stopped"), lost: count("lost") });
}

function refusedWords({ refusals }: StatusNow): string {
  const { refusedNone, refusedCount } = words.status;
  const total = refusals.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return refusedNone;
  const reasons = new Set(refusals.map(({ reason }) => words.messages.refusals[reason]?.name ?? reason));
  return paint("yellow", `${refusedCount(total)} (${[...reasons].join(", ")})`);
}

function alarmWords(alarm: Alarm, format: Format): string {
  const { alarms } = words.status;
  const what = alarm.alarm === "dead"
    ? alarms.dead(alarm.limit)
    : alarm.alarm === "silent"
    ? alarms.silent(alarm.pattern)
    : alarms.refused(alarm.limit, words.forms.duration(alarm.withinMs));
  return alarms.since(what, atTime(alarm.since, format), alarm.to);
}
