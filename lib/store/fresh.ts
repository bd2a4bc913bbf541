/** What was accepted just now, as a read of what is due would give it. */

import type { NewEvent, RelayEvent } from "../event.ts";
import { deliveryIdOf, formatId } from "../id.ts";
import type { Due } from "./mod.ts";

/** An event as it was stored. */
export function freshEvent({ id, source, type, receivedAt, body, headers }: NewEvent): RelayEvent {
  return { id: formatId(id), source, type, receivedAt, body, headers };
}

/**
 * A delivery of an event that was stored, which neither has an order key nor awaits another one.
 * @param seq The event's sequence.
 * @param index Of the delivery, from 0.
 */
export function freshDue(event: RelayEvent, seq: number, lane: string, index: number): Due {
  const ref = { event: seq, number: index + 1 };
  return {
    ref,
    id: deliveryIdOf(event.id, ref.number),
    lane,
    revision: 0,
    attempts: 0,
    failures: 0,
    reason: undefined,
    failingSince: undefined,
    dueAt: event.receivedAt,
    orderKey: undefined,
    event,
    awaited: undefined,
    fetched: undefined,
    isAwaited: false,
    expiresAt: undefined,
  };
}
