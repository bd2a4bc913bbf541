/** Until when a delivery waits because its target takes none now: for quiet hours to end, or for its digest. Pure functions. */

import type { Due } from "../store/mod.ts";
import { isSystem } from "../system_event.ts";
import { digestAt } from "../targets/digest.ts";
import { isQuietFor, quietUntil } from "../targets/quiet.ts";
import type { Policy } from "../targets/target.ts";

type WaitPolicy = Pick<Policy, "quiet" | "digest">;

/** What of a delivery decides whether it waits. */
type Waiter = Pick<Due, "revision" | "failures" | "dueAt" | "putOffAt" | "awaited" | "step"> & {
  event: { source: string; type: string };
};

/**
 * When a due delivery can start, in Unix milliseconds; `undefined` if it can now. What relay itself tells, and what an
 * operator has retried, waits for nothing.
 */
export function waitsUntil(due: Waiter, { quiet, digest }: WaitPolicy, now: number): number | undefined {
  if ((!quiet && !digest) || isSystem(due.event) || isRetriedNow(due)) return undefined;
  // A store whose clock is a little ahead says that something is due a little before this relay's clock does.
  const at = Math.max(now, due.dueAt);
  const gathered = digest && isNew(due) ? Math.max(at, digestAt(digest, due.dueAt)) : at;
  const start = quiet && isQuietFor(quiet, due.event.type) ? quietUntil(quiet, gathered) ?? gathered : gathered;
  return start > at ? start : undefined;
}

/** It has not waited for a digest yet: nothing was sent of it, though what it needs may have been hard to fetch. */
function isNew({ failures, putOffAt, awaited }: Waiter): boolean {
  return putOffAt === undefined && (failures === 0 || awaited !== undefined);
}

/**
 * An operator made it due, and no attempt has been made since. Whatever else makes one due leaves its revision at 0, but
 * the beginning of a later step of a chain.
 */
function isRetriedNow(due: Waiter): boolean {
  return due.revision > (due.step === undefined || due.step === 1 ? 0 : 1) && isNew(due);
}

/**
 * Until when a delivery waits at most that is put off now or was earlier, in Unix milliseconds: what waits longer does so
 * by rules that a config had before. Exceptions of quiet hours are taken for all events, since some may be such.
 */
export function waitsAtMostUntil({ quiet, digest }: WaitPolicy, now: number): number {
  const gathered = digest ? digestAt(digest, now) : now;
  return quiet && quiet.except.length === 0 ? quietUntil(quiet, gathered) ?? gathered : gathered;
}
