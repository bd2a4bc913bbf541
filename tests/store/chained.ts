/** Events whose deliveries are steps of a chain, for the tests of stores. */

import type { ChainStep, NewDelivery, NewEvent } from "../../lib/event.ts";
import type { Due, Store } from "../../lib/store/mod.ts";
import { dueIn, epochOf, newEvent, recordOf, T0 } from "./samples.ts";

export const WITHIN = 600_000;

/** An event with a chain of these steps, each of one target or several, with an order key after a colon if it has one. */
export function chained(key: string, steps: (string | string[])[], parts: Partial<ChainStep> = {}): NewEvent {
  const deliveries = steps.flatMap((step, index) =>
    [step].flat().map((text): NewDelivery => {
      const [target = "", orderKey] = text.split(":");
      const chain = {
        chain: 0,
        step: index + 1,
        withinMs: WITHIN,
        until: "delivered" as const,
        hasProof: false,
        ...parts,
      };
      return { target, ...(orderKey !== undefined && { orderKey }), chain };
    })
  );
  return newEvent(key, [], { deliveries });
}

/** State of each delivery of an event, when the next attempt is due in milliseconds from T0, and whether it waits. */
export async function shown(store: Store, key: string): Promise<string[]> {
  const story = (await store.story(newEvent(key).id))!;
  return story.deliveries.map(({ target, state, nextAttemptAt, chain }) => {
    const at = nextAttemptAt === null ? "" : ` ${Date.parse(nextAttemptAt) - T0}`;
    return `${target} ${chain?.isWaiting ? "waits" : state}${at}`;
  });
}

/** What is due and has begun. */
export const begun = async (store: Store, lane: string) =>
  (await dueIn(store, lane)).due.filter((one) => !one.isWaiting);

/** Writes these as records of the lanes' owner. */
export async function write(store: Store, due: Due, state: "pending" | "delivered" | "dead", startedAt = T0) {
  const records = [recordOf(due, state, { startedAt })];
  return await store.write({ accepts: [], lanes: [{ epoch: await epochOf(store, due.lane), hold: {}, records }] });
}
