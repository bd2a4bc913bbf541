/**
 * Caution after an unclean stop, which one delivery may have caused, such as by an answer that kills the process: each
 * start is stored before it is made, and what was under way when the relay ended once more is tried one at a time,
 * while everything else goes on.
 */

import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import { Told } from "../locale/told.ts";
import type { Dead } from "../outcome.ts";
import { type DeliveryRef, keyOf } from "../store/delivery.ts";
import type { Due, Epoch, LaneStore, Suspect } from "../store/mod.ts";

/**
 * How long after an unclean stop each start in a lane is stored, counted from the lane's first attempt, in
 * milliseconds; longer while anything of the lane that was under way at the stop has not ended.
 */
const WATCH_MS = 60_000;

/** Longest wait of a lane for its suspects, in milliseconds: some may be unable to start. */
const HOLD_MS = 30_000;

/** How long a delivery is tried before it is cleared of suspicion, in milliseconds. */
const TRIAL_MS = 250;

/** A delivery that was under way in this many crashes is on trial until its attempt ends. */
const MANY_CRASHES = 10;

/**
 * A suspect during whose trial the previous process ended is tried again only after the first of these, plus a random
 * part of the second, in milliseconds: whatever keeps ending the relay within this time, or at the same moment of each
 * run, never hits the same delivery twice in a row.
 */
const CALM_MS = 4_000;
const CALM_CHANCE_MS = 8_000;

/** How long the others wait after that if it cannot start, for instance because its lane is paused, in milliseconds. */
const PATIENCE_MS = 1_000;

/** Timers may fire this much too early, in milliseconds. */
const TIMER_SLACK_MS = 1;

/** A delivery is to blame after this many crashes in a row while it was tried. One may be a `kill -9`. */
const FATAL_CRASHES = 2;

export class Caution {
  readonly #store: LaneStore;
  readonly #clock: Clock;
  readonly #wake: () => void;
  readonly #stop = new AbortController();
  /** The previous process ended uncleanly. */
  #isOn = false;
  /** Until when each start in a lane is stored. A lane in which nothing has started has no entry. */
  readonly #watched = new Map<string, number>();
  #holdEndsAt = -Infinity;
  /** What was under way when an earlier process ended, and has not ended in this one, by key. */
  readonly #unsettled = new Map<string, Suspect>();
  /** Those of them that are given up. */
  readonly #condemned = new Set<string>();
  /** Those of them that are to be tried, and their lanes, where whatever else waits may be as fatal. */
  readonly #suspects = new Set<string>();
  #lanes = new Set<string>();
  /** The suspect during whose trial the previous process ended. All that was under way waits for it. */
  #struck?: string;
  #calmEndsAt = -Infinity;
  /** The suspect on trial, and what ends its trial. */
  #tried?: { key: string; ended: AbortController };

  /** @param wake Called when more may start than before. */
  constructor(store: LaneStore, clock: Clock, wake: () => void) {
    this.#store = store;
    this.#clock = clock;
    this.#wake = wake;
  }

  /**
   * Looks up what was under way in these lanes.
   * @param wasUnclean The previous process ended uncleanly, under the same boot of the machine.
   * @throws {StoreError} if the store cannot read or write now.
   */
  async open(wasUnclean: boolean, lanes: readonly string[]): Promise<void> {
    if (!wasUnclean) return await this.#store.forgetUnderway(lanes);
    this.#isOn = true;
    const found = await this.#store.countCrash(lanes);
    for (const one of found) {
      const key = keyOf(one.ref);
      this.#unsettled.set(key, one);
      if (one.alone >= FATAL_CRASHES) this.#condemned.add(key);
      else if (!one.hasSurvived || one.crashes >= MANY_CRASHES) this.#suspects.add(key);
      if (one.alone > 0 && one.alone < FATAL_CRASHES) this.#struck = key;
    }
    this.#noteLanes();
    if (this.#suspects.size === 0) return;
    log.warn(
      "the relay crashed {crashes} times in a row; the {count} deliveries that were under way run one at a time, and their " +
        "targets get nothing else until then",
      { crashes: Math.max(...found.map(({ crashes }) => crashes)) + 1, count: this.#suspects.size },
    );
    const now = this.#clock.monotonic();
    this.#calmEndsAt = this.#struck ? now + CALM_MS + this.#clock.random() * CALM_CHANCE_MS : now;
    this.#holdEndsAt = now + HOLD_MS;
    for (const at of [this.#calmEndsAt, this.#calmEndsAt + PATIENCE_MS, this.#holdEndsAt]) this.#wakeAt(at);
  }

  /** Schedules nothing more. */
  stop(): void {
    this.#stop.abort();
  }

  /** Whether starts in this lane have to be stored, with {@link Caution.begin}. */
  isOn(lane: string): boolean {
    if (!this.#isOn) return false;
    const isWatched = this.#clock.monotonic() < (this.#watched.get(lane) ?? Infinity);
    return isWatched || this.#unsettled.values().some((one) => one.lane === lane);
  }

  mayBegin = ({ ref, lane }: Pick<Due, "ref" | "lane">): boolean => {
    if (this.#unsettled.size === 0) return true;
    const key = keyOf(ref);
    if (this.#condemned.has(key)) return true;
    const now = this.#clock.monotonic();
    if (!this.#unsettled.has(key)) return !this.#lanes.has(lane) || now >= this.#holdEndsAt;
    if (key === this.#struck) return now >= this.#calmEndsAt && !this.#tried;
    if (this.#struck && (this.#tried?.key === this.#struck || now < this.#calmEndsAt + PATIENCE_MS)) return false;
    return !this.#suspects.has(key) || !this.#tried;
  };

  /** Whether a delivery is under suspicion: a crash while it is under way must not be blamed on another one. */
  isSuspect({ ref }: Pick<Due, "ref">): boolean {
    return this.#suspects.has(keyOf(ref));
  }

  /** The outcome of a delivery that is given up; `undefined` for all others. */
  verdictOf({ ref }: Pick<Due, "ref">): Dead | undefined {
    const key = keyOf(ref);
    if (!this.#condemned.has(key)) return undefined;
    const { crashes } = this.#unsettled.get(key)!;
    return { kind: "dead", reason: "crashed", detail: Told.of((words) => words.outcomes.crashed(crashes)) };
  }

  /** Marks a delivery as chosen to start. Until a suspect ends or survives its trial, no other suspect starts. */
  choose(ref: DeliveryRef): void {
    const key = keyOf(ref);
    if (this.#suspects.has(key)) this.#tried = { key, ended: new AbortController() };
  }

  /**
   * Stores what is about to start in a lane.
   * @throws {StoreError} if the store cannot write now. What was chosen must be chosen again.
   */
  async begin(epoch: Epoch, refs: readonly DeliveryRef[]): Promise<void> {
    if (!this.#watched.has(epoch.lane)) this.#watched.set(epoch.lane, this.#clock.monotonic() + WATCH_MS);
    const tried = this.#tried;
    const alone = refs.find((ref) => keyOf(ref) === tried?.key);
    try {
      await this.#store.begin(epoch, refs, alone);
    } catch (error) {
      if (alone) this.#tried = undefined;
      throw error;
    }
    if (alone) void this.#try(epoch, alone, tried!.ended.signal);
  }

  /** Clears a suspect that does not end the relay during its trial. */
  async #try(epoch: Epoch, ref: DeliveryRef, ended: AbortSignal): Promise<void> {
    const key = keyOf(ref);
    if (this.#unsettled.get(key)!.crashes >= MANY_CRASHES) return; // cleared when it ends
    await this.#clock.sleep(TRIAL_MS, AbortSignal.any([ended, this.#stop.signal]));
    if (ended.aborted || this.#stop.signal.aborted) return;
    await this.#write("what went well", () => this.#store.survived(epoch, ref));
    this.#clear(key);
  }

  /** A delivery whose start was stored was deferred: if the relay ends from now on, it is not to blame. */
  async excuse(epoch: Epoch, ref: DeliveryRef): Promise<void> {
    await this.#write("what was put off", () => this.#store.forgetBegun(epoch, ref));
  }

  async #write(what: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      log.error(`cannot write down ${what}: {problem}`, { problem: explain(error) });
    }
  }

  /** A delivery has ended or was released. */
  end(ref: DeliveryRef): void {
    const key = keyOf(ref);
    this.#unsettled.delete(key);
    this.#condemned.delete(key); // it may be retried
    this.#clear(key);
  }

  /** Removes a delivery from the suspects. */
  #clear(key: string): void {
    if (!this.#suspects.delete(key)) return;
    if (this.#struck === key) this.#struck = undefined;
    if (this.#tried?.key === key) {
      this.#tried.ended.abort();
      this.#tried = undefined;
    }
    this.#noteLanes();
    this.#wake();
  }

  #noteLanes(): void {
    this.#lanes = new Set([...this.#suspects].map((key) => this.#unsettled.get(key)!.lane));
  }

  #wakeAt(at: number): void {
    this.#clock.sleep(at - this.#clock.monotonic() + TIMER_SLACK_MS, this.#stop.signal).then(this.#wake);
  }
}
