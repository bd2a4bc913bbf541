/** Follows the deliveries of an event, attempt by attempt. */

import type { Clock } from "../clock.ts";
import { isAtLeast } from "../receipt.ts";
import type { DeliveryStory } from "../store/operator.ts";
import type { ReceiptView } from "../store/receipts.ts";
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
  /**
   * Stop when each delivery was `tried` once, or has `ended`: it is dead, or delivered, and its vendor, if it tells, has
   * told that the message arrived.
   */
  until: "tried" | "ended";
  /** How long to follow, in milliseconds. */
  patienceMs: number;
  signal?: AbortSignal;
  /** Called for each attempt, in the order in which they are found. */
  onStep?: (step: Step) => void;
  /** Called for each word of a vendor on a message, in the order in which they are found. */
  onReceipt?: (delivery: DeliveryStory, receipt: ReceiptView) => void;
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
  { until, patienceMs, signal, onStep, onReceipt, onWaiting }: Following,
): Promise<DeliveryStory[]> {
  const end = clock.monotonic() + patienceMs;
  const told = new Map<string, number>();
  const heard = new Map<string, Set<string>>();
  for (;;) {
    const deliveries = (await look())?.deliveries ?? [];
    for (const delivery of deliveries) {
      const { id, history } = delivery;
      for (const attempt of history.slice(told.get(id))) {
        onStep?.({ delivery, attempt, isNewest: attempt === history.at(-1) });
      }
      told.set(id, history.length);
      const before = heard.get(id) ?? new Set();
      heard.set(id, before);
      for (const receipt of delivery.receipts) {
        const key = `${receipt.status} ${receipt.at}`;
        if (!before.has(key)) onReceipt?.(delivery, receipt);
        before.add(key);
      }
    }
    const waiting = deliveries.filter((one) => isFollowed(one, until));
    const left = end - clock.monotonic();
    if (waiting.length === 0 || left <= 0 || signal?.aborted) return deliveries;
    onWaiting?.(waiting);
    await clock.sleep(Math.min(LOOK_MS, left), signal);
  }
}

/** Whether nothing more is to be expected of a delivery. */
export function hasEnded({ state, receipt }: Pick<DeliveryStory, "state" | "receipt">): boolean {
  return state === "dead" || state === "skipped" ||
    (state === "delivered" && (receipt === null || isAtLeast(receipt, "delivered")));
}

/** Whether a delivery is still to be followed `until` it was tried, or has ended. */
export function isFollowed(delivery: DeliveryStory, until: Following["until"]): boolean {
  if (until === "ended") return !hasEnded(delivery);
  // A step of a chain that has not begun may never be tried.
  return delivery.history.length === 0 && delivery.state !== "skipped" && !delivery.chain?.isWaiting;
}
