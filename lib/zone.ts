/** Time zones: what the clocks of a zone show, and when they show it. All times are Unix milliseconds. */

/** A day of 24 hours, in milliseconds. */
export const DAY_MS = 86_400_000;

/** How far a zone may be behind UTC and ahead of it, in milliseconds, with an hour to spare. */
const BEHIND_MS = 13 * 3_600_000;
const AHEAD_MS = 15 * 3_600_000;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat("en", {
    timeZone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(timeZone, format); // what `Intl` makes is costly to make
  return format;
}

/** What the clocks of a zone show, as if they showed UTC. @param timeZone IANA name. */
export function wallTime(timeZone: string, at: number): number {
  const seconds = Math.floor(at / 1_000) * 1_000;
  const parts = formatOf(timeZone).formatToParts(seconds);
  const of = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((one) => one.type === type)!.value);
  const wall = Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
  return wall + at - seconds;
}

/**
 * When the clocks of a zone show this time. A time that they skip is the moment at which they do so.
 * @param wall What they show, as if they showed UTC.
 * @param which Of a time that they show twice: the first time, or the last.
 */
export function whenShown(timeZone: string, wall: number, which: "first" | "last"): number {
  const [start, end] = [wall - AHEAD_MS, wall + BEHIND_MS];
  const [before, after] = [start, end].map((at) => wallTime(timeZone, at) - at) as [number, number];
  if (before === after) return wall - before;
  const change = changeOf(timeZone, start, end, before);
  if (which === "first") return wall - before < change ? wall - before : Math.max(change, wall - after);
  return wall - after > change ? wall - after : Math.min(change, wall - before);
}

/** The first moment after `start` at which a zone is no longer `before` milliseconds ahead of UTC; one by `end` at most. */
function changeOf(timeZone: string, start: number, end: number, before: number): number {
  let [low, high] = [start, end];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (wallTime(timeZone, middle) - middle === before) low = middle;
    else high = middle;
  }
  return high;
}
