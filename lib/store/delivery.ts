/** What names a delivery, and the states that it has. */

/** Names one delivery within its store. */
export interface DeliveryRef {
  /** The event's sequence: its number in the order of acceptance. */
  event: number;
  /** Counts the event's deliveries, from 1. */
  number: number;
}

export type DeliveryState = "pending" | "delivered" | "dead";
