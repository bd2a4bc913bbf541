/** Retention: what is done and old enough is deleted, a little at a time, and never all at once on the word of a clock. */

import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import type { KeepPolicy, UpkeepStore } from "../store/upkeep.ts";
import { startDuty } from "./duty.ts";

/** How many times as fast as time passes retention follows a clock that has leapt: a week a day. */
const FOLLOW = 7;

/** By how many milliseconds the clock is ahead before that is worth a line in the log. */
const LEAP_MS = 86_400_000;

/** Most events that are looked at in one transaction. */
const BATCH = 200;

/** Pause between two of these, in milliseconds: accepting and delivering go before. */
const BATCH_PAUSE_MS = 50;

/** Shortest and longest pause between two rounds, in milliseconds. */
const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 3_600_000;

/** Longest pause before the first round, and before one after a failure, in milliseconds. */
const SOON_MS = 60_000;

/**
 * Starts to delete what is older than it need be kept.
 * @param keep Asked before each round, since a reload may change it.
 * @returns What ends it, and resolves once it has ended.
 */
export function startRetention(store: UpkeepStore, keep: () => KeepPolicy, clock: Clock): () => Promise<void> {
  const time = new RetentionTime(store, clock);

  async function round({ deliveredMs, deadMs }: KeepPolicy, signal: AbortSignal): Promise<void> {
    const now = await time.now();
    let deleted = 0;
    for (let next: number | undefined = 0; next !== undefined && !signal.aborted;) {
      const expired = await store.expire(next, { delivered: now - deliveredMs, dead: now - deadMs }, BATCH);
      deleted += expired.deleted;
      next = expired.next;
      await clock.sleep(BATCH_PAUSE_MS, signal);
    }
    while (await store.shrink() && !signal.aborted) await clock.sleep(BATCH_PAUSE_MS, signal);
    if (deleted > 0) log.info("deleted {deleted} events past their retention", { deleted });
  }

  /** How long until the next round. */
  function restMs(): number {
    const { deliveredMs, deadMs } = keep();
    return Math.min(Math.max(Math.min(deliveredMs, deadMs) / 10, MIN_PAUSE_MS), MAX_PAUSE_MS);
  }

  return startDuty(async (signal) => {
    const soon = () => clock.sleep(Math.min(restMs(), SOON_MS), signal);
    await soon();
    while (!signal.aborted) {
      try {
        await round(keep(), signal);
        await clock.sleep(restMs(), signal);
      } catch (error) {
        log.error("cannot delete old events: {problem}", { problem: explain(error) });
        await soon();
      }
    }
  });
}

/**
 * The time by which retention deletes: never later than the clock says, and never far from where it was. A clock that is
 * years ahead for an hour costs some hours of what is kept, and one that was off for a weekend is believed within a day.
 */
export class RetentionTime {
  readonly #store: UpkeepStore;
  readonly #clock: Clock;
  #askedAt: number;
  #isBehind = false;

  constructor(store: UpkeepStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#askedAt = clock.monotonic();
  }

  /**
   * Unix milliseconds.
   * @throws {StoreError} if the store cannot read or write now.
   */
  async now(): Promise<number> {
    const now = this.#clock.now();
    const { newest = now, time: before = Math.min(newest, now), oldest = now } = await this.#store.retention();
    const step = FOLLOW * (this.#clock.monotonic() - this.#askedAt);
    this.#askedAt += step / FOLLOW;
    // Nothing is older than the oldest event, so going on from there deletes nothing.
    const from = Math.max(before, Math.min(oldest, now));
    const time = Math.round(Math.min(Math.max(now, from - step), from + step));
    await this.#store.keepRetention(time);
    this.#tell(now, time);
    return Math.min(now, time);
  }

  #tell(now: number, time: number): void {
    const isBehind = now - time > LEAP_MS;
    if (isBehind && !this.#isBehind) {
      log.warn("the clock jumped ahead: retention goes by {asOf}, which catches up by a week a day", {
        asOf: new Date(time).toISOString(),
      });
    }
    this.#isBehind = isBehind;
  }
}
