/** Numbers, times and durations as a language writes them. */

import type { Locale } from "../../locale/mod.ts";

/** Writes values in one language and time zone. */
export interface Format {
  number(value: number): string;
  /** A part of 1, such as 0.995. */
  percent(part: number): string;
  /** How long something took. */
  duration(ms: number): string;
  /** How far a time is from now: `3 min. ago`. */
  relative(at: number): string;
  /** Date and time to the second. */
  absolute(at: number): string;
  /** Hour and minute. */
  hour(at: number): string;
}

const made = new Map<string, (now: number) => Format>();

/** @param timeZone IANA name of the zone of the times. */
export function formatOf(locale: Locale, timeZone: string, now: number): Format {
  const key = `${locale} ${timeZone}`;
  if (!made.has(key)) made.set(key, makeFormat(locale, timeZone)); // what `Intl` makes is costly to make
  return made.get(key)!(now);
}

/** Sizes of the units of relative times, the largest first. */
const units = [[86_400_000, "day"], [3_600_000, "hour"], [60_000, "minute"], [1_000, "second"]] as const;

function makeFormat(locale: Locale, timeZone: string): (now: number) => Format {
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
  const relative = new Intl.RelativeTimeFormat(locale, { style: "short" });
  const absolute = new Intl.DateTimeFormat(locale, {
    timeZone,
    day: "2-digit",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  const hour = new Intl.DateTimeFormat(locale, { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

  return (now) => ({
    number: (value) => number.format(value),
    percent: (part) => percent.format(part),
    duration(ms) {
      if (ms < 1_000) return `${number.format(Math.round(ms))}\u00a0ms`;
      if (ms < 60_000) return `${number.format(ms / 1_000)}\u00a0s`;
      return ms < 3_600_000 ? `${number.format(ms / 60_000)}\u00a0min` : `${number.format(ms / 3_600_000)}\u00a0h`;
    },
    relative(at) {
      const [size, unit] = units.find(([size]) => Math.abs(at - now) >= size) ?? [1_000, "second"];
      return relative.format(Math.trunc((at - now) / size), unit);
    },
    absolute: (at) => absolute.format(at),
    hour: (at) => hour.format(at),
  });
}
