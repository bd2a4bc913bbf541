/** Rows of deliveries in the SQL stores, and what callers see of them. */

import { dueTime } from "../clock.ts";
import type { ChainUntil } from "../event.ts";
import { deliveryId, formatId, type IdBytes } from "../id.ts";
import { isOwnLane } from "../own_lane.ts";
import type { ReceiptStatus } from "../receipt.ts";
import type { Reason } from "../reason.ts";
import type { DeliveryState } from "./delivery.ts";
import { isoTimeOf } from "./iso_time.ts";
import type { DeliveryView } from "./views.ts";

/** A delivery as it is shown. */
export interface DeliveryRow {
  event: number;
  number: number;
  target: string;
  state: DeliveryState;
  attempts: number;
  due_at: number | null;
  /** When `due_at` was set; `null`: at `due_at` itself. */
  due_set_at: number | null;
  reason: Reason | null;
  awaits: number | null;
  is_behind: number | boolean;
  receipt: ReceiptStatus | null;
  /** Number of its chain's first delivery, and its step; `null`: it is of none. */
  chain: number | null;
  step: number | null;
  within_ms: number | null;
  until: ChainUntil | null;
  /** The step that its chain began last. */
  begun_step: number | null;
}

/** A delivery as an event's story shows it. */
export interface StoryDeliveryRow extends DeliveryRow {
  /** Attempts that were made before the retry schedule last began. */
  first_attempt: number;
}

/** An event's deliveries to targets, each with its row. Those in relay's own lanes show in what awaits them. */
export function deliveryViews<Row extends DeliveryRow>(
  event: IdBytes,
  rows: readonly Row[],
  now: number,
): [DeliveryView, Row][] {
  return rows.filter(isShown).map((row) => {
    const chain = chainView(row, rows);
    const isAwaiting = row.state === "pending" && !chain?.isWaiting;
    const awaited = isAwaiting ? rows.find(({ number }) => number === row.awaits) : undefined;
    return [deliveryView(event, row, awaited?.state === "pending" ? awaited : row, chain, now), row];
  });
}

/** @param rows All deliveries of the event. */
function chainView(row: DeliveryRow, rows: readonly DeliveryRow[]): DeliveryView["chain"] {
  const { chain, step, within_ms: withinMs, until, begun_step: begun, state } = row;
  if (chain === null || step === null || withinMs === null || until === null || begun === null) return null;
  const steps = Math.max(...rows.map((one) => one.chain === chain ? one.step ?? 0 : 0));
  return { id: chain, step, steps, withinMs, until, isWaiting: state === "pending" && step > begun };
}

/** Whether a person sees it: those in lanes of relay's own show in what awaits them. */
export function isShown({ target }: DeliveryRow): boolean {
  return !isOwnLane(target);
}

/** @param first The delivery that has to be made first: this one, or the one that it awaits. */
function deliveryView(
  event: IdBytes,
  row: DeliveryRow,
  first: DeliveryRow,
  chain: DeliveryView["chain"],
  now: number,
): DeliveryView {
  const { due_at: dueAt, due_set_at: setAt } = first;
  const isHeld = row.is_behind && !chain?.isWaiting; // a step begins in its time, whatever stands before it
  const nextAt = dueAt === null || isHeld ? null : dueTime(dueAt, setAt ?? dueAt, now);
  return {
    id: formatId(deliveryId(event, row.number)),
    target: row.target,
    state: row.state,
    attempts: row.attempts,
    reason: row.reason,
    nextAttemptAt: row.state === "pending" ? isoTimeOf(nextAt) : null,
    receipt: row.receipt,
    chain,
  };
}
