/** Recording: what became of an attempt, what follows from it, and its one line in the log. */

import { explain } from "../errors.ts";
import { log } from "../log.ts";
import { attemptDuration, deliveriesDone, deliveryAttempts } from "../metrics.ts";
import type { Outcome } from "../outcome.ts";
import type { Redact } from "../secret.ts";
import type { AttemptRecord, Claimed, Hold, Store } from "../store/mod.ts";
import type { RetryPolicy } from "../targets/target.ts";
import { nextAttemptAt } from "./retry.ts";

/** An attempt that was made. */
export interface Attempted {
  claimed: Claimed;
  outcome: Outcome;
  /** Unix milliseconds. */
  endedAt: number;
  durationMs: number;
  retry: RetryPolicy;
  /** How the target is held after it. */
  hold: Hold;
  redact: Redact;
}

/** Records an attempt. Goes on until the store has it: an attempt that was made is not forgotten for a full disk. */
export type RecordAttempt = (attempted: Attempted) => Promise<void>;

/** Pause after a record that the store did not take, in milliseconds. */
const STORE_RETRY_MS = 1_000;

/** @param stop Ends the wait for a store that does not write; what is not recorded then is delivered again after a start. */
export function createRecord(store: Store, stop: AbortSignal): RecordAttempt {
  return async (attempted) => {
    const record = recordOf(attempted);
    await keep(record, attempted.claimed.id);
    // Only now, so that whoever reads the line finds in the store what it says.
    logAttempt(attempted.claimed, record);
    countAttempt(record);
  };

  async function keep(record: AttemptRecord, delivery: string): Promise<void> {
    for (;;) {
      try {
        return await store.record([record]);
      } catch (error) {
        log.error("cannot record an attempt: {problem}", { delivery, problem: explain(error) });
        if (stop.aborted) return;
        await new Promise((resolve) => setTimeout(resolve, STORE_RETRY_MS));
      }
    }
  }
}

function recordOf({ claimed, outcome, endedAt, durationMs, retry, hold, redact }: Attempted): AttemptRecord {
  const base = {
    ref: claimed.ref,
    target: claimed.target,
    orderKey: claimed.orderKey,
    attempt: claimed.attempts + 1,
    startedAt: endedAt - durationMs, // by the clock as it is now, which may have been set since
    durationMs,
    outcome: mask(outcome, redact),
    hold,
  };
  if (outcome.kind !== "retry") return { ...base, state: outcome.kind };
  const dueAt = nextAttemptAt(retry, claimed.failures + 1, endedAt, outcome.pauseMs ?? 0, Math.random());
  return dueAt === undefined ? { ...base, state: "dead" } : { ...base, state: "pending", dueAt };
}

function mask(outcome: Outcome, redact: Redact): Outcome {
  const answer = outcome.answer && redact(outcome.answer);
  return outcome.kind === "delivered" ? { ...outcome, answer } : { ...outcome, answer, detail: redact(outcome.detail) };
}

function countAttempt({ target, outcome, state, durationMs }: AttemptRecord): void {
  const reason = outcome.kind === "delivered" ? "" : outcome.reason;
  deliveryAttempts.inc({ target, outcome: outcome.kind, reason });
  attemptDuration.observe({ target }, durationMs / 1000);
  if (state !== "pending") deliveriesDone.inc({ target, state });
}

function logAttempt(claimed: Claimed, { attempt, durationMs, outcome, state, dueAt }: AttemptRecord): void {
  const { id: event, type, source } = claimed.event;
  const fields = {
    event,
    type,
    source,
    target: claimed.target,
    delivery: claimed.id,
    attempt,
    outcome: outcome.kind,
    state,
    durationMs,
    status: outcome.status,
  };
  if (outcome.kind === "delivered") {
    log.info("delivered {type} {event} to {target} in {durationMs} ms", fields);
    return;
  }
  const { reason, detail } = outcome;
  if (state === "dead") {
    log.error("dead {type} {event} to {target} at attempt {attempt}: {detail}", { ...fields, reason, detail });
    return;
  }
  const nextAttemptAt = new Date(dueAt!).toISOString();
  log.warn("failed {type} {event} to {target} at attempt {attempt}: {detail}; next at {nextAttemptAt}", {
    ...fields,
    reason,
    detail,
    nextAttemptAt,
  });
}
