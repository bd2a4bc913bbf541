/** Failures that the way out finds by itself; those of the system keep the system's own codes. */

import type { Reason } from "../outcome.ts";

/** A request got no answer that can be used. Its message ends a sentence such as "Cannot reach http://there: …". */
export class OutboundError extends Error {
  override readonly name: string = "OutboundError";

  constructor(readonly reason: Reason, words: string) {
    super(words);
  }
}

/** The connection ended before the head of an answer was whole. */
export class ConnectionLost extends OutboundError {
  override readonly name = "ConnectionLost";

  /** @param isUnanswered Whether not a byte of an answer came. */
  constructor(readonly isUnanswered: boolean) {
    super("connection_reset", "the connection was cut");
  }
}
