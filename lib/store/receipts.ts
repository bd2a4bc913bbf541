/** What a store keeps of receipts, and how it gives them to the owner of a delivery's lane. */

import { z } from "zod";
import type { Told } from "../locale/told.ts";
import type { Dead, Retry } from "../outcome.ts";
import type { Reason } from "../reason.ts";
import { type HeardReceipt, type ReceiptStatus, receiptStatuses } from "../receipt.ts";
import type { DeliveryRef, DeliveryState } from "./delivery.ts";
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

/** Which word on which message, and where it was told: a path of the public listener. */
export interface ReceiptKey {
  message: string;
  path: string;
  status: ReceiptStatus;
}

/** A receipt that the owner of its delivery's lane has not applied yet, and the delivery as it is. */
export interface FreshReceipt extends ReceiptKey {
  failure?: Retry | Dead;
  /** The best that was told of the message. */
  standing: ReceiptStatus;
  /** The vendor answered that it took the message. */
  wasAccepted: boolean;
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
  /** Of the delivery's last failure. */
  reason: Reason | null;
  /** What is shown of the delivery. */
  shown: ReceiptStatus | null;
  revision: number;
  attempts: number;
  /** Attempts since the retry schedule last began. */
  failures: number;
}

/** How a delivery changes after receipts. */
export interface ReceiptChange {
  state: "delivered" | "dead" | "pending";
  reason?: Reason;
  /** For `pending`: when the next attempt is due, in Unix milliseconds. */
  dueAt?: number;
}

/** What follows from receipts for a delivery. */
export interface AppliedReceipt extends Pick<FreshReceipt, "ref" | "revision"> {
  /** What is to be shown of it; `null` leaves it. */
  shown: ReceiptStatus | null;
  change?: ReceiptChange;
}

export interface ReceiptStore {
  /**
   * Keeps that a vendor took this message for these deliveries. Receipts of it may have come in before.
   * @param path Of the public listener, where its receipts are told.
   */
  accepted(refs: readonly DeliveryRef[], path: string, message: string): Promise<void>;
  /**
   * Keeps what a vendor told; once it resolves, that is on disk. Returns how much of it is new.
   * @param path Of the public listener, where it was told.
   * @param targets Those whose deliveries it may name.
   */
  hear(path: string, targets: readonly string[], receipts: readonly HeardReceipt[]): Promise<number>;
  /** Receipts of deliveries in these lanes that are still to be applied, each for all its deliveries there. */
  fresh(lanes: readonly string[]): Promise<FreshReceipt[]>;
  /**
   * Changes deliveries of a lane, and counts these receipts as applied.
   * @returns Whether all of it was done. If not, such as for a delivery that was changed since it was read, or a lane that
   * has another owner, the receipts stay to be applied.
   */
  apply(epoch: Epoch, deliveries: readonly AppliedReceipt[], receipts: readonly ReceiptKey[]): Promise<boolean>;
}

/** Most receipts that are read in one go. */
export const MAX_FRESH = 500;

/**
 * How long a receipt is kept whose message nobody knows, in milliseconds: one that comes before the record of its attempt
 * is known by then, and the vendor may tell of messages of other programs, too.
 */
export const UNKNOWN_KEPT_MS = 3_600_000;
