/** Times as verbs tell them, all of one zone. */

import type { Format } from "../locale/format.ts";
import { paint } from "../log.ts";
import { timeZone, words } from "./language.ts";

/** A time, in Unix milliseconds or as ISO 8601. */
type Time = number | string;

/** As short as it can be told, then how far it is from now: to stand after "since" and "until". */
export function atTime(time: Time, format: Format): string {
  const at = msOf(time);
  return words.status.at(format.short(at), format.relative(at));
}

/** How far it is from now, then as short as it can be told: to stand by itself. */
export function whenTime(time: Time, format: Format): string {
  const at = msOf(time);
  return words.status.when(format.short(at), format.relative(at));
}

/** With its date, then how far it is from now. */
export function fullTime(time: Time, format: Format): string {
  const at = msOf(time);
  return words.status.at(format.absolute(at), format.relative(at));
}

/** As {@link fullTime}, with its zone: for a sentence that stands alone. */
export function zonedTime(time: Time, format: Format): string {
  const at = msOf(time);
  return words.status.at(`${format.absolute(at)} ${timeZone}`, format.relative(at));
}

/** The line that says which zone all times are of. */
export function zoneLine(): string {
  return paint("gray", words.status.times(timeZone));
}

export function msOf(time: Time): number {
  return typeof time === "number" ? time : Date.parse(time);
}
