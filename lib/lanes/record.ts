/** Recording: an attempt's consequences, its one log line, and its metrics. */

import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import { attemptDuration, deliveriesDone, deliveryAttempts } from "../metrics.ts";
import type { Outcome } from "../outcome.ts";
import { isOwnLane } from "../own_lane.ts";
import { targetOfLane } from "../recipient.ts";
import type { Redact } from "../secret.ts";
import type { AttemptRecord, Hold, Recorded } from "../store/mod.ts";
import type { LaneRecord, Writer } from "../store/writer.ts";
import type { RetryPolicy } from "../targets/target.ts";
import type { Lane, Underway } from "./lane.ts";
import { nextAttemptAt } from "./retry.ts";

/** An attempt that has ended, or an outcome without an attempt. */
export interface Attempted {
  lane: Lane;
  underway: Underway;
  outcome: Outcome;
  /** Unix milliseconds, by the store's clock. */
  endedAt: number;
  durationMs: number;
  /** An attempt was made, rather than only an outcome recorded. */
  wasMade: boolean;
  retry: RetryPolicy;
  /** Places the next attempt within the jitter; absent: chance does. */
  random?: number;
  /** How the lane is held now, in Unix milliseconds. */
  hold: () => Hold;
  redact: Redact;
}

/** Pause after a failure of the store, in milliseconds. */
export const STORE_RETRY_MS = 1_000;

export class Recorder {
  readonly #writer: Writer;
  readonly #clock: Clock;
  readonly #stop: AbortSignal;

  /**
   * @param stop Ends the wait for a store that does not write; what is not recorded then is repeated after a restart.
   */
  constructor(writer: Writer, clock: Clock, stop: AbortSignal) {
    this.#writer = writer;
    this.#clock = clock;
    this.#stop = stop;
  }

  /**
   * Records an attempt. Retries until the store has it: a full disk must not lose an attempt that was made.
   * @returns The record and its fate; `undefined` if the relay stopped before the store took it.
   */
  async record(attempted: Attempted): Promise<{ record: AttemptRecord; recorded: Recorded } | undefined> {
    const { lane: { epoch, pace }, underway: { due }, hold } = attempted;
    const record = recordOf(attempted, attempted.random ?? this.#clock.random());
    const { startsKeptMs } = pace;
    const recorded = await this.#keep(() => ({ epoch, hold: hold(), startsKeptMs, record }), due.id);
    if (!recorded) return undefined;
    // Only now, so that whoever reads the line finds the same in the store.
    if (recorded.fate !== "known") logAttempt(attempted, record, recorded);
    if (recorded.fate === "recorded" && !isOwnLane(due.lane)) countAttempt(due.lane, record);
    return { record, recorded };
  }

  /** Records until when a lane is held, without an attempt. The next record repeats it. */
  async hold(lane: Lane, hold: Hold): Promise<void> {
    try {
      await this.#writer.record({ epoch: lane.epoch, hold, startsKeptMs: lane.pace.startsKeptMs });
    } catch (error) {
      log.error("cannot record until when {lane} is held: {problem}", {
        lane: lane.epoch.lane,
        problem: explain(error),
      });
    }
  }

  async #keep(record: () => LaneRecord, delivery: string): Promise<Recorded | undefined> {
    return await this.insist(delivery, () => this.#writer.record(record()));
  }

  /** Writes something of a delivery, and does so again until the store takes it, or the relay stops. */
  async insist<Result>(delivery: string, write: () => Promise<Result>): Promise<Result | undefined> {
    for (;;) {
      try {
        return await write();
      } catch (error) {
        log.error("cannot record an attempt: {problem}", { delivery, problem: explain(error) });
        if (this.#stop.aborted) return undefined;
        await this.#clock.sleep(STORE_RETRY_MS, this.#stop);
      }
    }
  }
}

function recordOf(
  { underway: { due, wasBegun }, outcome, endedAt, durationMs, wasMade, retry, redact }: Attempted,
  random: number,
): AttemptRecord {
  const dueAt = outcome.kind === "retry"
    ? nextAttemptAt(retry, due.failures + 1, endedAt, outcome.pauseMs ?? 0, random)
    : undefined;
  return {
    ref: due.ref,
    revision: due.revision,
    orderKey: due.orderKey,
    attempt: due.attempts + 1,
    startedAt: endedAt - durationMs, // by the clock's current setting, which may have changed since
    durationMs,
    outcome: mask(outcome, redact),
    isAwaited: due.isAwaited,
    isOfChain: due.step !== undefined,
    wasBegun,
    wasMade,
    state: outcome.kind !== "retry" ? outcome.kind : dueAt === undefined ? "dead" : "pending",
    dueAt,
  };
}

function mask(outcome: Outcome, redact: Redact): Outcome {
  const answer = outcome.answer && redact(outcome.answer);
  if (outcome.kind === "delivered" && answer === outcome.answer) return outcome;
  return outcome.kind === "delivered"
    ? { ...outcome, answer }
    : { ...outcome, answer, detail: outcome.detail.map(redact) };
}

function countAttempt(lane: string, { outcome, state, durationMs }: AttemptRecord): void {
  const target = targetOfLane(lane);
  const reason = outcome.kind === "delivered" ? "" : outcome.reason;
  deliveryAttempts.inc({ target, outcome: outcome.kind, reason });
  attemptDuration.observe({ target }, durationMs / 1000);
  if (state !== "pending") deliveriesDone.inc({ target, state });
}

function logAttempt(
  { underway: { due } }: Attempted,
  { attempt, durationMs, outcome, state, dueAt }: AttemptRecord,
  { fate }: Recorded,
): void {
  const { id: event, type, source } = due.event;
  const fields = {
    event,
    type,
    source,
    target: due.lane,
    delivery: due.id,
    attempt,
    outcome: outcome.kind,
    state,
    durationMs,
    status: outcome.status,
  };
  if (fate !== "recorded") {
    log.warn("ignoring {outcome} of {type} {event} to {target}: the delivery is {fate}", {
      ...fields,
      fate: fate === "gone" ? "gone" : "changed meanwhile",
    });
    return;
  }
  if (isOwnLane(due.lane)) {
    log.debug("{outcome} of {type} {event} in {target} after {durationMs} ms", fields);
    return;
  }
  if (outcome.kind === "delivered") {
    log.info("delivered {type} {event} to {target} in {durationMs} ms", fields);
    return;
  }
  const { reason } = outcome;
  const detail = String(outcome.detail); // in English, like the rest of the log
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
