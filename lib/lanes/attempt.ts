/** One attempt to deliver: bounded in time, its end a value. */

import type { Clock } from "../clock.ts";
import { MessageError, messageOf } from "../errors.ts";
import type { Deferred, Outcome } from "../outcome.ts";
import type { Delivery, Target } from "../targets/target.ts";

/**
 * Makes one attempt.
 * @param prepare Gives what is to be delivered; what it throws is the attempt's end, too.
 * @param stop Ends it early.
 * @returns Its outcome; `undefined` if it was ended by `stop`, which says nothing of the target. Never throws.
 */
export async function attempt(
  target: Target,
  prepare: () => Delivery,
  stop: AbortSignal,
  clock: Clock,
): Promise<Outcome | Deferred | undefined> {
  const { timeoutMs } = target.policy;
  if (stop.aborted) return undefined;
  const end = new AbortController();
  const { signal } = end;
  const abort = () => end.abort();
  const cancel = clock.after(timeoutMs, abort);
  stop.addEventListener("abort", abort);
  try {
    const outcome = await target.deliver(prepare(), signal);
    if (!signal.aborted || outcome.kind === "delivered") return outcome;
  } catch (error) {
    if (error instanceof MessageError) return { kind: "dead", reason: "message_invalid", detail: error.message };
    if (!signal.aborted) return { kind: "retry", reason: "internal", detail: `Cannot deliver: ${messageOf(error)}` };
  } finally {
    cancel();
    stop.removeEventListener("abort", abort);
  }
  if (stop.aborted) return undefined;
  return { kind: "retry", reason: "timed_out", detail: `No answer from ${target.address} within ${timeoutMs} ms` };
}
