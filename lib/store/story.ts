/** The story of an event: how the SQL stores find it and build it from their rows. Pure functions. */

import { type IdBytes, readDeliveryId } from "../id.ts";
import { deliveryViews, type StoryDeliveryRow } from "./delivery_rows.ts";
import type { EventStory } from "./operator.ts";
import { type AttemptRow, attemptView, eventView, fetchedOf, type NoteRow, type StoryRow } from "./rows.ts";
import { inTime, type ReceiptRow, receiptView } from "./receipt_rows.ts";

/** The range that contains an event's id, from that id or a delivery's, and in this case the delivery's number. */
export function placeOf(id: IdBytes): { first: IdBytes; last: IdBytes; number?: number } {
  const place = readDeliveryId(id);
  const isDelivery = place.first[6] !== id[6];
  return isDelivery ? place : { first: id, last: id };
}

/** What an event's story is built from. */
export interface StoryRows {
  event: StoryRow;
  deliveries: readonly StoryDeliveryRow[];
  /** Attempts of the delivery with this number, oldest first. */
  attemptsOf(number: number): readonly AttemptRow[];
  /** Receipts of the delivery with this number, in any order. */
  receiptsOf(number: number): readonly ReceiptRow[];
  note?: NoteRow;
}

/** @param number Number of the delivery whose id was asked for; if it is not shown, the story is `undefined`. */
export function storyOf(
  { event, deliveries, attemptsOf, receiptsOf, note }: StoryRows,
  number: number | undefined,
  now: number,
): EventStory | undefined {
  const { seq, headers, body, secret_index: secretIndex } = event;
  const shown = deliveryViews(event.id, deliveries, now);
  if (number !== undefined && !shown.some(([, row]) => row.number === number)) return undefined;
  return {
    ...eventView(event, deliveries, now),
    seq,
    headers: JSON.parse(headers),
    body,
    secretIndex,
    details: note && fetchedOf(note),
    deliveries: shown.map(([view, { number, attempts, first_attempt: first }]) => ({
      ...view,
      ref: { event: seq, number },
      history: attemptsOf(number).map(attemptView),
      receipts: receiptsOf(number).toSorted(inTime).map(receiptView),
      failures: attempts - first,
    })),
  };
}
