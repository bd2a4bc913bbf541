/** How a target's last 24 hours went, in words. */

import type { Hour } from "./chart.tsx";
import type { View } from "./view.ts";

/** A target's last 24 hours. */
export interface TargetDay {
  hours: readonly Hour[];
  /** Part of the attempts that delivered; absent where there was none. */
  success?: number;
  /** How long attempts took, in milliseconds; absent where there was none. */
  p50Ms?: number;
  p99Ms?: number;
}

/** The median and the 99th percentile of how long attempts took. */
export function latencyOf({ format }: View, day: TargetDay | undefined): string | undefined {
  if (day?.p50Ms === undefined || day.p99Ms === undefined) return undefined;
  return `${format.duration(day.p50Ms)} / ${format.duration(day.p99Ms)}`;
}
