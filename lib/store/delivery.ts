/** How deliveries are identified, and their states. */

/** Identifies a delivery within its store. */
export interface DeliveryRef {
  /** The event's sequence: its number in the order of acceptance. */
  event: number;
  /** Counts the event's deliveries, from 1. */
  number: number;
}

/** The key of a delivery in maps and sets in memory. */
export function keyOf({ event, number }: DeliveryRef): string {
  return `${event} ${number}`;
}

/** `skipped`: a step of a chain that was not needed. */
export type DeliveryState = "pending" | "delivered" | "dead" | "skipped";
