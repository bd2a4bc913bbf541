/** Receipts: what vendors tell of messages that they had taken, such as that one arrived, or never will. */

import type { Dead, Retry } from "./outcome.ts";

/** In their order: a later one is never lowered by an earlier one. What failed may arrive all the same. */
export const receiptStatuses = ["accepted", "sent", "failed", "delivered", "read"] as const;
export type ReceiptStatus = typeof receiptStatuses[number];

/** What a vendor tells of a message. */
export interface HeardReceipt {
  /** The vendor's id of the message. */
  message: string;
  /** Id of the delivery (UUID), where the vendor gives it back. */
  delivery?: string;
  status: Exclude<ReceiptStatus, "accepted">;
  /** By the vendor's clock, in Unix milliseconds. */
  at: number;
  /** What the failure means, as if it had been an answer. */
  failure?: Retry | Dead;
}

/** Longest id of a message, in characters: no index of a store takes much longer ones. */
const MAX_ID = 512;

/** Whether a value can be a vendor's id of a message. */
export function isMessageId(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_ID && !/[\0\ud800-\udfff]/.test(value);
}

/** Whether a receipt is as good as this one, or better. */
export function isAtLeast(status: ReceiptStatus | null, least: ReceiptStatus): boolean {
  return status !== null && receiptStatuses.indexOf(status) >= receiptStatuses.indexOf(least);
}
