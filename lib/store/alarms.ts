/** What a store keeps of alarms. */

import type { AlarmState } from "../alert.ts";
import type { NewEvent } from "../event.ts";

/** The side of a store that alarms need. Errors and transactions are as in {@link Store}. */
export interface AlarmStore {
  /** What is known of each alert that is watched, by its key. */
  states(): Promise<Map<string, AlarmState>>;
  /** Watches these alerts from now on, or as it did before, and forgets all others. Gives what is known of each. */
  watch(keys: readonly string[], now: number): Promise<Map<string, AlarmState>>;
  /**
   * Turns an alarm on or off and keeps the event that tells of it, both or neither. An alarm that is so already, or is
   * not watched, stays as it is and nothing is kept. Says whether it was turned.
   * @param since Since when what it tells of is so; `undefined` turns it off.
   */
  turn(key: string, since: number | undefined, event: NewEvent): Promise<boolean>;
  /** How many dead letters there are, counted to `limit`; those of system events are none. */
  countDead(limit: number): Promise<number>;
  /** When the last event of each type was received, as far as {@link UpkeepStore.observe} has seen; relay's own left out. */
  lastReceived(): Promise<Map<string, number>>;
}
