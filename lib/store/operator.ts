/** What a store shows to an operator, and what an operator changes in it. */

import type { NewDelivery, NewEvent, RelayEvent } from "../event.ts";
import type { IdBytes } from "../id.ts";
import type { Told } from "../locale/told.ts";
import type { Reason } from "../reason.ts";
import type { DeliveryRef } from "./delivery.ts";
import type { ReceiptView } from "./receipts.ts";
import type { AttemptView, DeadGroup, DeliveryView, EventState, EventView, ShownState, TargetView } from "./views.ts";

/** A delivery with the outcome of each attempt, oldest first. */
export interface DeliveryStory extends DeliveryView {
  ref: DeliveryRef;
  history: AttemptView[];
  /** Each word of the vendor on its messages, the oldest first. */
  receipts: ReceiptView[];
  /** Attempts since the retry schedule last began. */
  failures: number;
}

/** The result of fetching an event's note. */
export interface Fetched {
  /** When it was fetched or the fetch failed, in Unix milliseconds. */
  at: number;
  /** The note as the API returned it: JSON. */
  data?: Uint8Array;
  /** Why there is none, in words. */
  problem?: Told;
}

/** Everything that is known about an event. */
export interface EventStory extends EventView {
  /** The event's sequence: its position in the order of acceptance. */
  seq: number;
  /** The headers that are passed on with the body. */
  headers: Record<string, string>;
  body: Uint8Array;
  /** Which of the source's secrets signed it, from 0. */
  secretIndex: number;
  /** The result of fetching the full note; absent if nobody asked for it. */
  details?: Fetched;
  deliveries: DeliveryStory[];
}

/** Longest text that pages and API search for, in characters: in a large body, a longer one takes a store too long. */
export const MAX_SEARCH = 1_000;

/** Which events are asked for: all given conditions must hold. */
export interface EventFilter {
  /** A pattern of type names: `*` within one part, `**` for any number of parts. */
  type?: string;
  /** State of the event, or of one of its deliveries. */
  state?: EventState | ShownState;
  /** It has a delivery to this target, in that state if one is given. */
  target?: string;
  /** Received at or after this time, in Unix milliseconds. */
  since?: number;
  /** Text that the body contains, such as a note's id or a client's reference. Case-sensitive. */
  text?: string;
}

/** The limits of a page. Once `signal` is aborted, the search stops where it is, and the page is short. */
export interface ListPage {
  limit: number;
  signal?: AbortSignal;
}

/** A page of events; `next` is where to continue, absent at the end. A page that takes too long to fill is short. */
export interface EventPage<Event = EventView> {
  events: Event[];
  next?: number;
}

/** An event or a delivery that was found by a prefix of its id. */
export interface FoundId {
  id: string;
  /** Type of the event. */
  type: string;
  /** When the event came in: ISO 8601, UTC. */
  receivedAt: string;
  /** Target of a delivery. */
  target?: string;
}

/** An event with its sequence. */
export interface StoredEvent {
  seq: number;
  event: RelayEvent;
}

/** Which dead letters are asked for: all given conditions must hold. */
export interface DeadFilter {
  target?: string;
  reason?: Reason;
  /** The event was received at or after this time, in Unix milliseconds. */
  since?: number;
}

/** What happened in each hour since a time. `at` is when the hour begins, in Unix milliseconds. */
export interface Activity {
  received: { at: number; count: number }[];
  /** Attempts that took about `durationMs` milliseconds and left their delivery in this state. */
  attempts: {
    at: number;
    target: string;
    state: "pending" | "delivered" | "dead";
    durationMs: number;
    count: number;
  }[];
}

/** How many deliveries are waiting, and how many are dead. */
export interface Totals {
  waiting: number;
  dead: number;
}

/**
 * The part of a store that operators need. Every change made here raises {@link LaneStore.changes}. Errors and
 * transactions are as in {@link Store}.
 */
export interface OperatorStore {
  /**
   * Every target that has deliveries or had attempts, sorted by name. The more deliveries wait, the longer it takes.
   * One that changes meanwhile may be missed, or counted twice.
   * @param dead What `deadGroups()` has just returned, so that dead letters need not be counted again.
   */
  targets(dead?: readonly DeadGroup[]): Promise<TargetView[]>;
  /** Events before this sequence, newest first. */
  events(filter: EventFilter, page: ListPage & { before?: number }): Promise<EventPage>;
  /** Events after this sequence with their bodies, in the order of acceptance. */
  stored(filter: EventFilter, page: ListPage & { after?: number }): Promise<EventPage<StoredEvent>>;
  /** The event with this id, or with a delivery that has this id. */
  story(id: IdBytes): Promise<EventStory | undefined>;
  /**
   * For each of these prefixes, as `parsePrefix` returns them: the events and deliveries whose ids begin with it, at
   * most `limit`, sorted by id. A prefix too short to tell an event from its deliveries finds only the event.
   */
  find(prefixes: readonly string[], limit: number): Promise<FoundId[][]>;
  /** Counts all waiting and all dead deliveries, each up to `limit`, which bounds the time that it takes. */
  totals(limit: number): Promise<Totals>;
  /** Dead letters, by target and reason. */
  deadGroups(filter?: DeadFilter): Promise<DeadGroup[]>;
  /** Dead letters of one target and reason after this one, in the order of acceptance. */
  dead(
    group: { target: string; reason: Reason; since?: number },
    page: { limit: number; after?: DeliveryRef },
  ): Promise<DeliveryRef[]>;
  /** What happened, hour by hour. */
  activity(since: number): Promise<Activity>;
  /**
   * Starts a new set of attempts, due now, for those of these deliveries that are dead or waiting, and for what is
   * fetched for their events. A lane that is held by its circuit is tried at once. Returns how many were retried.
   */
  retry(refs: readonly DeliveryRef[], now: number): Promise<number>;
  /** Accepts a system event; returns whether it is new. */
  send(event: NewEvent): Promise<boolean>;
  /** Adds deliveries to stored events, due now. Returns their ids; an empty list for an event that no longer exists. */
  redeliver(events: readonly { seq: number; deliveries: readonly NewDelivery[] }[], now: number): Promise<string[][]>;
  /** Holds a target's deliveries until it is resumed; returns `false` if it was already paused. */
  pause(target: string, now: number): Promise<boolean>;
  /** Lets a paused target's deliveries go again; returns whether it was paused. */
  resume(target: string): Promise<boolean>;
}
