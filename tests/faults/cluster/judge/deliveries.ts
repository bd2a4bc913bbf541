/** Whether each event that was acknowledged arrived, where it was to, and again only where a fault excuses it. */

import type { Arrival, Fault, Finding, History, Posted } from "./history.ts";

export function judgeDeliveries(history: History): Finding[] {
  return [...lost(history), ...unknown(history), ...repeated(history), ...changedIds(history)];
}

/** What was acknowledged, or replayed, and is missing at a target. */
export function outstanding(history: History): { number: number; target: string; at: number; missing: number }[] {
  const taken = new Map<string, Set<string>>();
  for (const { number, target, deliveryId, isTaken } of history.arrivals) {
    if (isTaken) idsOf(taken, number, target).add(deliveryId);
  }
  const expected = expectedOf(history);
  return history.posted.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined).flatMap((posted) =>
    posted.targets.map((target) => ({
      number: posted.number,
      target,
      at: posted.acknowledgedAt!,
      missing: expected(posted, target) - (taken.get(placeOf(posted.number, target))?.size ?? 0),
    }))
  ).filter(({ missing }) => missing > 0);
}

function lost(history: History): Finding[] {
  return outstanding(history).map(({ number, target, at, missing }) => ({
    rule: "lost",
    at,
    text: `event ${number} was acknowledged, and ${missing === 1 ? "" : `${missing} times `}not delivered to ${target}`,
  }));
}

function unknown({ arrivals, posted }: History): Finding[] {
  const known = new Map(posted.map((one) => [one.number, one]));
  return arrivals.filter(({ number, target }) => {
    const { targets = [], mayReach = [] } = known.get(number) ?? {};
    return !targets.includes(target) && !mayReach.includes(target);
  }).map(({ number, target, startedAt, eventId }) => ({
    rule: "unknown",
    at: startedAt,
    text: `event ${number} (${eventId}) came to ${target}, which it was not for`,
  }));
}

/** A delivery that came again after the target had taken it, with no fault in between. */
function repeated({ arrivals, faults }: History): Finding[] {
  const last = new Map<string, Arrival>();
  return inOrder(arrivals).flatMap((arrival): Finding[] => {
    const before = last.get(arrival.deliveryId);
    if (arrival.isTaken || !before) last.set(arrival.deliveryId, arrival);
    if (!before?.isTaken || faults.some((fault) => liesBetween(fault, before, arrival))) return [];
    const { number, target, deliveryId, startedAt: at } = arrival;
    const text = `event ${number} came again to ${target} (${deliveryId}), from ${arrival.relay} ` +
      `${Math.round(at - before.startedAt)} ms after ${before.relay}, with no fault in between`;
    return [{ rule: "repeated", at, text }];
  });
}

/** One that was under way as the fault began, or began before it was over, may not have been recorded. */
function liesBetween({ from, to, isClean }: Fault, before: Arrival, again: Arrival): boolean {
  return !isClean && from <= again.startedAt && to >= before.startedAt;
}

/** More delivery ids for an event at a target than deliveries were made of it. */
function changedIds(history: History): Finding[] {
  const ids = new Map<string, Set<string>>();
  const expected = expectedOf(history);
  const posted = new Map(history.posted.map((one) => [one.number, one]));
  return inOrder(history.arrivals).flatMap((arrival): Finding[] => {
    const { number, target, deliveryId, startedAt: at } = arrival;
    const known = idsOf(ids, number, target);
    const event = posted.get(number);
    if (!event || known.has(deliveryId)) return [];
    known.add(deliveryId);
    if (known.size <= expected(event, target)) return [];
    return [{ rule: "ids", at, text: `event ${number} came to ${target} under another id: ${[...known].join(", ")}` }];
  });
}

/** How many deliveries of an event a target gets. */
function expectedOf({ replays }: History): (posted: Posted, target: string) => number {
  return ({ number }, target) =>
    1 + replays.filter((replay) => replay.number === number && replay.targets.includes(target)).length;
}

/** Arrivals by when they began. */
export function inOrder(arrivals: readonly Arrival[]): Arrival[] {
  return arrivals.toSorted((one, other) => one.startedAt - other.startedAt);
}

function placeOf(number: number, target: string): string {
  return `${number} ${target}`;
}

function idsOf(ids: Map<string, Set<string>>, number: number, target: string): Set<string> {
  const place = placeOf(number, target);
  const known = ids.get(place) ?? new Set();
  ids.set(place, known);
  return known;
}
