/** The lanes that this relay owns: how it takes them over, gives them up and loses them. */

import { type Clock, within } from "../clock.ts";
import { log } from "../log.ts";
import { type Epoch, isSameEpoch } from "../store/epoch.ts";
import type { LaneHold, LaneStore } from "../store/mod.ts";
import { isSamePlace, type Target } from "../targets/target.ts";
import type { Caution } from "./caution.ts";
import type { Lane, UnderwayView } from "./lane.ts";
import type { StoreTime } from "./store_time.ts";
import { type Start, takeOver } from "./take_over.ts";
import { Wholes } from "./wholes.ts";

export class Holdings {
  /** By name. */
  readonly lanes = new Map<string, Lane>();
  readonly #store: LaneStore;
  readonly #time: StoreTime;
  readonly #caution: Caution;
  readonly #token: string;
  readonly #wholes = new Wholes();
  /** Lost while nothing was under way, and still to be given up. */
  readonly #lost: Epoch[] = [];

  /** @param token Identifies the owner. */
  constructor(store: LaneStore, time: StoreTime, caution: Caution, token: string) {
    this.#store = store;
    this.#time = time;
    this.#caution = caution;
    this.#token = token;
  }

  get underway(): UnderwayView[] {
    return [...this.lanes.values()].flatMap(({ underway }) => underway)
      .map(({ due: { id, lane, ref } }) => ({ id, lane, event: ref.event }));
  }

  /**
   * Takes over those of these lanes that are not held yet.
   * @throws {StoreError} if the store cannot write now.
   */
  async take(lanes: ReadonlyMap<string, Target>, start: Start): Promise<void> {
    const targets = new Map([...lanes].filter(([name]) => !this.lanes.has(name)));
    if (targets.size === 0) return;
    const taken = await takeOver(targets, this.#token, start, {
      store: this.#store,
      time: this.#time,
      wholes: this.#wholes,
    });
    const byEnd = Map.groupBy(taken, ([, { wasUnclean }]) => wasUnclean);
    for (const [wasUnclean, some] of byEnd) await this.#caution.open(wasUnclean, some.map(([name]) => name));
    for (const [name, { lane }] of taken) this.lanes.set(name, lane);
  }

  /** Holds the lanes like this from now on, and drops what was read of them: who changes one may change the other. */
  obey(holds: ReadonlyMap<string, LaneHold>): void {
    for (const [name, lane] of this.lanes) {
      lane.pace.obey(this.#time.holdToMonotonic(holds.get(name) ?? {}));
      lane.forgetRead();
    }
  }

  /** Drops what was read of these lanes, as it is out of date; returns their names. */
  forgetRead(names: readonly string[]): readonly string[] {
    for (const name of names) this.lanes.get(name)?.forgetRead();
    return names;
  }

  /**
   * Starts nothing more in a lane, and gives it up once nothing is under way there.
   * @throws {StoreError} if the store cannot write now.
   */
  async giveUp(name: string): Promise<void> {
    const lane = this.lanes.get(name);
    if (!lane) return;
    lane.isLeaving = true;
    await lane.idle();
    if (this.lanes.get(name) !== lane) return; // lost meanwhile
    if (!lane.wasCutOff) await this.#store.giveUp([lane.epoch]);
    if (this.lanes.get(name) === lane) this.lanes.delete(name);
  }

  /** Has all other lanes go before this one: of what several share, none takes all. */
  putLast(name: string): void {
    const lane = this.lanes.get(name);
    if (!lane) return;
    this.lanes.delete(name);
    this.lanes.set(name, lane);
  }

  /** Switches the lanes to another config. @param before What they delivered to. @param now By the monotonic clock. */
  use(targets: ReadonlyMap<string, Target>, before: ReadonlyMap<string, Target>, now: number): void {
    this.#wholes.use(targets.values(), now);
    for (const [name, { pace }] of this.lanes) {
      const target = targets.get(name);
      if (!target) continue;
      pace.use(target.policy, now);
      const old = before.get(name);
      if (old && !isSamePlace(old, target)) pace.forget();
    }
  }

  /** Updates until when lanes are held, after the clock was set. @throws {StoreError} if the store cannot write now. */
  async holdAnew(): Promise<void> {
    const held = [...this.lanes.values()]
      .map(({ epoch, pace }) => ({ epoch, hold: this.#time.holdFromMonotonic(pace.hold) }))
      .filter(({ hold: { openUntil, throttledUntil } }) => openUntil ?? throttledUntil);
    if (held.length > 0) await this.#store.hold(held);
  }

  /**
   * Makes due what was put off by a clock that has since been set back.
   * @throws {StoreError} if the store cannot write now.
   */
  async bringForward(): Promise<void> {
    const brought = await this.#store.bringForward();
    if (brought === 0) return;
    log.warn("the clock was set back: {brought} deliveries that were due later are due now", { brought });
  }

  /**
   * Parks what stands behind the heads of its order keys, in lanes with too much of it in memory. Returns whether there
   * was any.
   * @throws {StoreError} if the store cannot write now.
   */
  async park(): Promise<boolean> {
    let isAny = false;
    for (const lane of this.lanes.values()) {
      const orderKeys = lane.behind();
      if (orderKeys.length === 0) continue;
      await this.#store.park(lane.epoch, orderKeys);
      lane.forgetRead();
      isAny = true;
    }
    return isAny;
  }

  /** Aborts what is under way in a lane, and forgets the lane. If nothing was, the next owner need not wait. */
  lose(name: string): void {
    const lane = this.lanes.get(name);
    if (!lane) return;
    this.lanes.delete(name);
    if (lane.isIdle) this.#giveUpLost(lane.epoch);
    lane.cut.abort();
  }

  /** Many are lost at once, which costs one call. If it fails, their next owners wait. */
  #giveUpLost(epoch: Epoch): void {
    if (this.#lost.push(epoch) > 1) return;
    queueMicrotask(() => this.#store.giveUp(this.#lost.splice(0)).catch(() => {}));
  }

  /**
   * Loses the lanes that another relay has taken over, according to the store. A lane that was lost and is held again
   * has a new epoch, which a write under the old one does not concern.
   */
  loseToOthers(lanes: readonly Epoch[]): void {
    for (const epoch of lanes) {
      const held = this.lanes.get(epoch.lane)?.epoch;
      if (!held || !isSameEpoch(held, epoch)) continue;
      this.lose(epoch.lane);
      log.error("another relay has taken over the deliveries to {target}", { target: epoch.lane });
    }
  }

  /** Aborts what is under way everywhere. */
  cutOff(): void {
    for (const lane of this.lanes.values()) lane.cut.abort();
  }

  /**
   * Gives up lanes with nothing under way, within `limitMs`. Returns how many deliveries are under way in the others.
   */
  async giveUpIdle(limitMs: number, clock: Clock): Promise<number> {
    const lanes = [...this.lanes.values()];
    const idle = lanes.filter(({ isIdle }) => isIdle).map(({ epoch }) => epoch);
    await within(limitMs, this.#store.giveUp(idle), clock); // else the next owner assumes that something is under way
    return lanes.reduce((sum, { underway }) => sum + underway.length, 0);
  }
}
