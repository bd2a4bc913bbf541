/** Rows of the SQL stores, and what callers see of them. SQLite has a number where PostgreSQL has a boolean. */

import { dueTime } from "../clock.ts";
import { noteOf } from "../connectvets/note.ts";
import type { RelayEvent } from "../event.ts";
import { deliveryIdOf, formatId } from "../id.ts";
import { Told } from "../locale/told.ts";
import type { Dead, Retry } from "../outcome.ts";
import type { Reason } from "../reason.ts";
import { type DeliveryRow, deliveryViews, isShown } from "./delivery_rows.ts";
import { isoTime, isoTimeOf } from "./iso_time.ts";
import type { Due, LaneHold } from "./mod.ts";
import type { Fetched } from "./operator.ts";
import type { AttemptView, EventView, TargetView } from "./views.ts";

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

/** An event with everything that is kept about it. */
export interface StoryRow extends ListedRow {
  headers: string;
  body: Uint8Array;
  secret_index: number;
}

/** A due delivery, with its event and what was fetched for the event. */
export interface DueRow extends EventRow {
  event: number;
  number: number;
  attempts: number;
  first_attempt: number;
  failing_since: number | null;
  reason: Reason | null;
  due_at: number;
  due_set_at: number | null;
  order_key: string | null;
  revision: number;
  awaited: string | null;
  is_awaited: number | boolean;
  expires_at: number | null;
  /** Whether its step of a chain waits; `null`: it is of none. */
  is_waiting: number | boolean | null;
  step: number | null;
  fetched_at: number | null;
  data: Uint8Array | null;
  problem: string | null;
  outcome: string | null;
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

/** What is known about a lane besides its deliveries. */
export interface TargetRow extends HoldRow {
  delivered_at: number | null;
  failed_at: number | null;
  reason: Reason | null;
}

export interface HoldRow {
  name: string;
  open_until: number | null;
  throttled_until: number | null;
  held_at: number | null;
  paused_at: number | null;
}

export function fetchedOf({ at, data, problem }: NoteRow): Fetched {
  return { at, data: data ?? undefined, problem: problem === null ? undefined : Told.parse(problem) };
}

export function holdOf(row: Omit<HoldRow, "name">, now: number): LaneHold {
  return {
    openUntil: heldUntil(row.open_until, row, now),
    throttledUntil: heldUntil(row.throttled_until, row, now),
    pausedAt: row.paused_at ?? undefined,
  };
}

function heldUntil(until: number | null, { held_at }: Pick<HoldRow, "held_at">, now: number): number | undefined {
  return until === null ? undefined : dueTime(until, held_at ?? 0, now);
}

/** @param row What is known about it besides its deliveries, if anything. */
export function targetView(
  name: string,
  { oldestAt, ...counts }: { pending: number; dead: number; oldestAt?: number },
  row: TargetRow | undefined,
  now: number,
): TargetView {
  const { openUntil = null, throttledUntil = null } = row ? holdOf(row, now) : {};
  // Nothing has happened later than now, whatever a clock said that has since been set back.
  const happened = (at: number | null | undefined) => isoTimeOf(at == null ? null : Math.min(at, now));
  return {
    name,
    ...counts,
    inFlight: 0,
    oldestPendingAt: counts.pending > 0 ? happened(oldestAt ?? now) : null,
    lastDeliveredAt: happened(row?.delivered_at),
    lastFailedAt: happened(row?.failed_at),
    lastReason: row?.reason ?? null,
    circuitOpenUntil: isoTimeOf(openUntil),
    throttledUntil: isoTimeOf(throttledUntil),
    pausedAt: happened(row?.paused_at),
  };
}

export function eventView(row: ListedRow, deliveries: readonly DeliveryRow[], now: number): EventView {
  return {
    id: formatId(row.id),
    source: row.source,
    type: row.type,
    state: deliveries.some(isShown) ? "accepted" : "unrouted",
    receivedAt: isoTime(row.received_at),
    noteId: row.note_id,
    externalId: row.external_id,
    problems: problemsOf(row.problems),
    deliveries: deliveryViews(row.id, deliveries, now).map(([view]) => view),
  };
}

/** An event's problems as they are stored; `null` if there are none. */
export function storedProblems(problems: readonly Told[]): string | null {
  return problems.length > 0 ? JSON.stringify(problems.map((one) => one.stored())) : null;
}

function problemsOf(stored: string | null): Told[] {
  return stored === null ? [] : (JSON.parse(stored) as string[]).map(Told.parse);
}

export function dueOfRow(row: DueRow, lane: string): Due {
  const { data, fetched_at: at } = row;
  const event = eventOf(row);
  return {
    ref: { event: row.event, number: row.number },
    id: deliveryIdOf(event.id, row.number),
    lane,
    revision: row.revision,
    attempts: row.attempts,
    failures: row.attempts - row.first_attempt,
    reason: row.reason ?? undefined,
    failingSince: row.failing_since ?? undefined,
    dueAt: row.due_at,
    putOffAt: row.due_set_at ?? undefined,
    orderKey: row.order_key ?? undefined,
    event: data ? { ...event, note: noteOf(JSON.parse(new TextDecoder().decode(data))) } : event,
    awaited: row.awaited ?? undefined,
    fetched: at === null ? undefined : { at, outcome: data ? undefined : fetchFailureOf(row) },
    isAwaited: Boolean(row.is_awaited),
    expiresAt: row.expires_at ?? undefined,
    step: row.step ?? undefined,
    isWaiting: Boolean(row.is_waiting),
  };
}

/** A failure as it is stored: of a fetch for the deliveries that await it, or of a message that had been taken. */
export function storedFailure(failure: Retry | Dead): string {
  return JSON.stringify({ ...failure, detail: failure.detail.stored() });
}

/** A store with an older schema kept only the words. */
function fetchFailureOf({ outcome, problem }: DueRow): Retry | Dead {
  if (outcome === null) return { kind: "dead", reason: "note_unavailable", detail: Told.parse(problem ?? "") };
  return failureOf(outcome);
}

/** Reads what {@link storedFailure} gave. */
export function failureOf(stored: string): Retry | Dead {
  const { detail, ...failure } = JSON.parse(stored);
  return { ...failure, detail: Told.parse(detail) };
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

export function attemptView(row: AttemptRow): AttemptView {
  return {
    attempt: row.attempt,
    startedAt: isoTime(row.started_at),
    durationMs: row.duration_ms,
    outcome: row.outcome,
    reason: row.reason,
    detail: row.detail === null ? null : Told.parse(row.detail),
    status: row.status,
    answer: row.answer,
  };
}
