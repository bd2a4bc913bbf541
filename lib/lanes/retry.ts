/** When a failed delivery is tried again: a pure function of its policy. */

import type { RetryPolicy } from "../targets/target.ts";

/**
 * When the next attempt is due, in Unix milliseconds; `undefined` if there is none.
 * @param failures Failed attempts since the schedule began, 1 or more.
 * @param pauseMs The shortest pause, where the target asked for one.
 * @param random A number from 0 to under 1, which places the attempt within the jitter.
 */
export function nextAttemptAt(
  policy: RetryPolicy,
  failures: number,
  now: number,
  pauseMs: number,
  random: number,
): number | undefined {
  const planned = policy.scheduleMs[failures - 1];
  if (planned === undefined) return undefined;
  const jittered = planned * (1 + policy.jitter * (2 * random - 1));
  return Math.round(now + Math.max(jittered, pauseMs));
}
