/** Failures that the way out finds by itself; those of the system keep the system's own codes. */

import { inEnglish } from "../locale/phrase.ts";
import type { Language } from "../locale/mod.ts";
import type { Reason } from "../reason.ts";

/** A request got no answer that can be used. It ends a sentence such as "Cannot reach http://there: …". */
export class OutboundError extends Error {
  override readonly name: string = "OutboundError";

  /** @param say Says it in the words of outcomes. */
  constructor(readonly reason: Reason, readonly say: (words: Language["outcomes"]) => string) {
    super(inEnglish(({ outcomes }) => say(outcomes)));
  }
}

/** The connection ended before the head of an answer was whole. */
export class ConnectionLost extends OutboundError {
  override readonly name = "ConnectionLost";

  /** @param isUnanswered Whether not a byte of an answer came. */
  constructor(readonly isUnanswered: boolean) {
    super("connection_reset", ({ network }) => network.cut);
  }
}
