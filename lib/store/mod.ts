/** What a store does: keeps events, hands out deliveries, remembers what became of them. */

import type { RelayEvent } from "../event.ts";
import type { IdBytes } from "../id.ts";
import type { Outcome } from "../outcome.ts";
import type { AlarmStore } from "./alarms.ts";
import type { NoteStore } from "./notes.ts";
import type { OperatorStore } from "./operator.ts";
import type { RunStore } from "./runs.ts";
import type { SessionStore } from "./sessions.ts";

/** An event to be kept, with where it goes. All times are Unix milliseconds. */
export interface NewEvent {
  id: IdBytes;
  source: string;
  type: string;
  receivedAt: number;
  body: Uint8Array;
  headers: Record<string, string>;
  /** Which of the source's secrets had signed it. */
  secretIndex: number;
  /** What a function of the config threw over it. */
  problems: readonly string[];
  deliveries: readonly NewDelivery[];
}

export interface NewDelivery {
  target: string;
  /** Deliveries of one target with the same key are handed out one after the other. */
  orderKey?: string;
}

/** Names one delivery within its store. */
export interface DeliveryRef {
  /** The event's place in the order of acceptance. */
  event: number;
  /** The delivery's place among the event's deliveries, from 1. */
  number: number;
}

export type DeliveryState = "pending" | "in_flight" | "delivered" | "dead";

/**
 * A delivery that was handed out: nobody else gets it until it is recorded or released, or, where several programs serve
 * one store, until its lease ends.
 */
export interface Claimed {
  ref: DeliveryRef;
  /** UUIDv7. */
  id: string;
  target: string;
  orderKey?: string;
  /** Attempts so far. */
  attempts: number;
  /** Attempts so far since the retry schedule began, or began anew. */
  failures: number;
  /** Since when it was due, in Unix milliseconds. */
  dueAt: number;
  event: RelayEvent;
}

/** Until when a target is held, in Unix milliseconds. */
export interface Hold {
  /** Its circuit is open, and lets a probe through then. */
  openUntil?: number;
  /** It asked for a pause. */
  throttledUntil?: number;
}

/** How a target is held, by whatever its attempts gave rise to, and by an operator. */
export interface TargetHold extends Hold {
  /** An operator paused it then. */
  pausedAt?: number;
}

/** What became of an attempt, and what follows. */
export interface AttemptRecord {
  ref: DeliveryRef;
  target: string;
  orderKey?: string;
  /** 1 for the first. */
  attempt: number;
  startedAt: number;
  durationMs: number;
  outcome: Outcome;
  state: Exclude<DeliveryState, "in_flight">;
  /** When the next attempt is due, counted from the end of this one; for `pending` only. */
  dueAt?: number;
  /** How the target is held after this attempt. */
  hold: Hold;
}

/** How many deliveries wait or are on their way, and how many are dead. */
export interface Totals {
  waiting: number;
  dead: number;
}

/** Events received before these times are deleted: those whose deliveries were all made, and those with a dead one. */
export interface Ages {
  delivered: number;
  dead: number;
}

/** What {@link Store.expire} did, and where to go on; `next` is absent when there is nothing older left. */
export interface Expired {
  deleted: number;
  next?: number;
}

/** What retention goes by, in Unix milliseconds. */
export interface Retention {
  /** The time by which it deleted last; absent before it has. */
  time?: number;
  /** When the first and the last of the stored events were received, by the order of acceptance. */
  oldest?: number;
  newest?: number;
}

/**
 * A store. Every method that writes does so in one transaction: when its promise resolves the write is on disk, and
 * when it rejects nothing was written. A loss of power may undo a claim, which is then made again.
 * @throws {StoreError} from every method, if the store cannot read or write now.
 */
export interface Store extends OperatorStore {
  readonly alarms: AlarmStore;
  readonly notes: NoteStore;
  readonly runs: RunStore;
  readonly sessions: SessionStore;
  /**
   * Says that this program alone serves the store from now on, and takes over what one that is gone had leased.
   * Gives the number of deliveries taken over.
   * @throws {StoreError} if another program serves it.
   */
  serve(now: number): Promise<number>;
  /** Keeps events and their deliveries; of an event that is there already nothing is written. */
  accept(events: readonly NewEvent[]): Promise<("stored" | "duplicate")[]>;
  /** Hands out deliveries that are due, at most so many a target, those first that have been due for longest. */
  claim(wanted: readonly { target: string; limit: number }[], now: number, leaseUntil: number): Promise<Claimed[]>;
  /** Records attempts and ends their leases. */
  record(records: readonly AttemptRecord[]): Promise<void>;
  /**
   * Gives deliveries back, due then; it counts as no attempt.
   * @param setAt From when they are put off until then: now. Without it they are due at once.
   */
  release(refs: readonly DeliveryRef[], dueAt: number, setAt?: number): Promise<void>;
  /**
   * Makes due at once what was put off by a clock that was set back since, as it would wait for longer than its rule says.
   * Costs nothing where the clock was not set back. Gives how many deliveries that were.
   */
  bringForward(): Promise<number>;
  /** When the next delivery to this target is due whose turn it is; `undefined` if there is none. */
  nextDue(target: string): Promise<number | undefined>;
  /** How many deliveries to these targets wait or are on their way. */
  backlog(targets: Iterable<string>): Promise<number>;
  /** Counts all deliveries, each sort up to `limit`, which bounds the time that it takes. */
  totals(limit: number): Promise<Totals>;
  /** How each target is held, by name. */
  holds(): Promise<Map<string, TargetHold>>;
  /** Says anew until when targets are held, by name: the clock was set. Of a target that is unknown nothing is written. */
  hold(holds: ReadonlyMap<string, Hold>, setAt: number): Promise<void>;
  /** Names of the targets that deliveries wait for. */
  waitingTargets(): Promise<string[]>;
  /**
   * Deletes what is old enough of the next `limit` events. One that still has something to deliver stays, however old.
   * @param after Where to go on: 0, or what the call before gave as `next`.
   */
  expire(after: number, before: Ages, limit: number): Promise<Expired>;
  retention(): Promise<Retention>;
  /** Remembers the time by which retention deletes. */
  keepRetention(time: number): Promise<void>;
  /** Gives some of the disk space back that deleted events held; says whether there is more to give back. */
  giveBack(): Promise<boolean>;
  /** Writes, and changes nothing: resolves if the store can write, and has room for what it refused last. */
  probe(): Promise<void>;
  /** Changes when another program has written. */
  version(): Promise<number>;
  /** Size on disk, in bytes. */
  bytes(): Promise<number>;
  close(): Promise<void>;
}
