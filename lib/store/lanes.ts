/** The part of a store that owners of lanes need: who owns a lane, how it is held, and what is due in it. */

import type { Awaited, RelayEvent } from "../event.ts";
import type { Outcome } from "../outcome.ts";
import type { Reason } from "../reason.ts";
import type { DeliveryRef } from "./delivery.ts";
import type { Epoch } from "./epoch.ts";

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
  /** Of a delivery of a chain: its step, from 1. */
  step?: number;
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
