/** Retention: deletes what is done and old enough, a little at a time, never all at once because a clock says so. */

import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import type { KeepPolicy, UpkeepStore } from "../store/upkeep.ts";
import { startDuty } from "./duty.ts";

/** How many times as fast as real time retention follows a clock that jumped: a week a day. */
const FOLLOW = 7;

/** How far ahead the clock has to be to be worth a log line, in milliseconds. */
const LEAP_MS = 86_400_000;

/** Most events examined in one transaction. */
const BATCH = 200;

/** Pause between transactions, in milliseconds: accepting and delivering come first. */
const BATCH_PAUSE_MS = 50;

/** Shortest and longest pause between two rounds, in milliseconds. */
const MIN_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 3_600_000;

/** Longest pause before the first round, and after a failed one, in milliseconds. */
const SOON_MS = 60_000;

/**
 * Starts to delete what is past its retention.
 * @param keep Called before each round, since a reload may change it.
 * @returns A function that stops it and resolves once it has ended.
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
 * The time that retention goes by: never later than the clock shows, and never far from where it was. A clock that is
 * years ahead for an hour costs some hours of what is kept; one that was wrong over a weekend is believed within a day.
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
    // Nothing is older than the oldest event, so continuing from there deletes nothing.
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
