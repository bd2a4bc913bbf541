/** How events, routes and deliveries read, the same in every verb. */

import { paint } from "../log.ts";
import type { Held } from "../operator/status.ts";
import type { Story } from "../operator/story.ts";
import type { Verdict } from "../pipeline/route.ts";
import type { DeliveryView, EventView } from "../store/views.ts";
import { relative } from "./terminal.ts";

/** An event for scripts: the fields that they may rely on come first. */
export function eventJson<View extends EventView>({ id, source, type, state, receivedAt, deliveries, ...more }: View) {
  return { id, source, type, state, receivedAt, deliveries, ...more };
}

/** What a route's verdict means. */
export const verdictWords: Record<Verdict, string> = {
  matched: "matches",
  other_event: "is for other events",
  when_false: "its `when` says no",
  when_threw: "its `when` failed, which is no match",
};

/** Colour of what went well, of what waits, of what did not go. */
const marks = {
  delivered: ["green", "✓"],
  pending: ["yellow", "…"],
  in_flight: ["yellow", "→"],
  dead: ["red", "✗"],
} as const;

/** A delivery in one or two words: `✓ crm`, `✗ plantao: refused`. */
export function deliveryInShort({ state, target, reason }: DeliveryView): string {
  const [color, mark] = marks[state];
  return paint(color, `${mark} ${target}`) + (state !== "delivered" && reason !== null ? `: ${reason}` : "");
}

/** The states of an event's deliveries, on one line. */
export function deliveriesInShort({ deliveries }: EventView): string {
  if (deliveries.length === 0) return paint("gray", "unrouted");
  return deliveries.map(deliveryInShort).join("  ");
}

/** A delivery's state, and what comes next. */
export function deliveryState(delivery: Story["deliveries"][number], now: number): string {
  const { state, target, attempts, reason, nextAttemptAt, held } = delivery;
  const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const failed = reason === null ? "" : `: ${reason}`;
  switch (state) {
    case "delivered":
      return paint("green", `delivered at the ${ordinal(attempts)} attempt`);
    case "dead":
      return paint("red", `dead after ${tries}${failed}`);
    case "in_flight":
      return paint("yellow", `on its way, the ${ordinal(attempts + 1)} attempt`);
    case "pending": {
      const next = held
        ? heldWords(held, target, now)
        : nextAttemptAt === null
        ? "waits for the one before it of its order key"
        : Date.parse(nextAttemptAt) > now
        ? `next attempt ${relative(Date.parse(nextAttemptAt), now)}`
        : "due now";
      return paint("yellow", `waiting after ${tries}${failed}; ${next}`);
    }
  }
}

function heldWords({ state, until }: Held, target: string, now: number): string {
  const end = until === null ? "" : relative(Date.parse(until), now);
  switch (state) {
    case "open":
      return `held after failures in a row, tried ${end}`;
    case "throttled":
      return `held as the target asked, goes on ${end}`;
    case "paused":
      return `held by an operator until \`relay resume ${target}\``;
    case "orphaned":
      return "held, the target is not in the config";
  }
}

function ordinal(number: number): string {
  const ending = number % 100 >= 11 && number % 100 <= 13 ? "th" : ["th", "st", "nd", "rd"][number % 10] ?? "th";
  return `${number}${ending}`;
}
