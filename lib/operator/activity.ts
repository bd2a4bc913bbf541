/** Recent activity: totals, and each target's success rate and durations. Pure functions. */

import type { Activity } from "../store/operator.ts";

/** Outcomes of attempts. */
export interface Counts {
  delivered: number;
  /** Failed, and tried again. */
  failed: number;
  dead: number;
}

/** What happened in one hour. */
export interface Hour extends Counts {
  /** When it begins, in Unix milliseconds. */
  at: number;
  received: number;
  targets: Map<string, Counts>;
}

/** How a target did. Durations of attempts in milliseconds, within a tenth. */
export interface TargetSummary extends Counts {
  /** Part of the attempts that delivered, 0 to 1; absent if there were none. */
  successRate?: number;
  p50Ms?: number;
  p99Ms?: number;
}

export interface ActivitySummary extends Counts {
  received: number;
  /** The oldest first; hours in which nothing happened are there as well. */
  hours: Hour[];
  targets: Map<string, TargetSummary>;
}

const HOUR_MS = 3_600_000;

/** @param since The time that the activity was asked for. @param now Unix milliseconds. */
export function summarize({ received, attempts }: Activity, since: number, now: number): ActivitySummary {
  const hours = new Map<number, Hour>();
  for (let at = Math.floor(since / HOUR_MS) * HOUR_MS; at <= now; at += HOUR_MS) {
    hours.set(at, { at, received: 0, ...none(), targets: new Map() });
  }
  const summary: ActivitySummary = { received: 0, ...none(), hours: [...hours.values()], targets: new Map() };
  for (const { at, count } of received) {
    const hour = hours.get(at);
    if (hour) hour.received += count;
    summary.received += count;
  }
  for (const { at, target, state, count } of attempts) {
    const hour = hours.get(at);
    const own = summary.targets.get(target) ?? none();
    summary.targets.set(target, own);
    const inHour = hour?.targets.get(target) ?? none();
    hour?.targets.set(target, inHour);
    for (const one of [summary, own, inHour, ...(hour ? [hour] : [])]) one[outcomeOf[state]] += count;
  }
  for (const [target, own] of summary.targets) {
    const durations = attempts.filter((one) => one.target === target);
    const all = own.delivered + own.failed + own.dead;
    Object.assign(own, {
      successRate: all > 0 ? own.delivered / all : undefined,
      p50Ms: quantile(durations, 0.5),
      p99Ms: quantile(durations, 0.99),
    });
  }
  return summary;
}

const outcomeOf = { pending: "failed", delivered: "delivered", dead: "dead" } as const;

function none(): Counts {
  return { delivered: 0, failed: 0, dead: 0 };
}

/** The duration that a part `q` of the attempts does not exceed. */
function quantile(durations: readonly { durationMs: number; count: number }[], q: number): number | undefined {
  const sorted = durations.toSorted((one, other) => one.durationMs - other.durationMs);
  let left = q * sorted.reduce((sum, { count }) => sum + count, 0);
  return sorted.find(({ count }) => (left -= count) <= 0)?.durationMs;
}
