/** Activity: attempts counted by the hour, with their durations in buckets. Pure functions. */

export const HOUR_MS = 3_600_000;

/** The bucket of a duration: four per doubling, so that the duration read back is accurate to a tenth. */
export function bucketOf(durationMs: number): number {
  return Math.round(4 * Math.log2(Math.max(durationMs, 1)));
}

/** The duration that a bucket stands for, in milliseconds. */
export function durationOf(bucket: number): number {
  return 2 ** (bucket / 4);
}
