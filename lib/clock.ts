/** The clock: what time it is, which somebody may set, and how much time has passed, which nobody can. */

/** Tells the time. */
export interface Clock {
  /** Unix milliseconds. They jump, either way, when the clock is set. */
  now(): number;
  /** Milliseconds since some moment. They only ever rise, and jump for nothing. */
  monotonic(): number;
}

/** The clock of this machine. */
export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/** By so many milliseconds a clock may be set back without notice: it is often put right by a little. */
const SLACK_MS = 1_000;

/** The latest time that this clock may have written by now; a later one is of a clock that was set back since. */
export function latestBy(now: number): number {
  return now + SLACK_MS;
}

/**
 * When something is due that was put off until a time. It waits no longer than it was put off for, so it is due now if it
 * was put off at a time that lies ahead. All in Unix milliseconds.
 * @param setAt When it was put off.
 */
export function dueTime(until: number, setAt: number, now: number): number {
  return setAt > latestBy(now) ? Math.min(until, now) : until;
}

/** What a time of one clock is by another, which agree now on these two. */
export function translate(time: number, now: number, otherNow: number): number {
  return otherNow + (time - now);
}
