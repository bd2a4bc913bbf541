/** `--since`: a time that a user gives, as how long ago or as a date. */

import { RelayError } from "../errors.ts";
import type { Store } from "../store/mod.ts";
import { timeOf } from "../units.ts";
import { timeZone } from "./language.ts";
import { timeNow } from "./store.ts";

/** A store's clock may be so far ahead of this machine's, in milliseconds. */
const AHEAD_MS = 600_000;

/**
 * Checks what `--since` takes: how long ago (`7d`, `12h`), or an ISO 8601 date or time, which is of the config's time zone
 * unless it names one. {@link sinceAt} tells the time, once there is a store.
 * @throws {RelayError} which the command line tells as wrong usage.
 */
export function parseSince(text: string): string {
  const since = timeOf(text, Date.now(), timeZone);
  if (since === undefined) throw new RelayError(({ operate }) => operate.since.expected);
  if (since > Date.now() + AHEAD_MS) throw new RelayError(({ operate }) => operate.since.future);
  return text;
}

/** The time that `--since` names, in Unix milliseconds, by the store's clock. */
export async function sinceAt(text: string, store: Store): Promise<number> {
  return timeOf(text, await timeNow(store), timeZone)!;
}
