/** What is measured of a fault, beside what is judged. */

import { type History, takeovers } from "./judge/mod.ts";
import { rules } from "./targets.ts";

export interface Measures {
  /** Lanes whose relay was struck, and how long until they were worked again: the longest, in milliseconds. */
  lanesTaken: number;
  longestMs: number;
  /** Deliveries that came again, though the target had taken them. */
  repeated: number;
  /** Events that were slow to be acknowledged: posted again, mostly. */
  slowlyAcknowledged: number;
}

/** An event that takes longer is slow to be acknowledged, in milliseconds. */
const QUICK_MS = 1_000;

/** How often {@link watchLateness} looks, in milliseconds. */
const LOOK_EVERY_MS = 100;

/** Measures what began in this time. */
export function measure(history: History, from: number, to: number): Measures {
  const isWithin = (at: number) => at >= from && at <= to;
  const taken = takeovers(history, rules).filter(({ fault }) => isWithin(fault.from));
  return {
    lanesTaken: taken.length,
    longestMs: Math.max(0, ...taken.map(({ next }) => next?.afterMs ?? Infinity)),
    repeated: repeatedWithin(history, isWithin),
    slowlyAcknowledged:
      history.posted.filter(({ sentAt, acknowledgedAt = Infinity }) =>
        isWithin(sentAt) && acknowledgedAt - sentAt > QUICK_MS
      ).length,
  };
}

function repeatedWithin({ arrivals }: History, isWithin: (at: number) => boolean): number {
  const taken = new Set<string>();
  let count = 0;
  for (const { deliveryId, isTaken, startedAt } of arrivals) {
    if (taken.has(deliveryId) && isWithin(startedAt)) count++;
    if (isTaken) taken.add(deliveryId);
  }
  return count;
}

/** Watches how late the timers of this process are, which tells how busy the machine is. */
export function watchLateness(): { take(): number; close(): void } {
  let [latest, due] = [0, performance.now() + LOOK_EVERY_MS];
  const timer = setInterval(() => {
    latest = Math.max(latest, performance.now() - due);
    due = performance.now() + LOOK_EVERY_MS;
  }, LOOK_EVERY_MS);
  return {
    take() {
      const ms = Math.round(latest);
      latest = 0;
      return ms;
    },
    close: () => clearInterval(timer),
  };
}
