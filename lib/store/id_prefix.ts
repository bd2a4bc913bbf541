/** Prefixes of ids, as a person copies them from a list. Pure functions. */

import { Buffer } from "node:buffer";
import { deliveryId, formatId, type IdBytes } from "../id.ts";
import type { FoundId } from "./operator.ts";
import { isoTime } from "./iso_time.ts";

/** Shortest prefix to search for: even the first eight characters are the same for all events of one minute. */
export const MIN_PREFIX = 8;

/** Digits of an id, without its dashes. */
export const DIGITS = 32;
/** Index of the digit whose highest bit marks a delivery, and of the first of four that are a delivery's number. */
const KIND_AT = 13;
const NUMBER_AT = 28;
const DELIVERY_BIT = 0x8;

/** The digits of an id or of its first eight or more, in lower case, without dashes; `undefined` if it is neither. */
export function parsePrefix(text: string): string | undefined {
  const digits = text.toLowerCase().replaceAll("-", "");
  return /^[0-9a-f]+$/.test(digits) && digits.length >= MIN_PREFIX && digits.length <= DIGITS ? digits : undefined;
}

/** The ids with a prefix: a range of events and, if it is a delivery's, of the numbers of their deliveries. */
export interface PrefixRange {
  first: IdBytes;
  last: IdBytes;
  numbers?: { first: number; last: number };
}

/** @param prefix As {@link parsePrefix} returns it. */
export function rangeOf(prefix: string): PrefixRange {
  const kind = Number.parseInt(prefix[KIND_AT] ?? "0", 16);
  if ((kind & DELIVERY_BIT) === 0) return { first: padded(prefix, "0"), last: padded(prefix, "f") };
  const event = prefix.slice(0, KIND_AT) + (kind & ~DELIVERY_BIT).toString(16) + prefix.slice(KIND_AT + 1, NUMBER_AT);
  const number = (digit: string) => Number.parseInt(prefix.slice(NUMBER_AT).padEnd(DIGITS - NUMBER_AT, digit), 16);
  return {
    first: padded(event, "0"),
    last: padded(event, "f"),
    numbers: { first: number("0"), last: number("f") },
  };
}

function padded(prefix: string, digit: string): IdBytes {
  return new Uint8Array(Buffer.from(prefix.padEnd(DIGITS, digit), "hex"));
}

/** A search result: an event, or one of its deliveries. */
export interface FoundRow {
  id: Uint8Array;
  type: string;
  received_at: number;
  number?: number;
  target?: string;
}

export function foundOf({ id, type, received_at: at, number, target }: FoundRow): FoundId {
  const own = number === undefined ? id : deliveryId(id, number);
  return { id: formatId(own), type, receivedAt: isoTime(at), ...(target !== undefined && { target }) };
}

/** The beginning of an id that contains this many digits. */
export function shortened(id: string, digits: number): string {
  let left = digits;
  return [...id].filter((character) => left > 0 && (character === "-" || left-- > 0)).join("").replace(/-$/, "");
}

/** How many leading digits two ids share. */
export function commonDigits(one: string, other: string): number {
  const [a, b] = [one, other].map((id) => id.replaceAll("-", "")) as [string, string];
  let at = 0;
  while (at < DIGITS && a[at] === b[at]) at++;
  return at;
}
