/**
 * What a running relay has under way, shown in what it tells of its store, where such deliveries are `pending`. Of relays
 * that share a store each knows its own: what another one has under way is `pending` here.
 */

import { Buffer } from "node:buffer";
import { type IdBytes, parseId } from "../id.ts";
import type { UnderwayView } from "../lanes/lane.ts";
import { isOwnLane } from "../own_lane.ts";
import { matches } from "../pattern.ts";
import { isNamed } from "../recipient.ts";
import type { Store } from "../store/mod.ts";
import type { EventFilter, EventPage, ListPage } from "../store/operator.ts";
import type { DeadGroup, DeliveryView, EventView } from "../store/views.ts";

/** A store that tells of what is under way as `in_flight`. @param underway Asked with every read. */
export function showUnderway(store: Store, underway: () => readonly UnderwayView[]): Store {
  const show = <Event extends { deliveries: DeliveryView[] }>(event: Event): Event => {
    const ids = new Set(underway().map(({ id }) => id));
    const deliveries = event.deliveries.map((one) =>
      ids.has(one.id) && one.state === "pending" ? { ...one, state: "in_flight", nextAttemptAt: null } as const : one
    );
    return { ...event, deliveries };
  };
  const shown = {
    async targets(dead?: readonly DeadGroup[]) {
      const counts = Map.groupBy(underway(), ({ lane }) => lane);
      return (await store.targets(dead)).map((target) => {
        const inFlight = Math.min(counts.get(target.name)?.length ?? 0, target.pending);
        return { ...target, pending: target.pending - inFlight, inFlight };
      });
    },
    async story(id: IdBytes) {
      const story = await store.story(id);
      return story && show(story);
    },
    async events(filter: EventFilter, page: ListPage & { before?: number }) {
      if (filter.state === "in_flight") return await eventsUnderway(filter, page);
      const found = await store.events(filter, page);
      const events = found.events.map(show);
      return { ...found, events: filter.state === "pending" ? events.filter((one) => isPending(one, filter)) : events };
    },
  } satisfies Partial<Store>;
  return new Proxy(store, {
    get(_, name) {
      if (Object.hasOwn(shown, name)) return shown[name as keyof typeof shown];
      const value: unknown = Reflect.get(store, name);
      return typeof value === "function" ? value.bind(store) : value;
    },
  });

  /** Each is asked for by its id: a search would go on behind those that do not fit. */
  async function eventsUnderway(
    { type, target, since = 0, text }: EventFilter,
    { limit, before = Infinity, signal }: ListPage & { before?: number },
  ): Promise<EventPage> {
    const own = underway().filter(({ lane, event }) =>
      !isOwnLane(lane) && isNamed(lane, target ?? lane) && event < before
    );
    const ids = new Map(own.map(({ id, event }) => [event, id]));
    const page: EventPage = { events: [] };
    for (const [event, id] of [...ids].sort(([one], [other]) => other - one)) {
      if (page.events.length === limit || signal?.aborted) return page;
      const story = await store.story(parseId(id)!);
      if (!story?.deliveries.some((delivery) => delivery.id === id)) continue; // it is gone
      const { seq: _, headers: _headers, body, secretIndex: _secret, details: _details, deliveries, ...view } = story;
      const fits = (type === undefined || matches(type, view.type)) && Date.parse(view.receivedAt) >= since &&
        (text === undefined || Buffer.from(body).includes(text));
      if (!fits) continue;
      page.events.push(
        show({
          ...view,
          deliveries: deliveries.map(({ ref: _, history: _history, receipts: _receipts, ...one }) => one),
        }),
      );
      page.next = event;
    }
    return { events: page.events };
  }
}

function isPending({ deliveries }: EventView, { target }: EventFilter): boolean {
  return deliveries.some((one) => one.state === "pending" && isNamed(one.target, target ?? one.target));
}
