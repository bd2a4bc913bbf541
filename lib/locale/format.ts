/** Times as a language writes them, in one zone, and with the numbers that stand beside them. */

import { type Locale, locales } from "./mod.ts";

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
  /** As short as it can be told: `14:37:08` today, `23 Nov, 14:37`, `23 Nov 2025`. */
  short(at: number): string;
  /** Hour and minute. */
  hour(at: number): string;
}

const made = new Map<string, (now: number) => Format>();

/**
 * @param timeZone IANA name of the zone of the times: the config's `timeZone`, in the CLI as on the pages.
 * @param now Unix milliseconds.
 */
export function formatOf(locale: Locale, timeZone: string, now: number): Format {
  const key = `${locale} ${timeZone}`;
  if (!made.has(key)) made.set(key, makeFormat(locale, timeZone)); // what `Intl` makes is costly to make
  return made.get(key)!(now);
}

function makeFormat(locale: Locale, timeZone: string): (now: number) => Format {
  const { forms } = locales[locale];
  const { number } = forms;
  const times = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { timeZone, hourCycle: "h23", ...options });
  const hours = { hour: "2-digit", minute: "2-digit" } as const;
  const date = { day: "2-digit", month: "short" } as const;
  const absolute = times({ ...date, year: "numeric", ...hours, second: "2-digit" });
  const hour = times(hours);
  const time = times({ ...hours, second: "2-digit" });
  const day = times({ ...date, ...hours });
  const year = times({ ...date, year: "numeric" });
  const dayOf = times({ year: "numeric", month: "2-digit", day: "2-digit" });
  const yearOf = times({ year: "numeric" });

  return (now) => ({
    number,
    percent: forms.percent,
    duration(ms) {
      if (ms < 1_000) return `${number(Math.round(ms))}\u00a0ms`;
      if (ms < 60_000) return `${number(ms / 1_000)}\u00a0s`;
      return ms < 3_600_000 ? `${number(ms / 60_000)}\u00a0min` : `${number(ms / 3_600_000)}\u00a0h`;
    },
    relative: (at) => forms.relative(at - now),
    absolute: (at) => absolute.format(at),
    short(at) {
      if (dayOf.format(at) === dayOf.format(now)) return time.format(at);
      return (yearOf.format(at) === yearOf.format(now) ? day : year).format(at);
    },
    hour: (at) => hour.format(at),
  });
}
