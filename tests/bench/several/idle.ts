/** What relays that share a store, and their database, use while nothing happens. */

import { used as difference } from "../flood.ts";
import { delay } from "../processes.ts";
import type { Relays, Site } from "./relays.ts";

export const queriesColumn = "queries/s a relay";
export const idleRelayColumn = "CPU of a relay, %";
export const idleDatabaseColumn = "CPU of database for a relay, %";

/** The runtime has compiled what an idle relay runs, for the most part, after so many milliseconds. */
const WARM_MS = 12_000;

/** What was used, a second; CPU in seconds. `undefined` where there is no Linux, or no server, to ask. */
export interface Rest {
  relays?: number;
  database?: number;
  queries?: number;
}

/** Watches for so many seconds. @param relays Absent: none is there. */
export async function rest(site: Site, seconds: number, relays?: Relays): Promise<Rest> {
  if (relays) await delay(WARM_MS);
  const before = { relays: relays?.cpu(), usage: await site.usage(), at: performance.now() };
  await delay(seconds * 1000);
  const after = { relays: relays?.cpu(), usage: await site.usage() };
  const each = (total: number | undefined) => total && total / (performance.now() - before.at) * 1000;
  return {
    relays: each(difference(before.relays, after.relays)),
    database: after.usage && each(difference(before.usage!.cpu, after.usage.cpu)),
    queries: after.usage && each(after.usage.transactions - before.usage!.transactions),
  };
}

/** What each of so many relays costs, and its database more than without any. */
export function costOf(used: Rest, alone: Rest, count: number): Record<string, number | undefined> {
  const each = (total: number | undefined) => total === undefined ? undefined : total / count;
  const percent = (cpu: number | undefined) => each(cpu === undefined ? undefined : cpu * 100);
  return {
    [queriesColumn]: each(used.queries),
    [idleRelayColumn]: percent(used.relays),
    [idleDatabaseColumn]: percent(difference(alone.database, used.database)),
  };
}
