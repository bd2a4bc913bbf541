/**
 * What a store does. It keeps events and their deliveries, gives the owner of a lane what is due, and takes its
 * records. Batches go in and values come out: one call is one transaction, and nothing is kept between two calls.
 */

import type { Clock } from "../clock.ts";
import type { NewEvent } from "../event.ts";
import type { Outcome } from "../outcome.ts";
import type { AlarmStore } from "./alarms.ts";
import type { Mark } from "./move.ts";
import type { DeliveryRef } from "./delivery.ts";
import type { Epoch } from "./epoch.ts";
import type { Hold, LaneStore } from "./lanes.ts";
import type { MemberStore } from "./members.ts";
import type { OperatorStore } from "./operator.ts";
import type { ReceiptStore } from "./receipts.ts";
import type { RunStore } from "./runs.ts";
import type { SessionStore } from "./sessions.ts";
import type { UpkeepStore } from "./upkeep.ts";

export type { Epoch };
export type * from "./lanes.ts";

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
