/** The last 24 hours, and each target's part in them. */

import { type ActivitySummary, summarize, type TargetSummary } from "../../operator/activity.ts";
import { maskRecipients } from "../../recipient.ts";
import type { OperatorStore } from "../../store/operator.ts";
import type { Hour } from "./chart.tsx";
import type { View } from "./view.ts";

/** The hour of now and the 23 before it. */
const SPAN_MS = 23 * 3_600_000;

/** Reads what happened in the last 24 hours, by targets as pages show them. */
export async function readDay(store: OperatorStore, now: number): Promise<ActivitySummary> {
  const since = now - SPAN_MS;
  const { received, attempts } = await store.activity(since);
  const shown = attempts.map((one) => ({ ...one, target: maskRecipients(one.target) }));
  return summarize({ received, attempts: shown }, since, now);
}

/** A target's part in each hour. */
export function hoursOf(day: ActivitySummary, target: string): Hour[] {
  return day.hours.map(({ at, targets }) => ({ at, ...(targets.get(target) ?? { delivered: 0, failed: 0, dead: 0 }) }));
}

/** The median and the 99th percentile of how long attempts took. */
export function latencyOf({ format }: View, summary: TargetSummary | undefined): string | undefined {
  if (summary?.p50Ms === undefined || summary.p99Ms === undefined) return undefined;
  return `${format.duration(summary.p50Ms)} / ${format.duration(summary.p99Ms)}`;
}
