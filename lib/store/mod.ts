/**
 * What a store does. It keeps events and their deliveries, gives the owner of a lane what is due, and takes its
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
import type { ReceiptStore } from "./receipts.ts";
import type { RunStore } from "./runs.ts";
import type { SessionStore } from "./sessions.ts";
import type { UpkeepStore } from "./upkeep.ts";

export type { Epoch };

/** Until when a lane is held because of its attempts, in Unix milliseconds. */
export interface Hold {
  /** Its circuit is open until then, when it lets a probe through. */
  openUntil?: number;
  /** Its target asked for a pause. */
  throttledUntil?: number;
}

/** How a lane is held, because of its attempts and by an operator. */
export interface LaneHold extends Hold {
  /** When an operator paused it. */
  pausedAt?: number;
}

/** A lane as its new owner finds it. */
export interface OwnedLane {
  epoch: Epoch;
  hold: LaneHold;
  /** When recent attempts began, if their records asked to keep that; Unix milliseconds, in order. */
  starts: number[];
  /** Whether the previous owner gave it up, so that none of its deliveries is under way. */
  wasGivenUp: boolean;
  /** The previous owner ended without being asked to, in the same boot of its machine, as far as the store knows. */
  wasUnclean?: boolean;
}

/** A due delivery, as it was when it was read. */
export interface Due {
  ref: DeliveryRef;
  /** UUIDv7. */
  id: string;
  lane: string;
  /** Raised by every change of the delivery except a record by its lane's owner. */
  revision: number;
  /** Attempts so far. */
  attempts: number;
  /** Attempts since the retry schedule last began, and when the first of them began, in Unix milliseconds. */
  failures: number;
  failingSince?: number;
  /** Reason of the last failed attempt. */
  reason?: Reason;
  /** When it became due, in Unix milliseconds. */
  dueAt: number;
  /** When it was put off until `dueAt`, in Unix milliseconds; absent if it was not, or was made due at once since. */
  putOffAt?: number;
  orderKey?: string;
  /** With an order key: the key's first delivery that is not done, due or not. Nothing with the key goes before it. */
  head?: DeliveryRef;
  /** The event, with what was fetched for it. */
  event: RelayEvent;
  /** The lane of the delivery that it awaited, which has ended unless this one's patience has. */
  awaited?: string;
  /** The result of a fetch for its event; without an outcome, the fetch succeeded. */
  fetched?: { at: number; outcome?: Outcome };
  /** Other deliveries await it. */
  isAwaited: boolean;
  /** From then on, all deliveries that await it go without it; Unix milliseconds. */
  expiresAt?: number;
  /** It is a step of a chain, or one of several deliveries of one. */
  isOfChain: boolean;
  /** Its step has not begun although its time has come: {@link LaneStore.beginSteps} begins it. */
  isWaiting: boolean;
}

/** What an owner asks to read of a lane. */
export interface DueAsk {
  lane: string;
  limit: number;
  /** Deliveries that it has in memory, which are left out. */
  known: readonly DeliveryRef[];
  /** Unix milliseconds. What was due before then may be left out; the read is faster if nothing was. */
  from?: number;
}

/** What is due in one lane. */
export interface DueInLane {
  lane: string;
  due: Due[];
  /** Nothing else is due. */
  isAll: boolean;
  /** When the next one will be due, in Unix milliseconds; absent if there is none. */
  nextAt?: number;
}

/** An attempt, and what follows from it. */
export interface AttemptRecord {
  ref: DeliveryRef;
  /** The delivery's revision when it was read. */
  revision: number;
  orderKey?: string;
  /** The attempt's number, from 1. */
  attempt: number;
  startedAt: number;
  durationMs: number;
  outcome: Outcome;
  state: "pending" | "delivered" | "dead";
  /** When the next attempt is due, calculated from the end of this one; for `pending` only. */
  dueAt?: number;
  /** Other deliveries await it: its result is kept with the event for them, and they become due. */
  isAwaited: boolean;
  /** It is of a chain, which goes on or ends with it. */
  isOfChain: boolean;
  /** {@link LaneStore.begin} wrote it down, and this record removes it there. */
  wasBegun: boolean;
  /** An attempt was made, so that it counts for {@link LaneRecords.startsKeptMs}. */
  wasMade: boolean;
}

/** What the owner of a lane writes. */
export interface LaneRecords {
  epoch: Epoch;
  /** How the lane is held after these attempts. */
  hold: Hold;
  /** How long start times of attempts are kept for {@link OwnedLane.starts}, in milliseconds; absent: not at all. */
  startsKeptMs?: number;
  records: readonly AttemptRecord[];
}

/** Events to accept, and attempts to record. */
export interface Batch {
  accepts: readonly NewEvent[];
  lanes: readonly LaneRecords[];
}

/**
 * A record's fate. `history`: the delivery was changed since it was read, or the lane has another owner, so the attempt
 * is only added to the history. `known`: it was recorded before. `gone`: the delivery was deleted.
 */
export type RecordFate = "recorded" | "history" | "known" | "gone";

export interface Recorded {
  fate: RecordFate;
  /** With an order key, if the delivery is done: the key's first delivery that is not. */
  head?: DeliveryRef;
}

/** The result of a {@link Batch}, in its order. */
export interface Written {
  /** The sequence of each event; `undefined` for one that was already stored. */
  accepted: (number | undefined)[];
  lanes: Recorded[][];
  /** Lanes in which deliveries that awaited one of these are now due, or will be sooner. */
  released: string[];
  /** Lanes in which chains had deliveries skipped, so that what was read there before may be out of date. */
  outdated: string[];
  /** Lanes that have another owner: their records went to the history only. */
  lost: Epoch[];
}

/** A delivery that must first await another, in the lane that `awaits` names. */
export interface Waiting {
  ref: DeliveryRef;
  revision: number;
  awaits: Awaited;
}

/** A delivery that its target does not take before a time of day. */
export interface Postponed {
  ref: DeliveryRef;
  revision: number;
  /** Unix milliseconds. */
  dueAt: number;
}

/** A delivery that was under way when the previous process ended without being asked to. */
export interface Suspect {
  ref: DeliveryRef;
  lane: string;
  /** How many processes ended so while it was under way, and in how many of the last in a row it was tried alone. */
  crashes: number;
  alone: number;
  /** It was once tried alone, and did not end the process. */
  hasSurvived: boolean;
}

/** How lanes are taken over. */
export interface Taking {
  /**
   * How many attempts may be under way in a lane that its previous owner did not give up. They count as begun now, for
   * later owners too.
   */
  underway?: ReadonlyMap<string, number>;
  /**
   * Number of a lane's epoch when the takeover was decided: a call that arrives late, after another one, takes nothing.
   * A lane without a number here is taken over in any case.
   */
  seen?: ReadonlyMap<string, number>;
}

/** The part of a store that owners of lanes need. */
export interface LaneStore {
  /**
   * Takes lanes over: from now on, what another owner writes about them goes to the history only.
   * @throws {StoreError} if the epoch of one of them is not {@link Taking.seen}; then none is taken over.
   */
  own(lanes: readonly string[], token: string, taking?: Taking): Promise<Map<string, OwnedLane>>;
  /** Records that nothing in these lanes is under way, so that the next owner need not wait. */
  giveUp(lanes: readonly Epoch[]): Promise<void>;
  /** How each lane is held, by its name. */
  holds(): Promise<Map<string, LaneHold>>;
  /** Rewrites until when lanes are held, after the clock was set. Writes nothing for a lane that has another owner. */
  hold(holds: readonly { epoch: Epoch; hold: Hold }[]): Promise<void>;
  /** What is due in each lane, longest due first; if deliveries are large, it may be fewer than asked for. */
  due(asks: readonly DueAsk[]): Promise<DueInLane[]>;
  /**
   * Removes the due time of some deliveries behind the heads of these order keys, among those due longest. They become
   * due when they are heads themselves. Returns whether there may be more.
   */
  park(epoch: Epoch, orderKeys: readonly string[]): Promise<boolean>;
  /** Makes every parked delivery due that is the head of its order key. Returns how many these are. */
  unpark(epoch: Epoch): Promise<number>;
  /**
   * Makes deliveries wait for another one of their event, which is inserted if it does not exist, and made again if it
   * has ended. A delivery that did not await it, and for which it has fetched something since that was read, is due
   * with what was fetched. A delivery that was changed since it was read stays as it is.
   */
  await(epoch: Epoch, waiting: readonly Waiting[]): Promise<void>;
  /**
   * Begins steps of chains whose time has come, unless the chain is satisfied by then: their deliveries become due, and
   * the time of the steps after them runs. Anybody may call it, whoever owns their lanes.
   * @param refs Deliveries of these steps; absent: all such steps in the store, up to a limit.
   * @returns Lanes in which more is due, now or later.
   */
  beginSteps(refs?: readonly DeliveryRef[]): Promise<string[]>;
  /**
   * Puts deliveries off; no attempt is counted. A delivery that is done, or was changed since it was read, stays as it is.
   * Returns whether the lane still has this owner; otherwise nothing was written.
   */
  postpone(epoch: Epoch, postponed: readonly Postponed[]): Promise<boolean>;
  /**
   * Makes due what {@link LaneStore.postpone} put off until later than `latest` (Unix milliseconds), for a lane whose
   * target has other rules now. Pauses between attempts stay. Returns how many deliveries these were.
   */
  recall(epoch: Epoch, latest: number): Promise<number>;
  /**
   * Makes deliveries due at once that were put off by a clock that has since been set back, as they would wait longer
   * than their rule says. Returns how many deliveries these were.
   */
  bringForward(): Promise<number>;
  /** Names of the lanes that have waiting deliveries. */
  waiting(): Promise<string[]>;
  /**
   * Writes down what is about to be attempted, for the next process to find if it ends this one. A record removes it.
   * @param alone The one of them that is tried alone, since earlier processes ended while it was under way.
   */
  begin(epoch: Epoch, refs: readonly DeliveryRef[], alone?: DeliveryRef): Promise<void>;
  /** Records that it was tried alone and did not end the process, so that no earlier end was its fault. */
  survived(epoch: Epoch, ref: DeliveryRef): Promise<void>;
  /** Removes what was written down, since no attempt was made. */
  forgetBegun(epoch: Epoch, ref: DeliveryRef): Promise<void>;
  /** Counts one more crash for what was under way in these lanes. Returns that and what was before, unless done. */
  countCrash(lanes: readonly string[]): Promise<Suspect[]>;
  /** Forgets what was under way in these lanes. */
  forgetUnderway(lanes: readonly string[]): Promise<void>;
  /** Rises with changes to deliveries and lanes by operators and other programs; others may see it a moment later. */
  changes(): Promise<number>;
}

/**
 * A store. When a method that writes resolves, the write is on disk; when it rejects, nothing was written.
 * @throws {StoreError} from every method, if the store cannot read or write now.
 */
export interface Store extends OperatorStore {
  readonly lanes: LaneStore;
  readonly alarms: AlarmStore;
  readonly receipts: ReceiptStore;
  readonly runs: RunStore;
  readonly sessions: SessionStore;
  readonly upkeep: UpkeepStore;
  /** How relays share the store; absent in a store for a single relay. */
  readonly members?: MemberStore;
  /** The clock that all its times come from. */
  readonly time: Clock;
  /**
   * Makes this program serve the store from now on.
   * @throws {StoreError} if it may not, as when another program serves a store that is for a single program.
   */
  serve(): Promise<void>;
  /**
   * Accepts events and records attempts. Writes nothing for an event that is already stored. A record only changes a
   * delivery that is `pending` and still has the revision that was read, and only if its lane's epoch is the last one.
   */
  write(batch: Batch): Promise<Written>;
  /** Writes without changing anything: resolves if the store can write and has room for this many more bytes. */
  probe(roomBytes: number): Promise<void>;
  /** Size on disk, in bytes. */
  bytes(): Promise<number>;
  /** The mark of a move to or from another store, going on or done: nobody serves or writes to a marked store. */
  moved(): Promise<Mark | undefined>;
  close(): Promise<void>;
}
