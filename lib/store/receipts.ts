/** What a store keeps of receipts, and how it gives them to the owner of a delivery's lane. */

import { z } from "zod";
import { type HeardReceipt, type ReceiptStatus, receiptStatuses } from "../receipt.ts";
import type { DeliveryRef } from "./delivery.ts";
import type { Dead, Retry } from "../outcome.ts";
import type { Told } from "../locale/told.ts";
import type { Reason } from "../reason.ts";
import type { DeliveryState } from "./delivery.ts";
import type { Epoch } from "./epoch.ts";

export const receiptStatus = z.enum(receiptStatuses).meta({
  id: "ReceiptStatus",
  description:
    "The newest word of the vendor: it took the message, sent it, it arrived, was read, or never will arrive",
});

/** A receipt as a person sees it. */
export interface ReceiptView {
  status: ReceiptStatus;
  /** By the vendor's clock, but of `accepted` by ours; ISO 8601. */
  at: string;
  /** Of a failure. */
  reason: Reason | null;
  detail: Told | null;
}

/** A receipt that the owner of its delivery's lane has not applied yet, and the delivery as it is. */
export interface FreshReceipt {
  /** Of the public listener, where the vendor tells. */
  path: string;
  message: string;
  status: ReceiptStatus;
  failure?: Retry | Dead;
  /** The message is the delivery's last one, as far as is known. */
  isLast: boolean;
  ref: DeliveryRef;
  /** UUIDs. */
  delivery: string;
  event: string;
  type: string;
  source: string;
  lane: string;
  state: DeliveryState;
  /** The best receipt of all of the delivery's messages. */
  best: ReceiptStatus | null;
  revision: number;
  attempts: number;
  /** Attempts since the retry schedule last began. */
  failures: number;
}

/** What follows from a receipt. */
export interface AppliedReceipt extends Pick<FreshReceipt, "path" | "message" | "status" | "ref" | "revision"> {
  /** How the delivery changes, if it does. */
  change?: { state: "delivered" | "dead" | "pending"; reason?: Reason; dueAt?: number };
}

export interface ReceiptStore {
  /**
   * Keeps which message a vendor took for a delivery. Receipts of it may have come in before.
   * @param path Of the public listener, where the vendor tells what becomes of it.
   */
  accepted(ref: DeliveryRef, path: string, message: string): Promise<void>;
  /**
   * Keeps what a vendor told; once it resolves, that is on disk. Returns how much of it is new.
   * @param targets Those that it may tell of.
   */
  hear(path: string, targets: readonly string[], receipts: readonly HeardReceipt[]): Promise<number>;
  /** Receipts of deliveries in these lanes that are still to be applied. */
  fresh(lanes: readonly string[]): Promise<FreshReceipt[]>;
  /** Applies receipts in a lane. One whose delivery was changed since it was read stays to be applied. */
  apply(epoch: Epoch, receipts: readonly AppliedReceipt[]): Promise<void>;
}

/** Most receipts that are applied in one go. */
export const MAX_FRESH = 200;

/** How long a receipt is kept whose message nobody knows, in milliseconds: the number may be used by other programs, too. */
export const UNKNOWN_KEPT_MS = 2 * 86_400_000;
