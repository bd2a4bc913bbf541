/** The clock: what time it is, which somebody may set, how much time has passed, which nobody can, and chance. */

/** Time and chance, as arguments: the relay's own come from `lib/app.ts`, a test turns its own by hand. */
export interface Clock {
  /** Unix milliseconds. They jump, either way, when the clock is set. */
  now(): number;
  /** Milliseconds since some moment. They only ever rise, and jump for nothing. */
  monotonic(): number;
  /** Resolves after this many milliseconds, or as soon as `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back after this many milliseconds, unless the function that it returns is called first; cheaper than a sleep. */
  after(ms: number, callBack: () => void): () => void;
  /** A number from 0 to under 1. */
  random(): number;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal?.addEventListener("abort", end);
    }),
  after(ms, callBack) {
    const timer = setTimeout(callBack, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** Waits for work to end, well or not, for this many milliseconds at most. */
export async function within(ms: number, work: Promise<unknown>, clock: Pick<Clock, "sleep">): Promise<void> {
  const ended = new AbortController();
  await Promise.race([work.catch(() => {}), clock.sleep(ms, ended.signal)]);
  ended.abort();
}

/** A clock may be set back by this many milliseconds without notice: small corrections are frequent. */
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
