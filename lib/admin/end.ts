/** Until when an answer is worth working on. */

import type { Context } from "hono";

/** Aborted when nobody waits for the answer any longer: the client has gone, or the relay stops. */
export function endOf(c: Context, stopping: AbortSignal): AbortSignal {
  return AbortSignal.any([c.req.raw.signal, stopping]);
}
