/** The whole story of an event: what the store keeps of it, and where the current config sends it. */

import type { LoadedConfig } from "../config/load.ts";
import type { IdBytes } from "../id.ts";
import type { Told } from "../locale/told.ts";
import { maskHeaders } from "../log.ts";
import { isSystem } from "../system_event.ts";
import { type ChainRule, route, type RoutedEvent, routedOf, type Verdict } from "../pipeline/route.ts";
import { readable } from "../sources/view.ts";
import type { Store } from "../store/mod.ts";
import type { DeliveryStory, EventStory } from "../store/operator.ts";
import { targetInLane } from "../targets/target.ts";
import { type Paced, pacedUntil } from "./paced.ts";
import { type Held, heldAt } from "./status.ts";

/** Where the current config sends an event, and why. */
export interface RoutingStory {
  targets: string[];
  /** Which of them are told one after the other. */
  chains: ChainRule[];
  isFallback: boolean;
  routes: { on: readonly string[]; to: readonly string[]; chains: readonly ChainRule[]; verdict: Verdict }[];
  problems: Told[];
}

/** A delivery of an event as a person sees it. */
export interface ToldDelivery extends Omit<DeliveryStory, "failures"> {
  /** Why one that waits will not go when its time comes, or that this is when its target takes it. */
  held: Held | Paced | null;
  /** How many attempts it still has before it is given up; `null` if it does not wait, or the config does not name its target. */
  attemptsLeft: number | null;
}

/** {@link EventStory} as a person sees it: headers masked, and the secret by its number alone. */
export interface Story extends Omit<EventStory, "secretIndex" | "deliveries"> {
  /** Which of the source's secrets signed it, from 1; `of` how many it has now, absent if the config lacks the source. */
  secret: { number: number; of?: number };
  routing: RoutingStory;
  deliveries: ToldDelivery[];
}

/** The story of the event of this id, or of the one whose delivery has it. */
export async function tellStory(
  store: Store,
  loaded: LoadedConfig,
  id: IdBytes,
  now: number,
): Promise<Story | undefined> {
  const story = await store.story(id);
  if (!story) return undefined;
  const { secretIndex, ...rest } = story;
  const { sources, targets } = loaded.config;
  const holds = await store.lanes.holds();
  const source = sources.find(({ name }) => name === story.source);
  return {
    ...rest,
    headers: maskHeaders(new Headers(story.headers), sources.flatMap((one) => one.signatureHeaders)),
    secret: { number: secretIndex + 1, of: source?.secretCount },
    routing: isSystem(story)
      ? nowhere
      : routingOf(routedOf(readable({ ...story, receivedAt: Date.parse(story.receivedAt) }, sources)), loaded),
    deliveries: story.deliveries.map(({ failures, ...delivery }) => {
      const { state, target: name, nextAttemptAt } = delivery;
      const at = nextAttemptAt === null ? now : Math.max(now, Date.parse(nextAttemptAt));
      const target = targetInLane(targets, name);
      const retry = target?.policy.retry ?? loaded.config.retry;
      const left = target && state === "pending" ? Math.max(1, retry.scheduleMs.length + 1 - failures) : null;
      const paced = target && pacedUntil({ nextAttemptAt, failures }, story, target.policy, now);
      const held = state === "pending" ? heldAt(at, target, holds.get(name)) ?? paced ?? null : null;
      return { ...delivery, held, attemptsLeft: left ?? null };
    }),
  };
}

/** Routes do not apply to system events. */
const nowhere: RoutingStory = { targets: [], chains: [], isFallback: false, routes: [], problems: [] };

/** Where this config sends the event. */
export function routingOf(event: RoutedEvent, { config }: LoadedConfig): RoutingStory {
  const { targets, chains, isFallback, verdicts, problems } = route(event, config);
  const routes = config.routes.map(({ on, to, chains = [] }, index) => ({ on, to, chains, verdict: verdicts[index]! }));
  return { targets, chains, isFallback, routes, problems };
}
