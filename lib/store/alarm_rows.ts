/** Rows of alarms, in the stores on SQL. */

import type { AlarmState } from "../alert.ts";

export interface AlarmRow {
  key: string;
  watched_since: number;
  since: number | null;
}

/** @param now By the store's clock, in Unix milliseconds: one that was ahead and is right again is no alarm of the future. */
export function alarmStatesOf(rows: readonly AlarmRow[], now: number): Map<string, AlarmState> {
  return new Map(rows.map(({ key, watched_since: watchedSince, since }) => [
    key,
    { watchedSince, since: since === null ? undefined : Math.min(since, now) },
  ]));
}

/** When an event of a type came in last. */
export interface TypeRow {
  name: string;
  received_at: number;
}

export function lastReceivedOf(rows: readonly TypeRow[]): Map<string, number> {
  return new Map(rows.map(({ name, received_at }) => [name, received_at]));
}
