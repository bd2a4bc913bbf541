/** What was just accepted, in the form in which a read of due deliveries returns it. */

import type { NewEvent, RelayEvent } from "../event.ts";
import { deliveryIdOf, formatId } from "../id.ts";
import type { Due } from "./mod.ts";

/** An event as it was stored. */
export function freshEvent({ id, source, type, receivedAt, body, headers }: NewEvent): RelayEvent {
  return { id: formatId(id), source, type, receivedAt, body, headers };
}

/**
 * A delivery of a stored event, without an order key or chain, that awaits no other delivery.
 * @param seq The event's sequence.
 * @param index The delivery's index, from 0.
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
    putOffAt: undefined,
    orderKey: undefined,
    event,
    awaited: undefined,
    fetched: undefined,
    isAwaited: false,
    expiresAt: undefined,
    step: undefined,
    isWaiting: false,
  };
}
