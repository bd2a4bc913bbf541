/** Replaying: stored events are routed again by the config of now, as new deliveries. */

import type { LoadedConfig } from "../config/load.ts";
import type { NewDelivery, RelayEvent } from "../event.ts";
import { formatId, type IdBytes } from "../id.ts";
import { isSystem } from "../system_event.ts";
import { deliveriesOf } from "../pipeline/accept.ts";
import { routedOf } from "../pipeline/route.ts";
import { readable } from "../sources/view.ts";
import type { Store } from "../store/mod.ts";
import type { EventFilter, EventPage, StoredEvent } from "../store/operator.ts";
import type { WorkOptions } from "./retry.ts";

export interface ReplayResult {
  /** Events that were given new deliveries, and how many these are. */
  events: number;
  deliveries: number;
  /** Events that no route of now matches. */
  unrouted: number;
  /** Ids of no event and no delivery. */
  unknown: string[];
  isComplete: boolean;
  /** When the last event came in that was replayed or unrouted, in Unix milliseconds: where to go on if it was stopped. */
  lastAt?: number;
}

/** Most events that are replayed in one transaction. */
const BATCH = 100;

export interface ReplayOptions {
  /** Sends them to this target alone, whether or not a route names it. */
  to?: string;
  now: number;
}

/** Replays events, each named by its own id or by that of one of its deliveries. */
export async function replayIds(
  store: Store,
  loaded: LoadedConfig,
  ids: readonly IdBytes[],
  options: ReplayOptions,
): Promise<ReplayResult> {
  const result = nothing();
  for (const id of ids) {
    const story = await store.story(id);
    if (!story) {
      result.unknown.push(formatId(id));
      continue;
    }
    const event = { ...story, receivedAt: Date.parse(story.receivedAt) };
    await replay(store, loaded, [{ seq: story.seq, event }], options, result);
  }
  return result;
}

/** Replays all events that fit, in the order of acceptance, but none that comes in meanwhile and none of relay's own. */
export async function replaySince(
  store: Store,
  loaded: LoadedConfig,
  filter: EventFilter,
  options: ReplayOptions & WorkOptions,
): Promise<ReplayResult> {
  const result = nothing();
  let after: number | undefined = 0;
  while (after !== undefined) {
    if (options.signal?.aborted) return { ...result, isComplete: false };
    const page: EventPage<StoredEvent> = await store.stored(filter, { limit: BATCH, after, signal: options.signal });
    const events = page.events.filter(({ event }) => event.receivedAt <= options.now);
    await replay(store, loaded, events.filter(({ event }) => !isSystem(event)), options, result);
    result.lastAt = events.at(-1)?.event.receivedAt ?? result.lastAt;
    options.onProgress?.(result.events + result.unrouted);
    after = events.length < page.events.length ? undefined : page.next;
  }
  return result;
}

async function replay(
  store: Store,
  loaded: LoadedConfig,
  events: readonly StoredEvent[],
  options: ReplayOptions,
  result: ReplayResult,
): Promise<void> {
  const routed = events.map(({ seq, event }) => ({ seq, deliveries: newDeliveries(event, loaded, options.to) }));
  result.unrouted += routed.filter(({ deliveries }) => deliveries.length === 0).length;
  const made = await store.redeliver(routed.filter(({ deliveries }) => deliveries.length > 0), options.now);
  for (const ids of made.filter(({ length }) => length > 0)) {
    result.events++;
    result.deliveries += ids.length;
  }
}

function newDeliveries(event: RelayEvent, { config }: LoadedConfig, to?: string): NewDelivery[] {
  if (isSystem(event)) return [];
  return deliveriesOf(routedOf(readable(event, config.sources)), config, to === undefined ? undefined : [to])
    .deliveries;
}

function nothing(): ReplayResult {
  return { events: 0, deliveries: 0, unrouted: 0, unknown: [], isComplete: true };
}
