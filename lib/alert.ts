/** Alerts: what somebody wants to be told of, and when that is so. Pure functions. */

import type { AlarmData } from "./alarm.ts";
import { matches } from "./pattern.ts";

/** An alert of the config: when it is so, and the target that is told. */
export type Alert =
  & { to: string }
  & ({ dead: number } | { silent: string; forMs: number } | { refused: number; withinMs: number });

/** What is known of an alert. Times in Unix milliseconds. */
export interface AlarmState {
  /** When a relay was started first that had this alert. */
  watchedSince: number;
  /** Its alarm is on, and tells of what is so since then. */
  since?: number;
}

/** What alerts look at. */
export interface Seen {
  /** Dead letters, counted to the highest number that an alert asks for. */
  dead: number;
  /** When the last event of each type was received, in Unix milliseconds. */
  lastReceived: ReadonlyMap<string, number>;
  /** How many requests were refused within this many milliseconds, without those over a rate limit, which the config asks for. */
  refused: ReadonlyMap<number, number>;
  /**
   * For how many milliseconds this program has known a time of {@link AlarmState} or `lastReceived`, by its name and value.
   * So much has passed since then at least, whatever the clock says that was set since.
   */
  knownForMs(name: string, time: number): number;
}

/** What tells an alert from others: one that changes is another one. {@link alertOf} reads it. */
export function keyOf(alert: Alert): string {
  if ("dead" in alert) return JSON.stringify(["dead", alert.dead, alert.to]);
  if ("silent" in alert) return JSON.stringify(["silent", alert.silent, alert.forMs, alert.to]);
  return JSON.stringify(["refused", alert.refused, alert.withinMs, alert.to]);
}

/** The alert of a key; `undefined` if a newer relay wrote it. */
export function alertOf(key: string): Alert | undefined {
  const [kind, ...rest] = JSON.parse(key);
  if (kind === "dead") return { dead: rest[0], to: rest[1] };
  if (kind === "silent") return { silent: rest[0], forMs: rest[1], to: rest[2] };
  return kind === "refused" ? { refused: rest[0], withinMs: rest[1], to: rest[2] } : undefined;
}

/** Since when an alert's alarm is on; `undefined` if it is off. */
export function alarmSince(alert: Alert, state: AlarmState, seen: Seen, now: number): number | undefined {
  if ("dead" in alert) return seen.dead >= alert.dead ? state.since ?? now : undefined;
  if ("refused" in alert) {
    const count = seen.refused.get(alert.withinMs) ?? 0;
    // It ends when there are none, not when there are fewer: what goes on slowly is told of once.
    return count >= (state.since === undefined ? alert.refused : 1) ? state.since ?? now : undefined;
  }
  const types = [...seen.lastReceived].filter(([type]) => matches(alert.silent, type));
  const silentMs = [[keyOf(alert), state.watchedSince] as const, ...types]
    .map(([name, at]) => Math.max(now - at, seen.knownForMs(name, at)))
    .reduce((one, other) => Math.min(one, other));
  return silentMs >= alert.forMs ? state.since ?? Math.round(now - silentMs) : undefined;
}

/** What is told of an alert's alarm. */
export function alarmData(alert: Alert, since: number): AlarmData {
  const time = new Date(since).toISOString();
  if ("dead" in alert) return { alarm: "dead", limit: alert.dead, since: time };
  if ("silent" in alert) return { alarm: "silent", pattern: alert.silent, forMs: alert.forMs, since: time };
  return { alarm: "refused", limit: alert.refused, withinMs: alert.withinMs, since: time };
}
