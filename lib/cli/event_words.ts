/** How events and deliveries read, the same in every verb. */

import { paint } from "../log.ts";
import type { Format } from "../locale/format.ts";
import { sayReason } from "../locale/reasons.ts";
import type { Reason } from "../reason.ts";
import { isOfCondition } from "../pipeline/route.ts";
import type { DeliveryView, EventView } from "../store/views.ts";
import { words } from "./language.ts";

/** An event for scripts: the fields that they may rely on come first. */
export function eventJson<View extends EventView>({ id, source, type, state, receivedAt, deliveries, ...more }: View) {
  return { id, source, type, state, receivedAt, deliveries, ...more };
}

/** What a reason is called. */
export function reasonName(reason: Reason): string {
  return sayReason(words.pages, reason).name;
}

/** Colour and mark of what was delivered, of what waits, of what failed for good. */
const marks = {
  delivered: ["green", "✓"],
  pending: ["yellow", "…"],
  in_flight: ["yellow", "→"],
  dead: ["red", "✗"],
  skipped: ["gray", "-"],
} as const;

/** A delivery in short: `✓ crm`, `✗ plantao: refused`, `✓ whats/…8888 (read)`. */
export function deliveryInShort({ state, target, reason, receipt }: DeliveryView): string {
  const [color, mark] = marks[state];
  const told = receipt === null ? "" : ` (${words.pages.receipts[receipt]})`;
  return paint(color, `${mark} ${target}`) + told +
    (state !== "delivered" && reason !== null ? `: ${reasonName(reason)}` : "");
}

/** As {@link deliveryInShort}, and when it is tried again. */
export function deliveryWithNext(delivery: DeliveryView, format: Format): string {
  const { nextAttemptAt, attempts } = delivery;
  const next = nextAttemptAt === null || attempts === 0
    ? ""
    : `, ${words.events.next(format.relative(Date.parse(nextAttemptAt)))}`;
  return deliveryInShort(delivery) + next;
}

/** An event's deliveries in short. */
export function deliveriesInShort({ deliveries, problems }: EventView): string[] {
  const failed = problems.some(isOfCondition) ? [paint("yellow", `! ${words.pages.events.failedCondition}`)] : [];
  if (deliveries.length === 0 && failed.length === 0) return [paint("gray", words.events.unrouted)];
  return [...failed, ...deliveries.map(deliveryInShort)];
}
