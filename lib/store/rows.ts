/** Rows of a SQL store, and what the store's callers see of them. */

import { dueTime } from "../clock.ts";
import type { RelayEvent } from "../event.ts";
import { deliveryId, formatId, type IdBytes } from "../id.ts";
import type { Reason } from "../outcome.ts";
import type { Claimed, DeliveryState, TargetHold } from "./mod.ts";
import type { KeptNote } from "./notes.ts";
import type { AttemptView, DeliveryView, EventView, TargetView } from "./operator.ts";

/** An event as it is delivered. */
export interface EventRow {
  seq: number;
  id: Uint8Array;
  source: string;
  type: string;
  received_at: number;
  headers: string;
  body: Uint8Array;
}

/** An event as it is listed. */
export interface ListedRow {
  seq: number;
  id: Uint8Array;
  source: string;
  type: string;
  received_at: number;
  problems: string | null;
  note_id: string | null;
  external_id: string | null;
}

/** An event with everything that is kept of it. */
export interface StoryRow extends ListedRow {
  headers: string;
  body: Uint8Array;
  secret_index: number;
}

export interface DeliveryRow {
  event: number;
  number: number;
  target: string;
  state: DeliveryState;
  attempts: number;
  first_attempt: number;
  due_at: number | null;
  /** When `due_at` was set; without it that is `due_at` itself. */
  due_set_at: number | null;
  reason: Reason | null;
  order_key: string | null;
}

export interface AttemptRow {
  attempt: number;
  started_at: number;
  duration_ms: number;
  outcome: AttemptView["outcome"];
  reason: Reason | null;
  detail: string | null;
  status: number | null;
  answer: string | null;
}

export interface NoteRow {
  at: number;
  data: Uint8Array | null;
  problem: string | null;
}

export interface TargetRow extends HoldRow {
  delivered_at: number | null;
  failed_at: number | null;
  reason: Reason | null;
}

export interface HoldRow {
  name: string;
  open_until: number | null;
  paused_until: number | null;
  held_at: number | null;
  paused_at: number | null;
}

export function keptNote({ at, data, problem }: NoteRow): KeptNote {
  return { at, data: data ?? undefined, problem: problem ?? undefined };
}

export function holdOf(row: HoldRow, now: number): TargetHold {
  return {
    openUntil: heldUntil(row.open_until, row, now),
    throttledUntil: heldUntil(row.paused_until, row, now),
    pausedAt: row.paused_at ?? undefined,
  };
}

function heldUntil(until: number | null, { held_at }: HoldRow, now: number): number | undefined {
  return until === null ? undefined : dueTime(until, held_at ?? 0, now);
}

/** @param row What is known of it beside its deliveries, if anything. */
export function targetView(
  name: string,
  { oldestAt, ...counts }: { pending: number; inFlight: number; dead: number; oldestAt?: number },
  row: TargetRow | undefined,
  now: number,
): TargetView {
  const { openUntil = null, throttledUntil = null } = row ? holdOf(row, now) : {};
  // What has happened was not later than now, whatever a clock said that was set back since.
  const happened = (at: number | null | undefined) => isoTimeOf(at == null ? null : Math.min(at, now));
  return {
    name,
    ...counts,
    oldestPendingAt: counts.pending + counts.inFlight > 0 ? happened(oldestAt ?? now) : null,
    lastDeliveredAt: happened(row?.delivered_at),
    lastFailedAt: happened(row?.failed_at),
    lastReason: row?.reason ?? null,
    circuitOpenUntil: isoTimeOf(openUntil),
    throttledUntil: isoTimeOf(throttledUntil),
    pausedAt: happened(row?.paused_at),
  };
}

export function eventView(row: ListedRow, deliveries: DeliveryRow[], now: number): EventView {
  return {
    id: formatId(row.id),
    source: row.source,
    type: row.type,
    state: deliveries.length > 0 ? "accepted" : "unrouted",
    receivedAt: isoTime(row.received_at),
    noteId: row.note_id,
    externalId: row.external_id,
    problems: row.problems === null ? [] : JSON.parse(row.problems),
    deliveries: deliveries.map((delivery) => deliveryView(row.id, delivery, now)),
  };
}

export function claimedOf(row: DeliveryRow & EventRow, target: string): Claimed {
  return {
    ref: { event: row.event, number: row.number },
    id: formatId(deliveryId(row.id, row.number)),
    target,
    orderKey: row.order_key ?? undefined,
    attempts: row.attempts,
    failures: row.attempts - row.first_attempt,
    dueAt: row.due_at!,
    event: eventOf(row),
  };
}

/** The event as it is delivered. */
export function eventOf(row: EventRow): RelayEvent {
  return {
    id: formatId(row.id),
    source: row.source,
    type: row.type,
    receivedAt: row.received_at,
    body: row.body,
    headers: JSON.parse(row.headers),
  };
}

export function deliveryView(event: IdBytes, row: DeliveryRow, now: number): DeliveryView {
  const { due_at: dueAt, due_set_at: setAt } = row;
  const nextAt = dueAt === null ? null : dueTime(dueAt, setAt ?? dueAt, now);
  return {
    id: formatId(deliveryId(event, row.number)),
    target: row.target,
    state: row.state,
    attempts: row.attempts,
    reason: row.reason,
    nextAttemptAt: row.state === "pending" ? isoTimeOf(nextAt) : null,
  };
}

export function attemptView(row: AttemptRow): AttemptView {
  return {
    attempt: row.attempt,
    startedAt: isoTime(row.started_at),
    durationMs: row.duration_ms,
    outcome: row.outcome,
    reason: row.reason,
    detail: row.detail,
    status: row.status,
    answer: row.answer,
  };
}

function isoTimeOf(ms: number | null | undefined): string | null {
  return ms == null ? null : isoTime(ms);
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
