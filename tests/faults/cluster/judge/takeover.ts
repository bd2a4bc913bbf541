/** How long lanes stood still after a fault. */

import { inOrder } from "./deliveries.ts";
import type { Arrival, Fault, Finding, History, Rules } from "./history.ts";

/** What became of a lane whose relay a fault struck. */
export interface Takeover {
  fault: Fault;
  target: string;
  /** Whose it was. */
  before: string;
  /** Who went on, and how long after the time from which it counts; `undefined` if nobody has yet. */
  next?: { relay: string; afterMs: number };
}

/** What becomes of each lane that a fault took from its relay. A lane that an operator held meanwhile tells nothing. */
export function takeovers({ arrivals, faults, holds }: History, { targets }: Rules): Takeover[] {
  const steady = Object.keys(targets).filter((target) => targets[target]!.isSteady);
  const lanes = new Map<string, Arrival[]>(steady.map((target) => [target, []]));
  for (const arrival of inOrder(arrivals)) lanes.get(arrival.target)?.push(arrival);
  return faults.flatMap((fault) => {
    const { takeover, relays } = fault;
    if (!takeover) return [];
    const { from, withinMs, itselfFrom = fault.to } = takeover;
    return [...lanes].flatMap(([target, lane]): Takeover[] => {
      const isHeld = holds.some((hold) =>
        hold.target === target && hold.from <= from + withinMs && (hold.to ?? Infinity) >= fault.from
      );
      const before = lane.findLast(({ startedAt }) => startedAt <= fault.from);
      if (isHeld || !before || !relays.includes(before.relay)) return [];
      const next = lane.find(({ startedAt, relay }) =>
        startedAt > fault.from && startedAt >= from && (!relays.includes(relay) || startedAt >= itselfFrom)
      );
      return [{
        fault,
        target,
        before: before.relay,
        next: next && { relay: next.relay, afterMs: Math.round(next.startedAt - from) },
      }];
    });
  });
}

export function judgeTakeovers(history: History, rules: Rules, now: number): Finding[] {
  return takeovers(history, rules).flatMap(({ fault, target, before, next }): Finding[] => {
    const { from, withinMs } = fault.takeover!;
    const tookMs = next?.afterMs ?? now - from;
    if (tookMs <= withinMs + (rules.slackMs ?? 0)) return [];
    const what = next ? `was worked again by ${next.relay} after ${tookMs} ms` : `is not worked after ${tookMs} ms`;
    return [{ rule: "takeover", at: fault.from, text: `after ${fault.name}, ${before}'s lane ${target} ${what}` }];
  });
}
