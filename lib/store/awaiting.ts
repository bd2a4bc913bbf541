/** How long deliveries wait for another one of their event. */

import type { Awaited } from "../event.ts";

/** When the last of these goes on without what it awaits; `null` if one waits forever. */
export function expiryOf(awaits: readonly Awaited[], now: number): number | null {
  const patience = awaits.map(({ patienceMs = Infinity }) => patienceMs);
  const most = Math.max(...patience);
  return most === Infinity ? null : now + most;
}
