/** Rows of what relays report about themselves, in the SQL stores. */

import type { Run } from "./runs.ts";

export interface RunRow {
  pid: number;
  version: string;
  since: number;
  heard_at: number;
  stopped_at: number | null;
  /** The other fields, as JSON. */
  details: string;
}

export function runOf({ pid, version, since, heard_at, stopped_at, details }: RunRow): Run {
  return { pid, version, since, heardAt: heard_at, stoppedAt: stopped_at ?? undefined, ...JSON.parse(details) };
}

/** The period over which refused requests are added up, in milliseconds. */
export const MINUTE_MS = 60_000;
