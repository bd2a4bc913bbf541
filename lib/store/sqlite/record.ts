/** Records attempts: what they change in their deliveries, their lanes, and the deliveries that awaited them. */

import type { StatementSync } from "node:sqlite";
import { isOwnLane } from "../../own_lane.ts";
import { bucketOf, HOUR_MS } from "../activity.ts";
import type { ChainChanges } from "../chains.ts";
import type { DeliveryRef } from "../delivery.ts";
import type { AttemptRecord, Epoch, LaneRecords, Recorded } from "../mod.ts";
import { storedFailure } from "../rows.ts";
import type { SqliteChains } from "./chains.ts";
import type { SqliteFile } from "./file.ts";
import { firstInOrder, forgetBegun, unparkHead } from "./statements.ts";

const statements = {
  isOwner: "SELECT 1 FROM lanes WHERE name = ? AND epoch = ? AND token = ?",

  /** Attempts that are only in the history do not belong to the present set. */
  settle: `UPDATE deliveries SET state = ?1, attempts = ?2, first_attempt = first_attempt + ?2 - attempts - 1,
      due_at = ?3, due_set_at = ?4, reason = ?5, awaits = NULL
    WHERE event = ?6 AND number = ?7 AND state = 'pending' AND revision = ?8`,
  isThere: "SELECT 1 FROM deliveries WHERE event = ? AND number = ?",

  attempt: `INSERT INTO attempts
      (event, number, attempt, epoch, started_at, duration_ms, outcome, reason, detail, status, answer)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  known: `SELECT 1 FROM attempts
    WHERE event = ? AND number = ? AND attempt >= ? AND epoch = ? AND started_at = ? AND duration_ms = ?`,
  dropAttempts: "DELETE FROM attempts WHERE event = ? AND number = ?",
  nextAttempt: "SELECT max(attempt) + 1 AS attempt FROM attempts WHERE event = ? AND number = ?",

  head: firstInOrder,
  unparkHead,

  /** Keeps nothing for an event that is gone. */
  keepFetched: `INSERT INTO notes (event, at, data, problem, outcome)
    SELECT :event, :at, :data, :problem, :outcome WHERE EXISTS (SELECT 1 FROM events WHERE seq = :event)
    ON CONFLICT (event) DO UPDATE
      SET at = excluded.at, data = excluded.data, problem = excluded.problem, outcome = excluded.outcome`,
  release: `UPDATE deliveries SET due_at = :at, due_set_at = NULL
    WHERE event = :event AND awaits = :number AND state = 'pending' RETURNING target`,

  forgetBegun,
  keepStart: "INSERT INTO lane_starts (lane, at) VALUES (?, ?)",
  forgetStarts: "DELETE FROM lane_starts WHERE lane = ? AND at < ?",

  /** Whichever came last has the later time, even if the clock was set back in between. */
  lane: `UPDATE lanes SET
      delivered_at = coalesce(:deliveredAt, min(delivered_at, coalesce(:failedAt - 1, delivered_at))),
      failed_at = coalesce(:failedAt, min(failed_at, coalesce(:deliveredAt - 1, failed_at))),
      reason = coalesce(:reason, reason),
      open_until = :openUntil, throttled_until = :throttledUntil, held_at = :heldAt
    WHERE name = :lane`,
  hold:
    "UPDATE lanes SET open_until = :openUntil, throttled_until = :throttledUntil, held_at = :heldAt WHERE name = :lane",

  count: `INSERT INTO activity (hour, target, state, bucket, count) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (hour, target, state, bucket) DO UPDATE SET count = count + excluded.count`,
} as const;

/** Methods run within the open transaction. */
export class SqliteRecord {
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  readonly #chains: SqliteChains;

  constructor(file: SqliteFile, chains: SqliteChains) {
    this.#chains = chains;
    this.#sql = file.prepareAll(statements);
  }

  isOwner({ epoch: { lane, number, token } }: Pick<LaneRecords, "epoch">): boolean {
    return this.#sql.isOwner.get(lane, number, token) !== undefined;
  }

  /**
   * @param isOwner What {@link SqliteRecord.isOwner} returned for this lane.
   * @param changes Receives the lanes in which deliveries that awaited one of these are now due, or were skipped.
   */
  record(lane: LaneRecords, isOwner: boolean, now: number, changes: ChainChanges): Recorded[] {
    const { epoch, hold, startsKeptMs, records } = lane;
    const recorded = records.map((record) => this.#recordOne(epoch, record, isOwner, now, changes));
    if (!isOwner) return recorded;
    const made = records.filter((_, index) => recorded[index]!.fate !== "known");
    if (startsKeptMs !== undefined) this.#keepStarts(epoch.lane, made, startsKeptMs);
    const counted = records.filter((_, index) => recorded[index]!.fate === "recorded");
    this.#describe(epoch.lane, counted, hold, now);
    if (!isOwnLane(epoch.lane)) this.#count(epoch.lane, counted);
    return recorded;
  }

  #recordOne(
    { lane: target, number: epoch }: Epoch,
    record: AttemptRecord,
    isOwner: boolean,
    now: number,
    changes: ChainChanges,
  ): Recorded {
    const { ref, revision, orderKey, state, dueAt = null, outcome, isAwaited, isOfChain, wasBegun } = record;
    const { event, number } = ref;
    const attempt = this.#keepAttempt(record, epoch);
    if (attempt === undefined) return { fate: "known", head: this.headOf(target, orderKey) };
    const endedAt = endOf(record);
    const reason = outcome.kind === "delivered" ? null : outcome.reason;
    const dueSetAt = dueAt && endedAt;
    const settled = isOwner
      ? this.#sql.settle.run(state, attempt, dueAt, dueSetAt, reason, event, number, revision).changes
      : 0;
    if (wasBegun) this.#sql.forgetBegun.run(event, number);
    if (Number(settled) === 0) {
      const isThere = this.#sql.isThere.get(event, number) !== undefined;
      if (!isThere) this.#sql.dropAttempts.run(event, number);
      return { fate: isThere ? "history" : "gone", head: this.headOf(target, orderKey) };
    }
    if (isAwaited) this.#release(record, now, changes.released);
    const chain = isOfChain && state !== "pending" ? this.#chains.of(ref) : undefined;
    if (chain) this.#chains.settle(chain, now, changes);
    if (orderKey !== undefined && state !== "pending") this.#sql.unparkHead.run({ target, orderKey, at: endedAt });
    return { fate: "recorded", head: this.headOf(target, orderKey) };
  }

  /**
   * Adds an attempt to the history and returns its number there, since another owner may have used the intended number
   * meanwhile. `undefined` if it is already there.
   */
  #keepAttempt(record: AttemptRecord, epoch: number): number | undefined {
    const { ref: { event, number }, attempt, startedAt, durationMs } = record;
    if (this.#insertAttempt(record, attempt, epoch)) return attempt;
    if (this.#sql.known.get(event, number, attempt, epoch, startedAt, durationMs)) return undefined;
    const { attempt: next } = this.#sql.nextAttempt.get(event, number) as { attempt: number };
    this.#insertAttempt(record, next, epoch);
    return next;
  }

  #insertAttempt(
    { ref: { event, number }, startedAt, durationMs, outcome }: AttemptRecord,
    attempt: number,
    epoch: number,
  ): boolean {
    const failure = outcome.kind === "delivered" ? undefined : outcome;
    const { changes } = this.#sql.attempt.run(
      event,
      number,
      attempt,
      epoch,
      startedAt,
      durationMs,
      outcome.kind,
      failure?.reason ?? null,
      failure?.detail.stored() ?? null,
      outcome.status ?? null,
      outcome.answer || null,
    );
    return Number(changes) > 0;
  }

  /** The first delivery of an order key that is not done, due or not; `undefined` without a key. */
  headOf(target: string, orderKey: string | undefined): DeliveryRef | undefined {
    if (orderKey === undefined) return undefined;
    const row = this.#sql.head.get({ target, orderKey }) as unknown as DeliveryRef | undefined;
    return row && { event: row.event, number: row.number };
  }

  #release({ ref: { event, number }, outcome }: AttemptRecord, now: number, released: Set<string>): void {
    const isFetched = outcome.kind === "delivered";
    this.#sql.keepFetched.run({
      event,
      at: now,
      data: isFetched ? outcome.fetched ?? null : null,
      problem: isFetched ? null : outcome.detail.stored(),
      outcome: isFetched ? null : storedFailure(outcome),
    });
    const rows = this.#sql.release.all({ event, number, at: now }) as unknown as { target: string }[];
    for (const { target } of rows) released.add(target);
  }

  /** Counts attempts that may be under way as begun now. */
  keepUnderway(lane: string, now: number, count: number): void {
    for (let one = 0; one < count; one++) this.#sql.keepStart.run(lane, now);
  }

  #keepStarts(lane: string, records: readonly AttemptRecord[], keptMs: number): void {
    for (const { startedAt, wasMade } of records) if (wasMade) this.#sql.keepStart.run(lane, startedAt);
    const last = records.at(-1);
    if (last) this.#sql.forgetStarts.run(lane, last.startedAt - keptMs);
  }

  /** Writes one row, however many attempts were recorded. */
  #describe(lane: string, records: readonly AttemptRecord[], hold: LaneRecords["hold"], now: number): void {
    const { openUntil = null, throttledUntil = null } = hold;
    const last = records.at(-1);
    const held = { lane, openUntil, throttledUntil, heldAt: last ? endOf(last) : now };
    if (!last) {
      this.#sql.hold.run(held);
      return;
    }
    const delivered = records.findLast(({ outcome }) => outcome.kind === "delivered");
    const failed = records.findLast(({ outcome }) => outcome.kind !== "delivered");
    const reason = failed && failed.outcome.kind !== "delivered" ? failed.outcome.reason : null;
    this.#sql.lane.run({
      ...held,
      deliveredAt: delivered ? endOf(delivered) : null,
      failedAt: failed ? endOf(failed) : null,
      reason,
    });
  }

  /** Writes a few rows, however many attempts were recorded. */
  #count(target: string, records: readonly AttemptRecord[]): void {
    const counts = new Map<string, { record: AttemptRecord; hour: number; bucket: number; count: number }>();
    for (const record of records) {
      const hour = Math.floor(endOf(record) / HOUR_MS) * HOUR_MS;
      const bucket = bucketOf(record.durationMs);
      const key = `${hour} ${record.state} ${bucket}`;
      const one = counts.get(key);
      if (one) one.count++;
      else counts.set(key, { record, hour, bucket, count: 1 });
    }
    for (const { record: { state }, hour, bucket, count } of counts.values()) {
      this.#sql.count.run(hour, target, state, bucket, count);
    }
  }
}

/** When an attempt ended, in Unix milliseconds. */
function endOf({ startedAt, durationMs }: AttemptRecord): number {
  return startedAt + durationMs;
}
