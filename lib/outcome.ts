/** The outcome of an attempt to deliver. */

import type { Told } from "./locale/told.ts";
import type { Reason } from "./reason.ts";

/** What the other side said, kept with the attempt. */
export interface Answer {
  /** HTTP status, SMTP reply code or exit code. */
  status?: number;
  /** The first part of the answer's text: 1 KiB of an HTTP body, 4 KiB each of a script's output. */
  answer?: string;
}

/** Nothing more is to be sent for a while. */
export interface Pause {
  /** In milliseconds. */
  pauseMs?: number;
  /** To whom: this recipient alone, of a target with several. Absent: to the whole target. */
  holds?: "target" | "recipient";
}

/** The attempt reached its target. */
export interface Delivered extends Answer, Pause {
  kind: "delivered";
  /** The vendor's id of the message, by which its receipts are known. */
  message?: string;
  /** What it fetched: JSON, kept with the event for the deliveries that await this one. */
  fetched?: Uint8Array;
}

/** The attempt failed in a way that may pass. */
export interface Retry extends Answer, Pause {
  kind: "retry";
  reason: Reason;
  /** One sentence for the operator. */
  detail: Told;
}

/** The attempt failed in a way that repeating will not mend. */
export interface Dead extends Answer, Pause {
  kind: "dead";
  reason: Reason;
  detail: Told;
}

/** What an attempt ended with. */
export type Outcome = Delivered | Retry | Dead;

/** The target takes nothing for this many milliseconds: as if no attempt had been made. */
export interface Deferred extends Pause {
  kind: "deferred";
  pauseMs: number;
}
