/** What a relay does on its own, under one owner: observing accepted events, retention, alarms. */

import type { Alert } from "../alert.ts";
import { type Clock, within } from "../clock.ts";
import type { Claimant } from "../lanes/membership.ts";
import { DUTIES } from "../own_lane.ts";
import type { Epoch, Store } from "../store/mod.ts";
import type { KeepPolicy } from "../store/upkeep.ts";
import { laneNames, type Target } from "../targets/target.ts";
import { startAlarms } from "./alarms.ts";
import { startObserving } from "./observing.ts";
import { startRetention } from "./retention.ts";
import { startUpgrading } from "./upgrading.ts";

/** How long giving up the duties may take, in milliseconds; a locked store cannot do it. */
const GIVE_UP_MS = 1_000;

/** What duties need to know of the current config. */
export interface DutiesConfig {
  keep: KeepPolicy;
  alerts: readonly Alert[];
  targets: ReadonlyMap<string, Target>;
}

export class Duties implements Claimant {
  readonly #store: Store;
  readonly #config: () => DutiesConfig;
  readonly #wake: (lanes: readonly string[]) => void;
  readonly #token: string;
  readonly #clock: Clock;
  #epoch?: Epoch;
  #stops: (() => Promise<void>)[] = [];
  /** Resolves once what was started or stopped before has ended. */
  #ended: Promise<unknown> = Promise.resolve();

  /**
   * @param config Called each time, since a reload may change it.
   * @param wake Called with the lanes of messages to deliver.
   * @param token Identifies the owner of the duties: random, new at each start of the relay.
   */
  constructor(
    store: Store,
    config: () => DutiesConfig,
    wake: (lanes: readonly string[]) => void,
    token: string,
    clock: Clock,
  ) {
    this.#store = store;
    this.#config = config;
    this.#wake = wake;
    this.#token = token;
    this.#clock = clock;
  }

  names(): string[] {
    return [DUTIES];
  }

  spare(): string[] {
    return [];
  }

  wake(): void {}

  async take(lanes: readonly Epoch[] = []): Promise<Map<string, Epoch>> {
    const taken = this.#ended.then(() => this.#take(lanes));
    this.#ended = taken.catch(() => {});
    return new Map([[DUTIES, await taken]]);
  }

  async #take(lanes: readonly Epoch[]): Promise<Epoch> {
    if (this.#epoch) return this.#epoch; // after a suspend, they may be taken over twice
    const seen = new Map(lanes.map(({ lane, number }) => [lane, number]));
    const { epoch } = (await this.#store.lanes.own([DUTIES], this.#token, { seen })).get(DUTIES)!;
    this.#epoch = epoch;
    this.#stops = [
      startObserving(this.#store.upkeep, this.#clock),
      startRetention(this.#store.upkeep, () => this.#config().keep, this.#clock),
      startAlarms(
        this.#store,
        () => this.#config().alerts,
        (name) => laneNames(this.#config().targets, name),
        this.#wake,
        this.#clock,
      ),
      ...(this.#store.members ? [startUpgrading(this.#store.members, this.#clock)] : []),
    ];
    return epoch;
  }

  async giveUp(): Promise<void> {
    const epoch = this.#epoch;
    this.lose();
    await this.#ended;
    // A store that cannot write has been reported elsewhere.
    if (epoch) await within(GIVE_UP_MS, this.#store.lanes.giveUp([epoch]), this.#clock);
  }

  lose(): void {
    this.#epoch = undefined;
    this.#ended = Promise.all([this.#ended, ...this.#stops.splice(0).map((stop) => stop())]);
  }
}
