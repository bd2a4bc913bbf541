/**
 * Ids of events and deliveries: UUIDv7 (RFC 9562) that can be told from what they name.
 *
 * An event's id is its dedupe key at once: the event's own time, then 73 bits of a hash. Ids of events that follow each
 * other lie beside each other, so the store's one unique index grows at its end instead of everywhere.
 * A delivery's id is its event's id with one bit set and the last two bytes replaced by the delivery's number.
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

const DELIVERY_BIT = 0x08; // the highest bit of rand_a: set for deliveries, clear for events
const MAX_TIME = 2 ** 48 - 1;
const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** The 16 bytes of an id. */
export type IdBytes = Uint8Array;

/**
 * The id of an event.
 * @param scope What the key is unique in: the source's name and the kind of key.
 * @param key What makes the event this event: its body, or a key taken from it.
 * @param timeMs The event's own time in Unix milliseconds; 0 where the key alone must decide.
 */
export function eventId(scope: string, key: string | Uint8Array, timeMs: number): IdBytes {
  const hash = createHash("sha256").update(scope).update("\0").update(key).digest();
  const id = new Uint8Array(hash.subarray(0, 16));
  const time = timeMs >= 0 && timeMs <= MAX_TIME ? Math.trunc(timeMs) : 0;
  new DataView(id.buffer).setUint32(0, Math.trunc(time / 0x10000));
  new DataView(id.buffer).setUint16(4, time % 0x10000);
  id[6] = 0x70 | (id[6]! & 0x07);
  id[8] = 0x80 | (id[8]! & 0x3f);
  return id;
}

/** The id of delivery `number` (1 to 65,535, replays included) of an event. */
export function deliveryId(event: IdBytes, number: number): IdBytes {
  const id = event.slice();
  id[6]! |= DELIVERY_BIT;
  new DataView(id.buffer).setUint16(14, number);
  return id;
}

/** As {@link deliveryId}, of texts. */
export function deliveryIdOf(event: string, number: number): string {
  const digit = Number.parseInt(event[15]!, 16) | DELIVERY_BIT;
  return `${event.slice(0, 15)}${digit.toString(16)}${event.slice(16, 32)}${number.toString(16).padStart(4, "0")}`;
}

/** What a delivery's id says: the range in which its event's id lies, and the delivery's number. */
export function readDeliveryId(id: IdBytes): { first: IdBytes; last: IdBytes; number: number } {
  const first = id.slice();
  first[6]! &= ~DELIVERY_BIT;
  const last = first.slice();
  first.fill(0x00, 14);
  last.fill(0xff, 14);
  return { first, last, number: new DataView(id.buffer, id.byteOffset).getUint16(14) };
}

/** The usual text form of an id, in lower case. */
export function formatId(id: IdBytes): string {
  const hex = Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Reads the text form of an id; `undefined` if it is none. */
export function parseId(text: string): IdBytes | undefined {
  return FORM.test(text) ? new Uint8Array(Buffer.from(text.replaceAll("-", ""), "hex")) : undefined;
}
