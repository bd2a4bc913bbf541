/** One attempt of a target that never asks for it to be put off, by this machine's clock. */

import assert from "node:assert/strict";
import { systemClock } from "../../lib/clock.ts";
import { attempt as attemptOnce } from "../../lib/lanes/attempt.ts";
import type { Outcome } from "../../lib/outcome.ts";
import type { Delivery, Target } from "../../lib/targets/target.ts";

/** As `attempt()` of lib/lanes/attempt.ts. */
export async function attempt(
  target: Target,
  prepare: () => Delivery | readonly Delivery[],
  stop: AbortSignal,
): Promise<Outcome | undefined> {
  const outcome = await attemptOnce(target, prepare, stop, systemClock);
  assert.ok(outcome?.kind !== "deferred");
  return outcome;
}
