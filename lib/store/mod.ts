/**
 * What a store does. It keeps events and their deliveries, gives the owner of a lane what is due, and takes what that
 * records. Batches go in and values come out: one call is one transaction, and nothing is kept between two calls.
 */

import type { Clock } from "../clock.ts";
import type { Awaited, NewEvent, RelayEvent } from "../event.ts";
import type { Outcome } from "../outcome.ts";
import type { Reason } from "../reason.ts";
import type { AlarmStore } from "./alarms.ts";
import type { Mark } from "./move.ts";
import type { DeliveryRef } from "./delivery.ts";
import type { Epoch } from "./epoch.ts";
import type { MemberStore } from "./members.ts";
import type { OperatorStore } from "./operator.ts";
import type { RunStore } from "./runs.ts";
import type { SessionStore } from "./sessions.ts";
import type { UpkeepStore } from "./upkeep.ts";

export type { Epoch };

/** Until when a lane is held by what its attempts gave rise to, in Unix milliseconds. */
export interface Hold {
  /** Its circuit is open, and lets a probe through then. */
  openUntil?: number;
  /** Its target asked for a pause. */
  throttledUntil?: number;
}

/** How a lane is held, by whatever its attempts gave rise to, and by an operator. */
export interface LaneHold extends Hold {
  /** An operator paused it then. */
  pausedAt?: number;
}

/** A lane as its new owner finds it. */
export interface OwnedLane {
  epoch: Epoch;
  hold: LaneHold;
  /** When recent attempts began, where their records asked to keep that; Unix milliseconds, in order. */
  starts: number[];
  /** Whether the owner before gave it up, so that nothing of it is under way. */
  wasGivenUp: boolean;
  /** The owner before ended without having been asked to, under the same boot of its machine, as far as the store knows. */
  wasUnclean?: boolean;
}

/** A delivery that is due, as it was when it was read. */
export interface Due {
  ref: DeliveryRef;
  /** UUIDv7. */
  id: string;
  lane: string;
  /** Raised by whatever changes the delivery, but for a record of its lane's owner. */
  revision: number;
  /** Attempts so far. */
  attempts: number;
  /** Attempts so far since the retry schedule began, or began anew; when the first of these was made, in Unix milliseconds. */
  failures: number;
  failingSince?: number;
  /** Of the last attempt that failed. */
  reason?: Reason;
  /** Since when it is due, in Unix milliseconds. */
  dueAt: number;
  orderKey?: string;
  /** With an order key: the first delivery of the key that is not done, due or not. Nothing of the key goes before it. */
  head?: DeliveryRef;
  /** With what was fetched for it. */
  event: RelayEvent;
  /** It awaited a delivery in the lane of this name, which has ended, or its patience has. */
  awaited?: string;
  /** What came of fetching something for its event; without an outcome it was fetched. */
  fetched?: { at: number; outcome?: Outcome };
  /** Others await it. */
  isAwaited: boolean;
  /** Those that await it all go without it from then on, in Unix milliseconds. */
  expiresAt?: number;
}

/** What an owner wants to read of a lane. */
export interface DueAsk {
  lane: string;
  limit: number;
  /** Those that it has in memory, which are left out. */
  known: readonly DeliveryRef[];
  /** A time, in Unix milliseconds: what was due before it may be left out, and is found sooner where there is none. */
  from?: number;
}

/** What is due in one lane. */
export interface DueInLane {
  lane: string;
  due: Due[];
  /** There is no more that is due. */
  isAll: boolean;
  /** When the next one will be, in Unix milliseconds; absent if there is none. */
  nextAt?: number;
}

/** An attempt, and what follows from it. */
export interface AttemptRecord {
  ref: DeliveryRef;
  /** Of the delivery as it was read. */
  revision: number;
  orderKey?: string;
  /** 1 for the first. */
  attempt: number;
  startedAt: number;
  durationMs: number;
  outcome: Outcome;
  state: "pending" | "delivered" | "dead";
  /** When the next attempt is due, counted from the end of this one; for `pending` only. */
  dueAt?: number;
  /** Others await it: what came of it is kept with the event for them, and they are due. */
  isAwaited: boolean;
  /** It was written down by {@link LaneStore.begin}, and is taken out. */
  wasBegun: boolean;
  /** An attempt was made, so that it counts for {@link LaneRecords.startsKeptMs}. */
  wasMade: boolean;
}

/** What the owner of a lane writes. */
export interface LaneRecords {
  epoch: Epoch;
  /** How the lane is held after these attempts. */
  hold: Hold;
  /** For how many milliseconds the starts of attempts are kept for {@link OwnedLane.starts}; absent: not at all. */
  startsKeptMs?: number;
  records: readonly AttemptRecord[];
}

/** Events to accept, and attempts to record. */
export interface Batch {
  accepts: readonly NewEvent[];
  lanes: readonly LaneRecords[];
}

/**
 * The fate of a record. `history`: the delivery was changed since it was read, or the lane has another owner, so the
 * attempt is kept in its history and changes nothing. `known`: it was recorded before. `gone`: so is the delivery.
 */
export type RecordFate = "recorded" | "history" | "known" | "gone";

export interface Recorded {
  fate: RecordFate;
  /** With an order key, of one that is done: the first delivery of the key that is not. */
  head?: DeliveryRef;
}

/** The outcome of a {@link Batch}, in its order. */
export interface Written {
  /** The sequence of each event; `undefined` for one that was there already. */
  accepted: (number | undefined)[];
  lanes: Recorded[][];
  /** Lanes in which deliveries are due that awaited one of these. */
  released: string[];
  /** Lanes that have another owner: what was recorded of them is history alone. */
  lost: Epoch[];
}

/** A delivery that has to await another first, in the lane of that name. */
export interface Waiting {
  ref: DeliveryRef;
  revision: number;
  awaits: Awaited;
}

/** A delivery that was under way when the process before ended without having been asked to. */
export interface Suspect {
  ref: DeliveryRef;
  lane: string;
  /** How many processes ended so while it was under way, and in how many of the last of all it was tried alone. */
  crashes: number;
  alone: number;
  /** It was tried alone once, and the process did not end over it. */
  hasSurvived: boolean;
}

/** How lanes are taken over. */
export interface Taking {
  /**
   * How many attempts may be under way in a lane that the owner before did not give up. They count as begun now, for owners
   * to come as well.
   */
  underway?: ReadonlyMap<string, number>;
  /**
   * Number of a lane's epoch when it was decided to take it over: a call that comes late, after another one, takes nothing.
   * A lane of which none is given is taken over in any case.
   */
  seen?: ReadonlyMap<string, number>;
}

/** The side of a store that owners of lanes need. */
export interface LaneStore {
  /**
   * Takes lanes over: from now on, what another owner writes of them is history alone.
   * @throws {StoreError} if one of them is not {@link Taking.seen} as it was seen: none is taken over.
   */
  own(lanes: readonly string[], token: string, taking?: Taking): Promise<Map<string, OwnedLane>>;
  /** Says that nothing of these lanes is under way, so that the next owner need not wait. */
  giveUp(lanes: readonly Epoch[]): Promise<void>;
  /** How each lane is held, by its name. */
  holds(): Promise<Map<string, LaneHold>>;
  /** Says anew until when lanes are held: the clock was set. Of a lane that has another owner nothing is written. */
  hold(holds: readonly { epoch: Epoch; hold: Hold }[]): Promise<void>;
  /** What is due in each lane, those first that have been due for longest; of large ones it may be fewer than was asked for. */
  due(asks: readonly DueAsk[]): Promise<DueInLane[]>;
  /**
   * Takes the due time from some deliveries that stand behind the heads of these order keys, of those that have been due
   * for longest. They are due when they are heads themselves. Says whether there may be more.
   */
  park(epoch: Epoch, orderKeys: readonly string[]): Promise<boolean>;
  /** Makes every parked delivery due that is the head of its order key. Gives how many those are. */
  unpark(epoch: Epoch): Promise<number>;
  /**
   * Has deliveries wait for another of their event, which is made if it is not there, and made again if it has ended. One
   * that did not await it, and for which it has fetched something since it was read, is due with that.
   * One that was changed since it was read stays as it is.
   */
  await(epoch: Epoch, waiting: readonly Waiting[]): Promise<void>;
  /**
   * Makes due at once what was put off by a clock that was set back since, as it would wait for longer than its rule says.
   * Gives how many deliveries that were.
   */
  bringForward(): Promise<number>;
  /** Names of the lanes in which deliveries wait. */
  waiting(): Promise<string[]>;
  /**
   * Writes down what is about to be made, for the next process to find if this one ends over it. A record takes it out.
   * @param alone The one of them that is tried alone, since processes before ended while it was under way.
   */
  begin(epoch: Epoch, refs: readonly DeliveryRef[], alone?: DeliveryRef): Promise<void>;
  /** Says that it was tried alone, and the process did not end over it: none before was its fault. */
  survived(epoch: Epoch, ref: DeliveryRef): Promise<void>;
  /** Takes out what was written down, since no attempt came of it. */
  forgetBegun(epoch: Epoch, ref: DeliveryRef): Promise<void>;
  /** Counts one more crash for what was under way in these lanes, and gives that with what was before, unless it is done. */
  countCrash(lanes: readonly string[]): Promise<Suspect[]>;
  /** Forgets what was under way in these lanes. */
  forgetUnderway(lanes: readonly string[]): Promise<void>;
  /** Raised by whatever an operator, or another program, changes of deliveries and lanes; others may be told a moment later. */
  changes(): Promise<number>;
}

/**
 * A store. When the promise of a method that writes resolves, the write is on disk; when it rejects, nothing was written.
 * @throws {StoreError} from every method, if the store cannot read or write now.
 */
export interface Store extends OperatorStore {
  readonly lanes: LaneStore;
  readonly alarms: AlarmStore;
  readonly runs: RunStore;
  readonly sessions: SessionStore;
  readonly upkeep: UpkeepStore;
  /** How relays share it; absent in a store that is for one relay alone. */
  readonly members?: MemberStore;
  /** The clock that all its times are by. */
  readonly time: Clock;
  /**
   * Says that this program serves the store from now on.
   * @throws {StoreError} if it may not, as where another one has a store that is for one program alone.
   */
  serve(): Promise<void>;
  /**
   * Accepts events and records attempts. Of an event that is there already nothing is written. A record changes a delivery
   * that is `pending` and of the revision that was read, if its lane's epoch is the last one.
   */
  write(batch: Batch): Promise<Written>;
  /** Writes, and changes nothing: resolves if the store can write, and has room for this many bytes more. */
  probe(roomBytes: number): Promise<void>;
  /** Size on disk, in bytes. */
  bytes(): Promise<number>;
  /** Whether it is moved to or from another place, or was: then nobody serves it, nor writes to it. */
  moved(): Promise<Mark | undefined>;
  close(): Promise<void>;
}
