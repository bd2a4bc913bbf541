/** Rows of alarms in the SQL stores. */

import type { AlarmState } from "../alert.ts";

export interface AlarmRow {
  key: string;
  watched_since: number;
  since: number | null;
}

/** @param now Unix milliseconds, by the store's clock. A `since` from a clock that was ahead counts as now. */
export function alarmStatesOf(rows: readonly AlarmRow[], now: number): Map<string, AlarmState> {
  return new Map(rows.map(({ key, watched_since: watchedSince, since }) => [
    key,
    { watchedSince, since: since === null ? undefined : Math.min(since, now) },
  ]));
}

/** When the last event of a type came in. */
export interface TypeRow {
  name: string;
  received_at: number;
}

export function lastReceivedOf(rows: readonly TypeRow[]): Map<string, number> {
  return new Map(rows.map(({ name, received_at }) => [name, received_at]));
}
