/** Whether there were ever too many deliveries at a time, or within a time, and whether what was held stayed so. */

import { inOrder } from "./deliveries.ts";
import type { Arrival, Finding, History, Rules } from "./history.ts";

const MINUTE_MS = 60_000;

/**
 * What began at the beginning of a window may be noted later than what began at its end, by the way from the relay to the
 * target. Windows are shorter than promised by this part of them.
 */
const JITTER = 0.05;

/** How long relays may take to obey an operator, in milliseconds. */
const PAUSE_MS = 500;

/**
 * How often the network is between an operator's word and a relay that obeys: it is told, ends what it reads, reads that
 * something changed, and reads what is held.
 */
const PAUSE_WAYS = 7;

export function judgePace(history: History, { targets, callsPerMinute, slackMs = 0 }: Rules): Finding[] {
  const findings = Object.entries(targets).flatMap(([target, { concurrency, rate }]) => {
    const arrivals = inOrder(history.arrivals.filter((arrival) => arrival.target === target));
    return [
      ...(concurrency === undefined ? [] : tooManyAtOnce(target, arrivals, concurrency)),
      ...(rate === undefined ? [] : tooManyWithin(arrivals.map(begunAt), rate).map((
        { at, count, spanMs },
      ): Finding => ({ rule: "rate", at, text: `${target} got ${count} deliveries within ${spanMs} ms` }))),
    ];
  });
  const calls = tooManyWithin(history.calls, { perMs: MINUTE_MS, limit: callsPerMinute });
  return [
    ...findings,
    ...calls.map(({ at, count, spanMs }): Finding => ({
      rule: "calls",
      at,
      text: `the notes API was called ${count} times within ${spanMs} ms`,
    })),
    ...despiteHold(history, slackMs),
  ];
}

function tooManyAtOnce(target: string, arrivals: readonly Arrival[], most: number): Finding[] {
  let open: Arrival[] = [];
  return arrivals.flatMap((arrival): Finding[] => {
    open = open.filter(({ endedAt }) => endedAt === undefined || endedAt > arrival.startedAt);
    open.push(arrival);
    if (open.length <= most) return [];
    const whose = open.map(({ number, relay }) => `${number} (${relay})`).join(", ");
    return [{ rule: "concurrency", at: arrival.startedAt, text: `${target} had ${open.length} at a time: ${whose}` }];
  });
}

/** @param times In any order. */
function tooManyWithin(
  times: readonly number[],
  { perMs, limit }: { perMs: number; limit: number },
): { at: number; count: number; spanMs: number }[] {
  const sorted = times.toSorted((one, other) => one - other);
  let first = 0;
  return sorted.flatMap((at, index) => {
    while (sorted[first]! <= at - perMs * (1 - JITTER)) first++;
    const count = index - first + 1;
    return count > limit ? [{ at, count, spanMs: Math.round(at - sorted[first]!) }] : [];
  });
}

/** What began at a target that was held. Under a fault, a relay may not have heard of it, or have heard of it later. */
function despiteHold({ holds, arrivals, faults }: History, slackMs: number): Finding[] {
  return holds.flatMap(({ target, from, to = Infinity }) => {
    const meanwhile = faults.filter((fault) => fault.from < to && fault.to > from);
    if (meanwhile.some(({ isClean }) => !isClean)) return [];
    const delayMs = Math.max(0, ...meanwhile.map(({ delayMs = 0 }) => delayMs));
    const obeyedBy = from + PAUSE_MS + PAUSE_WAYS * delayMs + slackMs;
    const despite = arrivals.filter((one) => one.target === target && begunAt(one) > obeyedBy && begunAt(one) < to);
    return despite.map((one): Finding => {
      const [at, afterMs] = [begunAt(one), Math.round(begunAt(one) - from)];
      return {
        rule: "held",
        at,
        text: `event ${one.number} came to ${target} (${one.relay}) ${afterMs} ms after it was paused`,
      };
    });
  });
}

/** When it began, by the relay's word or else as it came. */
function begunAt({ begunAt, startedAt }: Arrival): number {
  return begunAt ?? startedAt;
}
