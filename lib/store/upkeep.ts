/** What a store lets the relay do on its own: delete what is old, and count what waits. */

/** How long events are kept, in milliseconds: those whose deliveries were all made, and those with a dead one. */
export interface KeepPolicy {
  deliveredMs: number;
  deadMs: number;
}

/** Events received before these times are deleted: those whose deliveries were all made, and those with a dead one. */
export interface Ages {
  delivered: number;
  dead: number;
}

/** What {@link UpkeepStore.expire} did, and where to go on; `next` is absent when there is nothing older left. */
export interface Expired {
  deleted: number;
  next?: number;
}

/** Types of which no event came in for longer than this before the oldest event that is kept are forgotten. */
export const FORGET_MS = 30 * 86_400_000;

/** Most bytes of bodies that are deleted in one transaction, but for a single larger one. */
export const MAX_EXPIRED_BYTES = 4 * 1024 ** 2;

/** What retention goes by, in Unix milliseconds. */
export interface Retention {
  /** The time by which it deleted last; absent before it has. */
  time?: number;
  /** When the first and the last of the stored events were received, by the order of acceptance. */
  oldest?: number;
  newest?: number;
}

/** Errors and transactions are as in {@link Store}. */
export interface UpkeepStore {
  /**
   * Deletes what is old enough of the next `limit` events. One that still has something to deliver stays, however old.
   * @param after Where to go on: 0, or what the call before gave as `next`.
   */
  expire(after: number, before: Ages, limit: number): Promise<Expired>;
  retention(): Promise<Retention>;
  /** Remembers the time by which retention deletes. */
  keepRetention(time: number): Promise<void>;
  /** Frees some of the disk space that deleted events held; says whether there is more to free. */
  shrink(): Promise<boolean>;
  /**
   * Takes the events into account that were accepted since the last call: when the last event of each type was received,
   * and where the clock was set back. Says whether there are more.
   */
  observe(): Promise<boolean>;
  /** How many deliveries to these targets wait. Takes the longer the more there are. */
  backlog(targets: Iterable<string>): Promise<number>;
}
