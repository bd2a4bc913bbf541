/** Whether what has one order key came one after the other, in order. */

import { inOrder } from "./deliveries.ts";
import type { Arrival, Finding, History, Posted, Rules } from "./history.ts";

/** What came to a target of one key. */
interface Line {
  target: string;
  key: string;
  arrivals: Arrival[];
}

export function judgeOrder(history: History, { targets }: Rules): Finding[] {
  const posted = new Map(history.posted.map((one) => [one.number, one]));
  const lines = new Map<string, Line>();
  for (const arrival of inOrder(history.arrivals)) {
    const { target, number } = arrival;
    const event = posted.get(number);
    if (!targets[target]?.isOrdered || !event) continue;
    const name = `${target} ${event.key}`;
    const line = lines.get(name) ?? { target, key: event.key, arrivals: [] };
    lines.set(name, line);
    line.arrivals.push(arrival);
  }
  return [...lines.values()].flatMap((line) => [
    ...overlaps(line),
    ...outOfOrder(line, posted, history),
  ]);
}

/** Deliveries that began before the one before them had ended. */
function overlaps({ target, key, arrivals }: Line): Finding[] {
  let latest: Arrival | undefined;
  return arrivals.flatMap((arrival): Finding[] => {
    const before = latest;
    if (endOf(arrival) >= endOf(before)) latest = arrival;
    if (!before || arrival.startedAt >= endOf(before)) return [];
    const early = Math.round(endOf(before) - arrival.startedAt);
    const text = `event ${arrival.number} of key ${key} began at ${target} (${arrival.relay}) ${early} ms before ` +
      `event ${before.number} (${before.relay}) had ended`;
    return [{ rule: "overlap", at: arrival.startedAt, text }];
  });
}

/** When it ended: never before it began, and not yet where it is under way. */
function endOf(arrival: Arrival | undefined): number {
  return arrival ? arrival.endedAt ?? Infinity : -Infinity;
}

/**
 * Events that came before one that was acknowledged before they were sent, or before which such a one came again. Of an
 * event that was replayed only the first delivery counts: the others have another position.
 */
function outOfOrder({ target, key, arrivals }: Line, posted: Map<number, Posted>, { replays }: History): Finding[] {
  const replayed = new Set(replays.map(({ number }) => number));
  const events = new Map<number, { id: string; posted: Posted; first: Arrival; last: Arrival; taken?: Arrival }>();
  for (const arrival of arrivals) {
    const { number, deliveryId } = arrival;
    const event = events.get(number) ?? { id: deliveryId, posted: posted.get(number)!, first: arrival, last: arrival };
    if (event.id !== deliveryId && replayed.has(number)) continue;
    events.set(number, event);
    event.last = arrival;
    if (arrival.isTaken) event.taken ??= arrival;
  }
  const known = [...events.values()].filter((one) => one.posted.acknowledgedAt !== undefined)
    .toSorted((one, other) => one.posted.acknowledgedAt! - other.posted.acknowledgedAt!);
  return [...events.values()].flatMap(({ first, posted: { sentAt, number } }): Finding[] => {
    const say = (what: string): Finding => ({
      rule: "order",
      at: first.startedAt,
      text: `event ${number} of key ${key} came to ${target} (${first.relay}) ${what}`,
    });
    for (const before of known) {
      if (before.posted.acknowledgedAt! >= sentAt) break;
      if (before.posted.number === number) continue;
      const { number: earlier } = before.posted;
      if (!before.taken || endOf(before.taken) > first.startedAt) {
        return [say(`before event ${earlier}, which was acknowledged before it was sent, had been delivered`)];
      }
      if (before.last.startedAt > first.startedAt) {
        return [say(`before event ${earlier}, which was acknowledged before it was sent, came again`)];
      }
    }
    return [];
  });
}
