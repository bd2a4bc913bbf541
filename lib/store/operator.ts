/** What a store shows to an operator, and what an operator changes in it. */

import type { NewDelivery, NewEvent, RelayEvent } from "../event.ts";
import type { IdBytes } from "../id.ts";
import type { Told } from "../locale/told.ts";
import type { Reason } from "../reason.ts";
import type { DeliveryRef } from "./delivery.ts";
import type { AttemptView, DeadGroup, DeliveryView, EventState, EventView, ShownState, TargetView } from "./views.ts";

/** A delivery with the outcome of each attempt, the first one first. */
export interface DeliveryStory extends DeliveryView {
  ref: DeliveryRef;
  history: AttemptView[];
  /** Attempts so far since the retry schedule began, or began anew. */
  failures: number;
}

/** What came of fetching the note of an event. */
export interface Fetched {
  /** When that was, in Unix milliseconds. */
  at: number;
  /** The note, as the API gave it: JSON. */
  data?: Uint8Array;
  /** Why there is none, in words. */
  problem?: Told;
}

/** Everything that is known of an event. */
export interface EventStory extends EventView {
  /** The event's sequence: its position in the order of acceptance. */
  seq: number;
  /** Those that go on with the body. */
  headers: Record<string, string>;
  body: Uint8Array;
  /** Which of the source's secrets had signed it, from 0. */
  secretIndex: number;
  /** What came of asking for the note in full; absent where nobody asked. */
  details?: Fetched;
  deliveries: DeliveryStory[];
}

/** Most characters of a text that pages and API search for: a longer one takes a store too long in a large body. */
export const MAX_SEARCH = 1_000;

/** Which events are asked for: all that is given must hold. */
export interface EventFilter {
  /** A pattern of names: `*` within one part, `**` for any number of parts. */
  type?: string;
  /** Of the event, or of one of its deliveries. */
  state?: EventState | ShownState;
  /** It has a delivery to this target, in that state if one is given. */
  target?: string;
  /** Received at or after this time, in Unix milliseconds. */
  since?: number;
  /** Stands in the body: a note's id, a client's reference. Upper and lower case differ. */
  text?: string;
}

/** What bounds a page. Once `signal` is aborted it ends where it is, and the page is short. */
export interface ListPage {
  limit: number;
  signal?: AbortSignal;
}

/** A page of a list of events; `next` is where to go on, absent at the end. A page that took too long to fill is short. */
export interface EventPage<Event = EventView> {
  events: Event[];
  next?: number;
}

/** An event, or a delivery, that was found by the beginning of its id. */
export interface FoundId {
  id: string;
  /** Of the event. */
  type: string;
  /** When the event came in: ISO 8601, UTC. */
  receivedAt: string;
  /** Of a delivery. */
  target?: string;
}

/** An event with its sequence. */
export interface StoredEvent {
  seq: number;
  event: RelayEvent;
}

/** Which dead letters are asked for: all that is given must hold. */
export interface DeadFilter {
  target?: string;
  reason?: Reason;
  /** Of events received at or after this time, in Unix milliseconds. */
  since?: number;
}

/** What happened in the hours since a time. `at` is when the hour begins, in Unix milliseconds. */
export interface Activity {
  received: { at: number; count: number }[];
  /** Attempts that left a delivery in this state after about this many milliseconds. */
  attempts: {
    at: number;
    target: string;
    state: "pending" | "delivered" | "dead";
    durationMs: number;
    count: number;
  }[];
}

/** How many deliveries wait, and how many are dead. */
export interface Totals {
  waiting: number;
  dead: number;
}

/**
 * The operator's side of a store. What changes something there raises {@link LaneStore.changes}. Errors and transactions
 * are as in {@link Store}.
 */
export interface OperatorStore {
  /**
   * Every target that has deliveries or had attempts, in the order of their names. Takes the longer the more wait; what
   * changes meanwhile may count as it was or as it is.
   * @param dead What `deadGroups()` gave just now: then dead letters need not be counted again.
   */
  targets(dead?: readonly DeadGroup[]): Promise<TargetView[]>;
  /** Events, the newest first, from before this sequence on. */
  events(filter: EventFilter, page: ListPage & { before?: number }): Promise<EventPage>;
  /** Events with their bodies in the order of acceptance, from after this sequence on. */
  stored(filter: EventFilter, page: ListPage & { after?: number }): Promise<EventPage<StoredEvent>>;
  /** The event of this id, or the one whose delivery has it. */
  story(id: IdBytes): Promise<EventStory | undefined>;
  /**
   * For each of these prefixes, as `parsePrefix` gives them, the events and deliveries whose ids begin so, at most `limit`, in
   * the order of their ids. A prefix too short to tell an event from its deliveries finds the event alone.
   */
  find(prefixes: readonly string[], limit: number): Promise<FoundId[][]>;
  /** Counts all deliveries, each sort up to `limit`, which bounds the time that it takes. */
  totals(limit: number): Promise<Totals>;
  /** Dead letters by target and reason. */
  deadGroups(filter?: DeadFilter): Promise<DeadGroup[]>;
  /** Dead letters of one target and reason in the order of acceptance, after this one. */
  dead(
    group: { target: string; reason: Reason; since?: number },
    page: { limit: number; after?: DeliveryRef },
  ): Promise<DeliveryRef[]>;
  /** What happened, by the hour. */
  activity(since: number): Promise<Activity>;
  /**
   * Gives these deliveries a new set of attempts from now on, those that are dead or wait, and what is fetched for their
   * events as well; a lane that is held by its circuit is tried at once. Gives how many that were.
   */
  retry(refs: readonly DeliveryRef[], now: number): Promise<number>;
  /** Accepts an event of the relay's own; says whether it is new. */
  send(event: NewEvent): Promise<boolean>;
  /** Gives stored events further deliveries, due now. Gives the ids of these, an empty list for an event that is gone. */
  redeliver(events: readonly { seq: number; deliveries: readonly NewDelivery[] }[], now: number): Promise<string[][]>;
  /** Holds a target's deliveries until it is resumed; says whether it was not paused before. */
  pause(target: string, now: number): Promise<boolean>;
  /** Lets a paused target's deliveries go; says whether it was paused. */
  resume(target: string): Promise<boolean>;
}
