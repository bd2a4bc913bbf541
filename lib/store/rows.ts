/** Rows of a SQL store, and what the store's callers see of them. */

import { deliveryId, formatId, type IdBytes } from "../id.ts";
import type { Reason } from "../outcome.ts";
import type { AttemptView, Claimed, DeliveryState, DeliveryView, EventView, Hold, TargetView } from "./mod.ts";

export interface EventRow {
  seq: number;
  id: Uint8Array;
  source: string;
  type: string;
  received_at: number;
  headers: string;
  body: Uint8Array;
  problems: string | null;
}

export interface DeliveryRow {
  event: number;
  number: number;
  target: string;
  state: DeliveryState;
  attempts: number;
  first_attempt: number;
  due_at: number | null;
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

export interface TargetRow extends HoldRow {
  pending: number | null;
  in_flight: number | null;
  dead: number | null;
  oldest_at: number | null;
  delivered_at: number | null;
  failed_at: number | null;
  reason: Reason | null;
}

export interface HoldRow {
  name: string;
  open_until: number | null;
  paused_until: number | null;
}

export function holdOf(row: HoldRow): Hold {
  return { openUntil: row.open_until ?? undefined, pausedUntil: row.paused_until ?? undefined };
}

export function targetView(row: TargetRow): TargetView {
  return {
    name: row.name,
    pending: row.pending ?? 0,
    inFlight: row.in_flight ?? 0,
    dead: row.dead ?? 0,
    oldestPendingAt: isoTimeOf(row.oldest_at),
    lastDeliveredAt: isoTimeOf(row.delivered_at),
    lastFailedAt: isoTimeOf(row.failed_at),
    lastReason: row.reason,
    circuitOpenUntil: isoTimeOf(row.open_until),
    pausedUntil: isoTimeOf(row.paused_until),
  };
}

export function eventView(row: EventRow, deliveries: DeliveryRow[]): EventView {
  return {
    id: formatId(row.id),
    source: row.source,
    type: row.type,
    state: deliveries.length > 0 ? "accepted" : "unrouted",
    receivedAt: isoTime(row.received_at),
    problems: row.problems === null ? [] : JSON.parse(row.problems),
    deliveries: deliveries.map((delivery) => deliveryView(row.id, delivery)),
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
    event: {
      id: formatId(row.id),
      source: row.source,
      type: row.type,
      receivedAt: row.received_at,
      body: row.body,
      headers: JSON.parse(row.headers),
    },
  };
}

function deliveryView(event: IdBytes, row: DeliveryRow): DeliveryView {
  return {
    id: formatId(deliveryId(event, row.number)),
    target: row.target,
    state: row.state,
    attempts: row.attempts,
    reason: row.reason,
    nextAttemptAt: row.state === "pending" ? isoTimeOf(row.due_at) : null,
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

function isoTimeOf(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
