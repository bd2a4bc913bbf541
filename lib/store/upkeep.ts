/** What a store lets the relay do on its own: delete what is old, and count what waits. */

/** How long events are kept, in milliseconds: those whose deliveries were all made, and those with a dead letter. */
export interface KeepPolicy {
  deliveredMs: number;
  deadMs: number;
}

/** Events received before these times are deleted: those with all deliveries made, and those with a dead letter. */
export interface Ages {
  delivered: number;
  dead: number;
}

/** What {@link UpkeepStore.expire} did, and where to continue; `next` is absent when nothing older is left. */
export interface Expired {
  deleted: number;
  next?: number;
}

/** A type is forgotten if its last event came this much before the oldest event that is kept, in milliseconds. */
export const FORGET_MS = 30 * 86_400_000;

/** Most bytes of bodies that are deleted in one transaction, except for a single larger body. */
export const MAX_EXPIRED_BYTES = 4 * 1024 ** 2;

/** What retention is based on, in Unix milliseconds. */
export interface Retention {
  /** The time that the last deletion was based on; absent before the first. */
  time?: number;
  /** When the first and the last stored event were received, by the order of acceptance. */
  oldest?: number;
  newest?: number;
}

/** Errors and transactions are as in {@link Store}. */
export interface UpkeepStore {
  /**
   * Of the next `limit` events, deletes those that are old enough; never one that still has something to deliver.
   * @param after Where to continue: 0, or `next` of the previous call.
   */
  expire(after: number, before: Ages, limit: number): Promise<Expired>;
  retention(): Promise<Retention>;
  /** Stores the time that retention is based on. */
  keepRetention(time: number): Promise<void>;
  /** Frees some of the disk space that deleted events took; returns whether there is more to free. */
  shrink(): Promise<boolean>;
  /**
   * Observes the events that were accepted since the last call: when the last event of each type was received, and
   * where the clock was set back. Returns whether there are more.
   */
  observe(): Promise<boolean>;
  /** How many deliveries to these targets wait, except for steps of chains that have not begun. It takes longer for more. */
  backlog(targets: Iterable<string>): Promise<number>;
}
