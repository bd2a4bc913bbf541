/** What waits because of its target's quiet hours, or for its digest. Pure functions. */

import { isSystem } from "../system_event.ts";
import { digestAt } from "../targets/digest.ts";
import { isQuietFor, quietUntil } from "../targets/quiet.ts";
import type { Policy } from "../targets/target.ts";

type PacePolicy = Pick<Policy, "quiet" | "digest">;

/** Why a target does not take a delivery yet, and until when (ISO 8601). */
export interface Paced {
  state: "quiet" | "digest";
  until: string;
}

/**
 * Why a waiting delivery waits until the time at which it is due; `null` if that is no end of quiet hours and no digest's
 * time.
 * @param failures Attempts that failed since its retry schedule began: a retry waits for no digest.
 */
export function pacedUntil(
  { nextAttemptAt, failures }: { nextAttemptAt: string | null; failures: number },
  event: { source: string; type: string },
  { quiet, digest }: PacePolicy,
  now: number,
): Paced | null {
  const at = nextAttemptAt === null ? now : Date.parse(nextAttemptAt);
  if (at <= now || isSystem(event)) return null;
  const until = new Date(at).toISOString();
  if (quiet && isQuietFor(quiet, event.type) && quietUntil(quiet, at - 1) === at) return { state: "quiet", until };
  return digest && failures === 0 && digestAt(digest, at - 1) === at ? { state: "digest", until } : null;
}

/** How long these rules let a delivery wait at most, in milliseconds; 0 without rules. */
export function longestWaitMs({ quiet, digest }: PacePolicy): number {
  return (digest?.everyMs ?? 0) + (quiet ? (quiet.to - quiet.from + 1_440) % 1_440 * 60_000 : 0);
}
