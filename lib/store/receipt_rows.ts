/** Receipts as the SQL stores return them. */

import { deliveryIdOf, formatId } from "../id.ts";
import type { Reason } from "../reason.ts";
import { type ReceiptStatus, receiptStatuses } from "../receipt.ts";
import type { DeliveryState } from "./delivery.ts";
import { isoTime } from "./iso_time.ts";
import type { FreshReceipt, ReceiptView } from "./receipts.ts";
import { failureOf } from "./rows.ts";

/** A receipt with its delivery and its event. SQLite has a number where PostgreSQL has a boolean. */
export interface FreshReceiptRow {
  message: string;
  path: string;
  status: ReceiptStatus;
  failure: string | null;
  standing: ReceiptStatus;
  accepted_at: number | null;
  is_last: number | boolean;
  seq: number;
  number: number;
  lane: string;
  state: DeliveryState;
  reason: Reason | null;
  receipt: ReceiptStatus | null;
  revision: number;
  attempts: number;
  first_attempt: number;
  id: Uint8Array;
  type: string;
  source: string;
}

/** A receipt as an event's story shows it. */
export interface ReceiptRow {
  number: number;
  status: ReceiptStatus;
  at: number;
  failure: string | null;
}

export function freshReceiptOf(row: FreshReceiptRow): FreshReceipt {
  const event = formatId(row.id);
  return {
    message: row.message,
    path: row.path,
    status: row.status,
    failure: row.failure === null ? undefined : failureOf(row.failure),
    standing: row.standing,
    wasAccepted: row.accepted_at !== null,
    isLast: Boolean(row.is_last),
    ref: { event: row.seq, number: row.number },
    delivery: deliveryIdOf(event, row.number),
    event,
    type: row.type,
    source: row.source,
    lane: row.lane,
    state: row.state,
    reason: row.reason,
    shown: row.receipt,
    revision: row.revision,
    attempts: row.attempts,
    failures: row.attempts - row.first_attempt,
  };
}

export function receiptView({ status, at, failure }: ReceiptRow): ReceiptView {
  const { reason, detail } = failure === null ? { reason: null, detail: null } : failureOf(failure);
  return { status, at: isoTime(at), reason, detail };
}

/** The oldest first; of those of one second, which is as exact as vendors are, in the order in which they come about. */
export function inTime(one: ReceiptRow, other: ReceiptRow): number {
  return Math.floor(one.at / 1_000) - Math.floor(other.at / 1_000) ||
    receiptStatuses.indexOf(one.status) - receiptStatuses.indexOf(other.status);
}
