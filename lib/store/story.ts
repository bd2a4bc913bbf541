/** The story of an event: how stores on SQL find it, and tell it from their rows. Pure functions. */

import { type IdBytes, readDeliveryId } from "../id.ts";
import type { EventStory } from "./operator.ts";
import {
  type AttemptRow,
  attemptView,
  deliveryViews,
  eventView,
  fetchedOf,
  type NoteRow,
  type StoryDeliveryRow,
  type StoryRow,
} from "./rows.ts";

/** In which range the id of an event lies, told from its own or that of its delivery, and the number of that. */
export function placeOf(id: IdBytes): { first: IdBytes; last: IdBytes; number?: number } {
  const place = readDeliveryId(id);
  const isDelivery = place.first[6] !== id[6];
  return isDelivery ? place : { first: id, last: id };
}

/** What an event's story consists of. */
export interface StoryRows {
  event: StoryRow;
  deliveries: readonly StoryDeliveryRow[];
  /** Of the delivery of this number, the first one first. */
  attemptsOf(number: number): readonly AttemptRow[];
  note?: NoteRow;
}

/** @param number Of the delivery by which it was asked for; `undefined` is given if that is not shown. */
export function storyOf(
  { event, deliveries, attemptsOf, note }: StoryRows,
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
      failures: attempts - first,
    })),
  };
}
