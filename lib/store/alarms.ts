/** What a store keeps about alarms. */

import type { AlarmState } from "../alert.ts";
import type { NewEvent } from "../event.ts";

/** The part of a store that alarms need. Errors and transactions are as in {@link Store}. */
export interface AlarmStore {
  /** What is known about each watched alert, by key. */
  states(): Promise<Map<string, AlarmState>>;
  /** Watches these alerts, from now on unless it already did, and forgets all others. Returns what it knows of each. */
  watch(keys: readonly string[], now: number): Promise<Map<string, AlarmState>>;
  /**
   * Turns an alarm on or off and stores the event that tells of it, both or neither. If the alarm is already in that
   * state, or is not watched, nothing changes and nothing is stored. Returns whether the alarm was turned.
   * @param since When the condition that it tells of began; `undefined` turns the alarm off.
   */
  turn(key: string, since: number | undefined, event: NewEvent): Promise<boolean>;
  /** Counts dead letters, up to `limit`, without those of system events. */
  countDead(limit: number): Promise<number>;
  /** When the last event of each type came in, as far as {@link UpkeepStore.observe} saw; no system events. */
  lastReceived(): Promise<Map<string, number>>;
}
