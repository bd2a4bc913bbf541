/**
 * After an unclean stop, which may be the fault of one delivery, such as an answer that kills the process: what begins is
 * written down first, and what was under way when the relay ended once more is tried one by one, while all else goes on.
 */

import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import type { Dead } from "../outcome.ts";
import { type DeliveryRef, keyOf } from "../store/delivery.ts";
import type { Due, LaneStore, Suspect } from "../store/mod.ts";

/** For how long after an unclean stop what begins is written down, in milliseconds. Lanes wait no longer for suspects. */
const WATCH_MS = 60_000;

/** How long a delivery has been tried for when it is no longer under suspicion, in milliseconds. */
const TRIAL_MS = 250;

/** What was under way in so many crashes, however long it had been, is tried for longer, in milliseconds. */
const MANY_CRASHES = 10;
const LONG_TRIAL_MS = 30_000;

/**
 * A delivery over which the process before ended is tried again only after so long, and as long again by chance, in
 * milliseconds: whoever ends the relay again and again in this time, or at the same moment of each life, never meets the
 * same delivery twice in a row.
 */
const CALM_MS = 2_000;
const CALM_CHANCE_MS = 8_000;

/** For how long the others wait if it cannot begin then, for instance because its lane is paused, in milliseconds. */
const PATIENCE_MS = 1_000;

/** So many crashes in a row while it was tried are its fault. One may be a `kill -9`. */
const FATAL_CRASHES = 2;

export class Caution {
  readonly #store: LaneStore;
  readonly #clock: Clock;
  readonly #wake: () => void;
  readonly #stop = new AbortController();
  #watchEndsAt = -Infinity;
  /** What is to be tried, by key, with the lanes of all that; what waits behind one in its lane may be as fatal. */
  readonly #suspects = new Map<string, Suspect>();
  #lanes = new Set<string>();
  /** The suspect that the process before ended over while it was tried. It is the first. */
  #struck?: string;
  #calmEndsAt = -Infinity;
  /** The suspect that is tried now, and what ends the wait for it. */
  #tried?: { key: string; ended: AbortController };
  /** Those that are given up. */
  #condemned = new Map<string, Suspect>();
  /** What was under way when a process before ended, and has not ended in this one. */
  #unsettled = new Set<string>();

  /** @param wake Called when more may begin than before. */
  constructor(store: LaneStore, clock: Clock, wake: () => void) {
    this.#store = store;
    this.#clock = clock;
    this.#wake = wake;
  }

  /** What begins is to be written down by {@link Caution.begin}. */
  get isOn(): boolean {
    return this.#isWatching || this.#unsettled.size > 0;
  }

  get #isWatching(): boolean {
    return this.#clock.monotonic() < this.#watchEndsAt;
  }

  /** @param wasUnclean The process before ended without having been asked to, under the same boot of the machine. */
  async open(wasUnclean: boolean): Promise<void> {
    if (!wasUnclean) return await this.#store.forgetUnderway();
    const found = await this.#store.countCrash();
    const now = this.#clock.monotonic();
    this.#watchEndsAt = now + WATCH_MS;
    for (const one of found) {
      const key = keyOf(one.ref);
      this.#unsettled.add(key);
      if (one.alone >= FATAL_CRASHES) this.#condemned.set(key, one);
      else if (!one.hasSurvived || one.crashes >= MANY_CRASHES) this.#suspects.set(key, one);
    }
    const struck = this.#suspects.values().find(({ alone }) => alone > 0);
    this.#struck = struck && keyOf(struck.ref);
    this.#calmEndsAt = struck ? now + CALM_MS + this.#clock.random() * CALM_CHANCE_MS : now;
    this.#noteLanes();
    if (this.#suspects.size === 0) return;
    log.warn(
      "the relay ended {crashes} times in a row without having been asked to; {count} deliveries that were under " +
        "way are tried one by one, and what else waits in their targets waits for that",
      {
        crashes: Math.max(...found.map(({ crashes }) => crashes)) + 1,
        count: this.#suspects.size,
      },
    );
    for (const at of [this.#calmEndsAt, this.#calmEndsAt + PATIENCE_MS, this.#watchEndsAt]) this.#wakeAt(at);
  }

  /** Wakes nobody any more. */
  stop(): void {
    this.#stop.abort();
  }

  mayBegin = ({ ref, lane }: Pick<Due, "ref" | "lane">): boolean => {
    if (this.#suspects.size === 0) return true;
    const key = keyOf(ref);
    if (!this.#suspects.has(key)) return this.#condemned.has(key) || !this.#lanes.has(lane) || !this.#isWatching;
    if (this.#tried) return false;
    const waited = this.#clock.monotonic() - this.#calmEndsAt;
    return waited >= (key === this.#struck || !this.#struck ? 0 : PATIENCE_MS);
  };

  /** What becomes of a delivery that is not to be tried any more. */
  verdictOf({ ref }: Pick<Due, "ref">): Dead | undefined {
    const condemned = this.#condemned.get(keyOf(ref));
    if (!condemned) return undefined;
    const detail = `The relay ended ${condemned.crashes} times in a row while it made this delivery`;
    return { kind: "dead", reason: "crashed", detail };
  }

  /** A delivery was chosen to begin: if it is a suspect, no other one begins until it has ended, or has lived for long enough. */
  choose(ref: DeliveryRef): void {
    const key = keyOf(ref);
    if (this.#suspects.has(key)) this.#tried = { key, ended: new AbortController() };
  }

  /** Writes down what is about to begin. @throws {StoreError} if the store cannot write now. */
  async begin(refs: readonly DeliveryRef[]): Promise<void> {
    const ended = this.#tried?.ended.signal;
    const tried = refs.find((ref) => keyOf(ref) === this.#tried?.key);
    await this.#store.begin(refs, tried);
    if (tried) void this.#watch(tried, ended!);
  }

  /** Lets a delivery go that does not end the relay for so long. */
  async #watch(ref: DeliveryRef, ended: AbortSignal): Promise<void> {
    const isOld = this.#suspects.get(keyOf(ref))!.crashes >= MANY_CRASHES;
    await this.#clock.sleep(isOld ? LONG_TRIAL_MS : TRIAL_MS, AbortSignal.any([ended, this.#stop.signal]));
    if (ended.aborted || this.#stop.signal.aborted) return;
    await this.#write("what went well", () => this.#store.survived(ref));
    this.#clear(keyOf(ref));
  }

  /** What was written down was put off: if the relay ends from now on, that is not its fault. */
  async excuse(ref: DeliveryRef): Promise<void> {
    await this.#write("what was put off", () => this.#store.begin([ref]));
  }

  async #write(what: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      log.error(`cannot write down ${what}: {problem}`, { problem: explain(error) });
    }
  }

  /** A delivery has ended, or was released. */
  end(ref: DeliveryRef): void {
    const key = keyOf(ref);
    this.#unsettled.delete(key);
    this.#condemned.delete(key); // it may be retried
    this.#clear(key);
  }

  /** A delivery is no suspect any more. */
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
    this.#lanes = new Set(this.#suspects.values().map(({ lane }) => lane));
  }

  #wakeAt(at: number): void {
    this.#clock.sleep(at - this.#clock.monotonic(), this.#stop.signal).then(this.#wake);
  }
}
