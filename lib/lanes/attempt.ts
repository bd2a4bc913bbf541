/** One attempt to deliver, be it several in one message: limited in time, with a value as its outcome. */

import type { Clock } from "../clock.ts";
import { MessageError, sayError } from "../errors.ts";
import { Told } from "../locale/told.ts";
import type { Deferred, Outcome } from "../outcome.ts";
import type { Delivery, Target } from "../targets/target.ts";

/**
 * Makes one attempt.
 * @param prepare Returns what to deliver, several for a target that makes digests; if it throws, that ends the attempt too.
 * @param stop Ends it early.
 * @returns Its outcome; `undefined` if `stop` ended it, which says nothing about the target. Never throws.
 */
export async function attempt(
  target: Target,
  prepare: () => Delivery | readonly Delivery[],
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
    const outcome = await deliver(target, prepare(), signal);
    if (!signal.aborted || outcome.kind === "delivered") return outcome;
  } catch (error) {
    const problem = sayError(error);
    if (error instanceof MessageError) return { kind: "dead", reason: "message_invalid", detail: Told.of(problem) };
    if (!signal.aborted) {
      const detail = Told.of((words) => words.outcomes.cannotDeliver(problem(words)));
      return { kind: "retry", reason: "internal", detail };
    }
  } finally {
    cancel();
    stop.removeEventListener("abort", abort);
  }
  if (stop.aborted) return undefined;
  const detail = Told.of((words) => words.outcomes.noAnswer(target.address, timeoutMs));
  return { kind: "retry", reason: "timed_out", detail };
}

async function deliver(
  target: Target,
  prepared: Delivery | readonly Delivery[],
  signal: AbortSignal,
): Promise<Outcome | Deferred> {
  const deliveries = [prepared].flat();
  return deliveries.length === 1
    ? await target.deliver(deliveries[0]!, signal)
    : await target.deliverAll!(deliveries, signal);
}
