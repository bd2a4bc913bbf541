/** What names a delivery, and the states that it has. */

/** Names one delivery within its store. */
export interface DeliveryRef {
  /** The event's sequence: its number in the order of acceptance. */
  event: number;
  /** Counts the event's deliveries, from 1. */
  number: number;
}

/** What a delivery is found by in maps and sets in memory. */
export function keyOf({ event, number }: DeliveryRef): string {
  return `${event} ${number}`;
}

export type DeliveryState = "pending" | "delivered" | "dead";
