/** Where a vendor tells what became of the messages that it took: a path of the public listener. */

import type { Told } from "../locale/told.ts";
import type { SignatureProblem } from "../refusal.ts";
import type { HeardReceipt } from "../receipt.ts";

/** A request of a vendor, whole. */
export interface ReceiptRequest {
  /** In upper case. */
  method: string;
  query: URLSearchParams;
  headers: { get(name: string): string | null };
  /** The bytes received. */
  body: Uint8Array;
  /** When it came in, in Unix milliseconds. */
  now: number;
}

/** What a request to the path is. */
export type ReceiptAnswer =
  /** Receipts to keep; there may be none, where the vendor tells of something else. */
  | { kind: "receipts"; receipts: readonly HeardReceipt[] }
  /** The vendor finds out whether the address is right. */
  | { kind: "handshake"; body: string }
  | { kind: "unsigned"; reason: SignatureProblem }
  | { kind: "invalid"; problem: Told }
  /** A method that means nothing here. */
  | { kind: "method" };

export interface ReceiptEndpoint {
  readonly path: string;
  /** Methods that it takes, as `Allow` names them. */
  readonly allow: string;
  readonly secrets: readonly string[];
  /** Checks the signature before it reads anything else. Never throws. */
  read(request: ReceiptRequest): ReceiptAnswer;
}
