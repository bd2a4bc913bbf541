/** Makes what came in fit to be shown to a person, whatever it holds. */

import type { Locale } from "../locale/mod.ts";

/** A value as an object, whose fields may be anything; an empty one if it is none. */
export function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

/** A value on one line of at most `max` characters; `undefined` for what is not a text or a number, or is empty. */
export function lineOf(value: unknown, max: number): string | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  return shorten(clean(String(value)).replaceAll(/\s+/g, " ").trim(), max) || undefined;
}

/** A text of several lines, of at most `max` characters; `undefined` for what is no text, or an empty one. */
export function linesOf(value: unknown, max: number): string | undefined {
  if (typeof value !== "string") return undefined;
  return shorten(clean(value).replaceAll(/\n{3,}/g, "\n\n").trim(), max) || undefined;
}

/** The first `max` characters of a text, the last of them an ellipsis if there were more; no character is cut in half. */
export function shorten(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, "").trimEnd()}…`;
}

/** Without what shows as garbage, hides, or makes the text around it run the other way. */
function clean(text: string): string {
  return text.toWellFormed()
    .replaceAll(/\r\n?|[\u0085\u2028\u2029]/g, "\n")
    .replaceAll(/(?!\n)\p{Cc}+/gu, " ")
    .replaceAll(/[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g, "");
}

/** The first of some times in ISO 8601 that is one, in Unix milliseconds. */
export function firstTime(...times: unknown[]): number | undefined {
  const isIso = (one: unknown): one is string => typeof one === "string" && /^\d{4}-\d\d-\d\dT/.test(one);
  return times.filter(isIso).map((one) => Date.parse(one)).find((one) => !Number.isNaN(one));
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** A time for a person: weekday, date, hour and minute, and how far the zone is from UTC. */
export function localTime(at: number, locale: Locale, timeZone: string): string {
  const key = `${locale} ${timeZone}`;
  const format = formats.get(key) ?? new Intl.DateTimeFormat(locale, {
    timeZone,
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "shortOffset",
  });
  formats.set(key, format); // what `Intl` makes is costly to make
  const parts = format.formatToParts(at);
  const time = parts.filter(({ type }) => type !== "timeZoneName").map(({ value }) => value).join("").trim();
  const zone = parts.find(({ type }) => type === "timeZoneName")!.value;
  return `${time} (${zone.replace("+0", "")})`; // Bun writes GMT+0 where Deno writes GMT
}
