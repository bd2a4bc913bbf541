/** Quiet hours of a target: when its deliveries wait, and until when. */

import * as z from "zod/mini";
import type { Pattern } from "../event.ts";
import { timeZoneName } from "../messages/style.ts";
import { expected, options, says, text } from "../options.ts";
import { matches } from "../pattern.ts";
import { DAY_MS, wallTime, whenShown } from "../zone.ts";

/** Hours in which nothing is sent. */
export interface QuietOptions {
  /** When they begin, such as `"20:00"`. */
  from: string;
  /** When they end, such as `"07:00"`: on the next day if that is earlier than `from`. */
  to: string;
  /** IANA time zone of both. Default: the config's `timeZone`. */
  zone?: string;
  /** Events that go out all the same: names, or patterns such as `"note.*"`. */
  except?: readonly Pattern[];
}

/** {@link QuietOptions} as they are read. */
export interface Quiet {
  /** Minutes after midnight. Never the same. */
  from: number;
  to: number;
  /** IANA name. */
  zone: string;
  except: readonly string[];
}

const MINUTE_MS = 60_000;

const CLOCK_TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;

const clockTime = z.pipe(
  text((words) => words.config.expectations.clockTime, CLOCK_TIME, meantClockTime),
  z.transform((written): number => {
    const [, hour, minute] = CLOCK_TIME.exec(written) ?? [];
    return Number(hour) * 60 + Number(minute);
  }),
);

/** `"8:00"`, `"8h"`, `"8h30"`, `20` or `"8pm"` for a time of day. */
function meantClockTime(value: unknown): string | undefined {
  const form = /^(\d{1,2})(?:[:.h]([0-5]?\d)?)?(?::[0-5]\d)?\s*(am|pm)?$/i;
  const [, hour, minute = "0", half] = form.exec(String(value).trim()) ?? [];
  if (hour === undefined) return undefined;
  const inDay = half ? Number(hour) % 12 + (half.toLowerCase() === "pm" ? 12 : 0) : Number(hour) % 24;
  if (Number(hour) > 24) return undefined;
  return JSON.stringify(`${String(inDay).padStart(2, "0")}:${minute.padStart(2, "0")}`);
}

const pattern = z.string(expected((words) => words.config.expectations.pattern))
  .check(z.minLength(1, expected((words) => words.config.expectations.pattern)));

/** The zod shape of a target's quiet hours. */
export const quietHours = options(
  { from: clockTime, to: clockTime, zone: z.optional(timeZoneName), except: z._default(z.array(pattern), []) },
  (words) => words.config.expectations.such('{ from: "20:00", to: "07:00" }'),
).check(z.superRefine(({ from, to }, { addIssue }) => {
  if (from !== to) return;
  addIssue({ code: "custom", path: ["to"], message: says((words) => words.config.quietAllDay) });
}));

/** Whether an event of this type waits for the end of quiet hours. */
export function isQuietFor({ except }: Quiet, type: string): boolean {
  return !except.some((pattern) => matches(pattern, type));
}

/**
 * When quiet hours end, in Unix milliseconds, which is in none; `undefined` if there are none now. They begin the first
 * time that clocks show `from`, and end the last time that they show `to`; a time that clocks skip is the moment at
 * which they do so.
 * @param now Unix milliseconds.
 */
export function quietUntil(quiet: Quiet, now: number): number | undefined {
  let at = now;
  // Where a whole day is skipped, the next span begins as the one before ends.
  for (let end: number | undefined = now; end !== undefined; end = endOfSpanAt(quiet, at)) at = end;
  return at === now ? undefined : at;
}

/** The end of a span of quiet hours that holds this moment. */
function endOfSpanAt({ from, to, zone }: Quiet, at: number): number | undefined {
  const today = Math.floor(wallTime(zone, at) / DAY_MS);
  const lastsOvernight = to < from;
  // A span may have begun the day before, or two where clocks have skipped one, and one that is set back shows a day again.
  for (let day = today - 2; day <= today + 1; day++) {
    const start = whenShown(zone, day * DAY_MS + from * MINUTE_MS, "first");
    if (at < start) continue;
    const end = whenShown(zone, (day + (lastsOvernight ? 1 : 0)) * DAY_MS + to * MINUTE_MS, "last");
    if (at < end) return end;
  }
  return undefined;
}
