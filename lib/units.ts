/** Durations, sizes and times as people write them. */

import * as z from "zod/mini";
import { meantDuration, meantRate, meantSize } from "./near_miss.ts";
import { type Expectation, expected, type Meant, options } from "./options.ts";
import { wallTime } from "./zone.ts";

/** A duration: `"15s"`, `"2m"`, `"10h"`, or a number of milliseconds. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** A size: `"1mb"`, `"512kb"`, or a number of bytes. 1 kb is 1024 bytes. */
export type Size = number | `${number}${"b" | "kb" | "mb" | "gb"}`;

/** A number of times within a span of time: `{ per: "1s", limit: 200 }` is 200 per second. */
export interface Rate {
  /** The span of time. */
  per: Duration;
  /** How many times within it. */
  limit: number;
}

const millisecondsPer = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const bytesPer = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/** Ten years: what is added to a date stays one. */
const MAX_DURATION_MS = 3_650 * millisecondsPer.d;

/** Timers of the runtimes hold no more milliseconds, and one that is over it fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A schema that reads what a config writes as `Written` to a whole number. */
type Quantity<Written> = z.ZodMiniType<number, Written>;

function quantity<Written>(
  units: Record<string, number>,
  max: number,
  what: Expectation,
  meant: Meant,
): Quantity<Written> {
  const form = new RegExp(`^(\\d+(?:\\.\\d+)?)(${Object.keys(units).join("|")})$`);
  const message = expected(what, meant);
  const written = z.union([z.number(), z.string()], { error: message });
  const read = z.transform((value: number | string, { issues }) => {
    const [, number, unit] = typeof value === "string" ? form.exec(value.toLowerCase()) ?? [] : [];
    const amount = typeof value === "number" ? value : Math.round(Number(number) * (units[unit ?? ""] ?? NaN));
    if (Number.isInteger(amount) && amount >= 0 && amount <= max) return amount;
    issues.push({ code: "custom", message, input: value });
    return z.NEVER;
  });
  return z.pipe(written, read) as unknown as Quantity<Written>;
}

/** Reads a {@link Duration} to whole milliseconds. */
export const duration: Quantity<Duration> = quantity(
  millisecondsPer,
  MAX_DURATION_MS,
  (words) => words.config.expectations.duration,
  meantDuration,
);

/** Reads a {@link Duration} that a timer is set to. */
export const timerDuration: Quantity<Duration> = quantity(
  millisecondsPer,
  MAX_TIMER_MS,
  (words) => words.config.expectations.timerDuration,
  meantDuration,
);

/** Reads a {@link Size} to whole bytes. */
export const size: Quantity<Size> = quantity(
  bytesPer,
  Number.MAX_SAFE_INTEGER,
  (words) => words.config.expectations.size,
  meantSize,
);

/** Reads a {@link Rate} to `{ perMs, limit }`. */
export const rate = z.pipe(
  options({
    per: duration.check(z.refine((ms) => ms > 0, expected((words) => words.config.expectations.moreThan(0)))),
    limit: z.int().check(z.positive()),
  }, (words, value) => words.config.expectations.rate(meantRate(value))),
  z.transform(({ per, limit }) => ({ perMs: per, limit })),
);

const ISO_TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Reads how long ago, such as `7d`, or a time in ISO 8601, to Unix milliseconds; `undefined` if it is neither. A date
 * alone is its beginning.
 * @param timeZone IANA name of the zone of a time that names none; default: this machine's.
 */
export function timeOf(text: string, now: number, timeZone?: string): number | undefined {
  const ago = duration.safeParse(text);
  if (ago.success) return now - ago.data;
  if (!ISO_TIME.test(text)) return undefined;
  const time = text.includes("T") ? text : `${text}T00:00`; // a date alone would be read as one of UTC
  const hasZone = /(Z|[+-]\d\d:\d\d)$/.test(time);
  const at = hasZone || timeZone === undefined ? Date.parse(time) : timeIn(timeZone, Date.parse(`${time}Z`));
  return Number.isNaN(at) ? undefined : at;
}

/** When it is so late in a zone. @param wall What its clocks show, as if they showed UTC; in Unix milliseconds. */
function timeIn(timeZone: string, wall: number): number {
  if (Number.isNaN(wall)) return wall;
  const aheadAt = (at: number) => wallTime(timeZone, at) - at;
  return wall - aheadAt(wall - aheadAt(wall)); // twice, as it may have been changed in between
}
