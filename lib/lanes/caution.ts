/**
 * After an unclean stop, which may be the fault of one delivery, such as an answer that kills the process: what begins is
 * written down first, and after another one, what had been under way is tried alone before all else goes on.
 */

import type { Clock } from "../clock.ts";
import type { Dead } from "../outcome.ts";
import { type DeliveryRef, keyOf } from "../store/delivery.ts";
import type { Due, LaneStore, Suspect } from "../store/mod.ts";

/** For how long after an unclean stop what begins is written down, in milliseconds. */
const WATCH_MS = 60_000;

/** How long one delivery is tried alone, and how long that goes on at most, in milliseconds: all others wait meanwhile. */
const SLOT_MS = 250;
const SLOTS_MS = 1_000;

/** After so many crashes in a row over it, a delivery is tried alone for longer, in milliseconds. */
const MANY_CRASHES = 10;
const LONG_SLOT_MS = 30_000;

/** So many crashes while it was alone are its fault, unless it has been alone without one. One may be a `kill -9`. */
const FATAL_CRASHES = 2;

export class Caution {
  readonly #store: LaneStore;
  readonly #clock: Clock;
  #until = -Infinity;
  #suspects: Suspect[] = [];
  /** Those that the process ended over while nothing else was under way. */
  #condemned = new Map<string, Suspect>();
  /** Which delivery alone may begin; absent: all may. */
  #alone?: string;
  /** What was written down, and has not ended. */
  readonly #underway = new Set<string>();
  /** What has been alone for a moment in this process, so that what begins beside it counts as alone. */
  readonly #survivors = new Set<string>();
  /** What was under way when a process before ended, and has not ended in this one. */
  #unsettled = new Set<string>();
  #ended = Promise.withResolvers<void>();

  constructor(store: LaneStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** What begins is to be written down by {@link Caution.begin}. */
  get isOn(): boolean {
    return this.#clock.monotonic() < this.#until || this.#unsettled.size > 0;
  }

  /** @param wasUnclean The process before ended without having been asked to, under the same boot of the machine. */
  async open(wasUnclean: boolean): Promise<void> {
    if (!wasUnclean) return await this.#store.forgetUnderway();
    this.#until = this.#clock.monotonic() + WATCH_MS;
    const found = await this.#store.countCrash();
    this.#unsettled = new Set(found.map(({ ref }) => keyOf(ref)));
    const condemned = found.filter(({ alone }) => alone >= FATAL_CRASHES);
    this.#condemned = new Map(condemned.map((one) => [keyOf(one.ref), one]));
    const suspects = found.filter(({ alone, hasSurvived, crashes }) =>
      alone < FATAL_CRASHES && (!hasSurvived || crashes >= MANY_CRASHES)
    );
    this.#suspects = suspects.map((one) => ({ one, chance: this.#clock.random() }))
      .sort((a, b) => b.one.alone - a.one.alone || a.chance - b.chance).map(({ one }) => one);
    this.#alone = this.#suspects.length > 0 ? "" : undefined;
  }

  /** Tries each suspect alone for a moment. @param wake Called when another one may begin. */
  async tryAlone(wake: () => void, signal: AbortSignal): Promise<void> {
    const endsAt = this.#clock.monotonic() + SLOTS_MS;
    try {
      // Else whoever kills relays at one moment after their start would meet the same delivery again.
      const isAgain = this.#suspects[0] !== undefined && this.#suspects[0].alone > 0;
      if (isAgain) await this.#clock.sleep(this.#clock.random() * (SLOTS_MS - SLOT_MS), signal);
      for (const { ref, crashes } of this.#suspects) {
        if (signal.aborted || this.#clock.monotonic() >= endsAt) break;
        this.#alone = keyOf(ref);
        this.#ended = Promise.withResolvers();
        wake();
        await this.#endsWithin(SLOT_MS, signal);
        if (this.#underway.has(this.#alone) && crashes >= MANY_CRASHES) await this.#endsWithin(LONG_SLOT_MS, signal);
        if (!this.#underway.has(this.#alone)) continue;
        this.#survivors.add(this.#alone);
        await this.#store.survived(ref);
      }
    } finally {
      this.#alone = undefined;
      wake();
    }
  }

  /** Resolves when the one that is tried alone has ended, or after so long. */
  async #endsWithin(ms: number, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    await Promise.race([this.#ended.promise, this.#clock.sleep(ms, AbortSignal.any([ended.signal, signal]))]);
    ended.abort();
  }

  mayBegin = ({ ref }: Pick<Due, "ref">): boolean => this.#alone === undefined || this.#alone === keyOf(ref);

  /** What becomes of a delivery that is not to be tried any more. */
  verdictOf({ ref }: Pick<Due, "ref">): Dead | undefined {
    const condemned = this.#condemned.get(keyOf(ref));
    if (!condemned) return undefined;
    const detail = `The relay ended ${condemned.crashes} times in a row while it made this delivery`;
    return { kind: "dead", reason: "crashed", detail };
  }

  /** Writes down what is about to begin. @throws {StoreError} if the store cannot write now. */
  async begin(refs: readonly DeliveryRef[]): Promise<void> {
    const isAlone = this.#alone !== undefined && this.#underway.isSubsetOf(this.#survivors);
    await this.#store.begin(refs, isAlone);
    for (const ref of refs) this.#underway.add(keyOf(ref));
  }

  /**
   * What was written down was put off: if the relay ends from now on, that is not its fault.
   * @throws {StoreError} as {@link Caution.begin} does.
   */
  async excuse(ref: DeliveryRef): Promise<void> {
    await this.#store.begin([ref], false);
  }

  /** A delivery has ended, or was released. */
  end(ref: DeliveryRef): void {
    this.#underway.delete(keyOf(ref));
    this.#unsettled.delete(keyOf(ref));
    this.#condemned.delete(keyOf(ref)); // it may be retried
    if (this.#alone === keyOf(ref)) this.#ended.resolve();
  }
}
