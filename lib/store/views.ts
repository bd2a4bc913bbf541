/**
 * What an operator sees of events, deliveries and targets: the one definition for the store's types, the API's document
 * and the CLI's `--json` output. Times are ISO 8601, UTC. Fields are added, never renamed.
 */

import { z } from "zod";
import type { Told } from "../locale/told.ts";
import { reasons } from "../reason.ts";
import { receiptStatus } from "./receipts.ts";

export const time = z.iso.datetime().meta({ examples: ["2026-02-14T18:25:43.000Z"] });
export const id = z.uuid().meta({ description: "UUIDv7" });
export const count = z.int().min(0);
export const ms = z.number().min(0).meta({ description: "Milliseconds" });

/** A text that pages and the CLI show in the reader's language; JSON has the English one. */
export const told = z.custom<Told>().meta({ type: "string" });

export const reason = z.enum(reasons).meta({ id: "Reason", description: "Why an attempt did not deliver" });

/** A store never says `in_flight`: only the relay that has the delivery under way does. */
export const shownStates = ["pending", "in_flight", "delivered", "dead", "skipped"] as const;
export type ShownState = typeof shownStates[number];

export const deliveryState = z.enum(shownStates).meta({
  id: "DeliveryState",
  description:
    "It waits, is on its way, has reached its target, is given up, or was a step of a chain that was not needed. Of " +
    "several relays, only the one that has it on its way says `in_flight`; the others say `pending`",
});

/** Where a delivery is in a chain. */
export const chainView = z.object({
  id: z.int().min(1).meta({ description: "The same for all deliveries of the chain, and for no other of the event" }),
  step: z.int().min(1),
  steps: z.int().min(1).meta({ description: "How many steps the chain has" }),
  withinMs: ms.meta({ description: "How long each step has before the next one begins, in milliseconds" }),
  until: z.enum(["delivered", "read"]).meta({ description: "What makes all further steps unnecessary" }),
  isWaiting: z.boolean().meta({ description: "Its step has not begun; `nextAttemptAt` says when it will, if known" }),
});

/** Whether an event goes anywhere. */
export const eventStates = ["accepted", "unrouted"] as const;
export type EventState = typeof eventStates[number];

export const deliveryView = z.object({
  id,
  target: z.string(),
  state: deliveryState,
  attempts: count,
  reason: reason.nullable().meta({ description: "Of the last attempt that failed" }),
  nextAttemptAt: time.nullable(),
  receipt: receiptStatus.nullable().meta({ description: "What its vendor tells of the message; null if nothing" }),
  chain: chainView.nullable().meta({ description: "Its place in a chain (`firstOf`) of the config" }),
});
export type DeliveryView = z.infer<typeof deliveryView>;

export const eventView = z.object({
  id,
  source: z.string(),
  type: z.string().meta({ examples: ["note.failed"] }),
  state: z.enum(eventStates).meta({ description: "`unrouted`: no route matched, and there is no fallback" }),
  receivedAt: time,
  noteId: z.string().nullable().meta({ description: "The note that it is about, as far as its payload says" }),
  externalId: z.string().nullable().meta({ description: "The reference that the clinic's own system gave" }),
  problems: z.array(told).meta({ description: "What went wrong in functions of the config" }),
  deliveries: z.array(deliveryView.meta({ id: "Delivery" })),
});
export type EventView = z.infer<typeof eventView>;

export const attemptView = z.object({
  attempt: z.int().min(1),
  startedAt: time,
  durationMs: ms,
  outcome: z.enum(["delivered", "retry", "dead"]),
  reason: reason.nullable(),
  detail: told.nullable().meta({ type: ["string", "null"], description: "One sentence" }),
  status: z.int().nullable().meta({ description: "HTTP status, SMTP reply code or exit code" }),
  answer: z.string().nullable().meta({ description: "The first part of what the target answered" }),
});
export type AttemptView = z.infer<typeof attemptView>;

/** A target, as far as its deliveries alone tell. */
export const targetView = z.object({
  name: z.string(),
  pending: count.meta({
    description: "Deliveries that are waiting: for the next attempt, or behind others of their order key. Steps of " +
      "chains that have not begun do not count",
  }),
  inFlight: count.meta({ description: "Deliveries that are on their way, of the relay that answers" }),
  dead: count,
  oldestPendingAt: time.nullable().meta({
    description: "When the oldest event came in that is neither delivered to it nor dead",
  }),
  lastDeliveredAt: time.nullable(),
  lastFailedAt: time.nullable(),
  lastReason: reason.nullable().meta({ description: "Of the last failure" }),
  circuitOpenUntil: time.nullable().meta({ description: "Its circuit is open, and lets a probe through then" }),
  throttledUntil: time.nullable().meta({ description: "It asked for a pause, until then" }),
  pausedAt: time.nullable().meta({ description: "An operator paused it then" }),
});
export type TargetView = z.infer<typeof targetView>;

/** Dead letters of one target with one reason. */
export const deadGroup = z.object({
  target: z.string(),
  reason,
  count,
  oldestAt: time.meta({ description: "When the oldest of the events came in" }),
  newestAt: time,
});
export type DeadGroup = z.infer<typeof deadGroup>;
