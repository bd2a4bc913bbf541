/** Follows the deliveries of an event, attempt by attempt. */

import type { Clock } from "../clock.ts";
import type { DeliveryStory } from "../store/operator.ts";
import type { AttemptView } from "../store/views.ts";

/** How often the store is read, in milliseconds. */
const LOOK_MS = 100;

/** An attempt that has ended. */
export interface Step {
  delivery: DeliveryStory;
  attempt: AttemptView;
  /** The delivery's newest attempt, so that its state and its next attempt follow from this one. */
  isNewest: boolean;
}

interface Following {
  /** Stop when each delivery was `tried` once, or has `ended`: it is delivered or dead. */
  until: "tried" | "ended";
  /** How long to follow, in milliseconds. */
  patienceMs: number;
  signal?: AbortSignal;
  /** Called for each attempt, in the order in which they are found. */
  onStep?: (step: Step) => void;
  /** Called after each look, with the deliveries that are followed on. */
  onWaiting?: (deliveries: readonly DeliveryStory[]) => void;
}

/**
 * Reads an event again and again until its deliveries are done, time is up, or the signal is aborted.
 * @param look Gives the event as it is now.
 * @returns The deliveries as they were seen last.
 */
export async function follow(
  look: () => Promise<{ deliveries: DeliveryStory[] } | undefined>,
  clock: Pick<Clock, "monotonic" | "sleep">,
  { until, patienceMs, signal, onStep, onWaiting }: Following,
): Promise<DeliveryStory[]> {
  const end = clock.monotonic() + patienceMs;
  const told = new Map<string, number>();
  for (;;) {
    const deliveries = (await look())?.deliveries ?? [];
    for (const delivery of deliveries) {
      const { id, history } = delivery;
      for (const attempt of history.slice(told.get(id))) {
        onStep?.({ delivery, attempt, isNewest: attempt === history.at(-1) });
      }
      told.set(id, history.length);
    }
    const waiting = deliveries.filter((one) => isFollowed(one, until));
    const left = end - clock.monotonic();
    if (waiting.length === 0 || left <= 0 || signal?.aborted) return deliveries;
    onWaiting?.(waiting);
    await clock.sleep(Math.min(LOOK_MS, left), signal);
  }
}

/** Whether nothing more is to be expected of a delivery. */
export function hasEnded({ state }: Pick<DeliveryStory, "state">): boolean {
  return state === "delivered" || state === "dead" || state === "skipped";
}

/** Whether a delivery is still to be followed `until` it was tried, or has ended. */
export function isFollowed(delivery: DeliveryStory, until: Following["until"]): boolean {
  if (hasEnded(delivery)) return false;
  // A step of a chain that has not begun may never be tried.
  return until === "ended" || (delivery.history.length === 0 && !delivery.chain?.isWaiting);
}
