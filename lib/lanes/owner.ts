/** The owner of lanes: takes them over, reads what is due in them, and sleeps until something is. */

import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import type { NewEvent } from "../event.ts";
import { log } from "../log.ts";
import { isOwnLane } from "../own_lane.ts";
import type { Epoch, Store } from "../store/mod.ts";
import type { Writer } from "../store/writer.ts";
import { Caution } from "./caution.ts";
import { Holdings } from "./holdings.ts";
import type { Lane, UnderwayView } from "./lane.ts";
import type { Claimant, Membership } from "./membership.ts";
import { offerAll } from "./offer.ts";
import { OrderCheck } from "./order.ts";
import { readDue } from "./read.ts";
import { recall } from "./recall.ts";
import { STORE_RETRY_MS } from "./record.ts";
import { Receipts } from "./receipts.ts";
import { Schedule } from "./schedule.ts";
import { StoreTime } from "./store_time.ts";
import { Serial } from "./serial.ts";
import type { Start } from "./take_over.ts";
import { unnamed } from "./unnamed.ts";
import { nextLookAt, type Openness } from "./open.ts";
import { type LanesConfig, Worker } from "./worker.ts";

/** How long recording may take after the drain, and giving up lanes after that, in milliseconds. */
const RECORD_MS = 1_000;

/** Says which lanes this relay owns, where relays share a store. */
type Sharing = Pick<Membership, "mayBegin" | "changed">;

/**
 * Owns lanes from {@link Owner.start} on: all of them in a store for a single relay, otherwise those that it is told to
 * take, until it is told to give them up.
 */
export class Owner implements Claimant {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #time: StoreTime;
  readonly #caution: Caution;
  readonly #openness: () => Openness;
  readonly #worker: Worker;
  readonly #holdings: Holdings;
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #stop = new AbortController();
  #config: LanesConfig;
  #wanted: LanesConfig;
  readonly #stopping = new AbortController();
  readonly #serial: Serial;
  #isWoken = false;
  /** Lanes of relay's own in which deliveries wait and that the config does not name. */
  #gone: string[] = [];
  readonly #schedule: Schedule;
  readonly #order: OrderCheck;
  readonly #receipts: Receipts;
  #membership?: Sharing;

  /**
   * @param onDone Called when a target's delivery is delivered or dead.
   * @param token Identifies it as an owner: random, new at each start of the relay.
   */
  constructor(
    store: Store,
    writer: Writer,
    config: LanesConfig,
    clock: Clock,
    onDone = () => {},
    token = randomUUID() as string,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#time = new StoreTime(store.time);
    this.#schedule = new Schedule(clock, () => this.#lookSoon());
    this.#caution = new Caution(store.lanes, clock, () => this.wake());
    this.#holdings = new Holdings(store.lanes, this.#time, this.#caution, token);
    this.#lanes = this.#holdings.lanes;
    this.#order = new OrderCheck(store.lanes, this.#lanes, (lanes) => this.wake(lanes));
    this.#serial = new Serial(clock, this.#stopping.signal, () => this.wake());
    this.#config = this.#wanted = config;
    this.#receipts = new Receipts(store, clock, () => this.#sayHolds());
    const shared = {
      time: this.#time,
      clock,
      caution: this.#caution,
      mayBegin: (lane: string) => this.#membership?.mayBegin(lane) ?? true,
    };
    this.#openness = () => ({ ...shared, lanes: this.#lanes, targets: this.#config.lanes });
    this.#worker = new Worker({
      ...shared,
      store: store.lanes,
      receipts: store.receipts,
      writer,
      stop: this.#stop.signal,
      onChange: () => this.#lookSoon(),
      onDone,
      onWholeHeld: () => this.#sayHolds(),
      onMessage: () => this.#hearReceipts(),
      wake: (lanes) => this.wake(lanes),
    });
    writer.onReleased = (lanes) => this.wake(lanes);
    writer.onOutdated = (lanes) => this.wake(this.#holdings.forgetRead(lanes));
    writer.onLost = (lanes) => this.#holdings.loseToOthers(lanes);
  }

  /**
   * Starts; in a store for a single relay, with the config's lanes. An open circuit starts with a probe.
   * @param wasUnclean The previous process ended uncleanly.
   * @throws {StoreError} if the store cannot read or write now.
   */
  async start(wasUnclean: boolean): Promise<void> {
    await this.#holdings.bringForward();
    await this.#adopt(this.#config, { probes: true, wasUnclean });
    this.checkOrder();
    this.#recall();
    this.wake();
  }

  /** From now on, owns only the lanes that the membership assigns. */
  share(membership: Sharing): void {
    this.#membership = membership;
  }

  get underway(): UnderwayView[] {
    return this.#holdings.underway;
  }

  /** Switches to another config. Resolves when the attempts in flight have ended under the previous one. */
  async use(config: LanesConfig): Promise<void> {
    this.#wanted = config;
    const adopted = Promise.withResolvers<void>();
    this.#serial.insist("take lanes over", async () => {
      if (this.#wanted === config) await this.#adopt(config);
      adopted.resolve();
    });
    this.#recall();
    this.refresh();
    await adopted.promise;
    await this.#worker.settled();
  }

  async #adopt(config: LanesConfig, start: Start = { probes: false, wasUnclean: false }): Promise<void> {
    // An event accepted under the previous config and only written now may go to any lane of that config.
    const known = new Set([...await this.#store.lanes.waiting(), ...this.#lanes.keys()]);
    this.#gone = [...known].filter((name) => isOwnLane(name) && !config.lanes.has(name));
    const lanes = new Map([...config.lanes, ...this.#gone.map((name) => [name, unnamed(name)] as const)]);
    this.#holdings.use(lanes, this.#config.lanes, this.#clock.monotonic());
    this.#config = { ...config, lanes };
    if (this.#membership) this.#membership.changed();
    else await this.#holdings.take(lanes, start);
  }

  /** Has what waits by the rules of another config go by those of this one, in all lanes or in these. */
  #recall(names?: readonly string[]): void {
    const { postponer } = this.#worker;
    const tools = { store: this.#store.lanes, time: this.#time, postponer, wake: this.wake.bind(this) };
    this.#serial.insist("look for what waits by earlier rules", async () => {
      const lanes = [...this.#lanes].filter(([name]) => names?.includes(name) ?? true).map(([, lane]) => lane);
      await recall(lanes, this.#config.lanes, tools);
    });
  }

  names(): string[] {
    return [...this.#wanted.lanes.keys()];
  }

  spare(): string[] {
    return this.#gone;
  }

  async take(lanes: readonly Epoch[]): Promise<Map<string, Epoch>> {
    const seen = new Map(lanes.map(({ lane, number }) => [lane, number]));
    const names = await this.#serial.run(async () => {
      const targets = new Map([...this.#config.lanes].filter(([name]) => seen.has(name)));
      await this.#holdings.take(targets, { probes: false, wasUnclean: false, seen });
      return [...targets.keys()];
    });
    this.refresh(); // with receipts that nobody has applied yet
    this.#recall(names);
    return new Map(names.map((name) => [name, this.#lanes.get(name)!.epoch]));
  }

  async giveUp(name: string): Promise<void> {
    await this.#holdings.giveUp(name);
  }

  lose(name: string): void {
    this.#holdings.lose(name);
  }

  /** Offers a stored event to its lanes, with its sequence, as far as they have room. */
  offer(event: NewEvent, seq: number): void {
    offerAll(event, seq, this.#lanes);
    this.#lookSoon();
  }

  /** Signals that more may be due in these lanes, or in all. Many calls in one turn of the event loop cost one pass. */
  wake(lanes: Iterable<string> = this.#lanes.keys()): void {
    for (const name of lanes) this.#lanes.get(name)?.wake();
    this.#lookSoon();
  }

  #lookSoon(): void {
    if (this.#isWoken || this.#stopping.signal.aborted) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#serial.run(() => this.#look());
    });
  }

  /** Signals that an operator or another program may have changed what waits and what is held. */
  refresh(): void {
    this.#serial.insistOnce("look for what is held", async () => {
      this.#holdings.obey(await this.#store.lanes.holds());
      this.checkOrder();
    });
    this.#hearReceipts();
    this.wake();
  }

  /** Applies receipts of what is not under way. */
  #hearReceipts(): void {
    this.#serial.insistOnce("apply receipts", async () => {
      if (!await this.#receipts.apply(this.#lanes, this.#config)) return;
      this.#order.ask();
      this.wake();
    });
  }

  /** Signals that the clock was set. Holds last as long as planned, so they now end at another time of day. */
  clockWasSet(): void {
    this.#sayHolds();
    this.#serial.insist("bring deliveries forward", () => this.#holdings.bringForward());
    this.refresh();
  }

  /** Stores until when lanes are held. */
  #sayHolds(): void {
    this.#serial.insist("say until when lanes are held", () => this.#holdings.holdAnew());
  }

  /** Has order keys checked whose heads may be parked, chains, receipts, and lanes that the config no longer names. */
  checkOrder(): void {
    this.#hearReceipts();
    this.#order.ask();
    if (this.#membership) this.#serial.insist("look for what waits", () => this.#adopt(this.#wanted));
  }

  /**
   * Starts nothing more, waits for what is in flight, and leaves what is not done by then unchanged.
   * @param drainMs The longest wait.
   */
  async stop(drainMs: number): Promise<void> {
    this.#stopping.abort();
    this.#worker.stop();
    this.#schedule.cancel();
    this.#order.stop();
    this.#caution.stop();
    const drained = new AbortController();
    const ended = this.#serial.ended().then(() => this.#worker.settled()).then(() => drained.abort());
    this.#clock.sleep(drainMs, drained.signal).then(() => {
      this.#stop.abort();
      this.#holdings.cutOff();
    });
    await Promise.race([ended, this.#clock.sleep(drainMs + RECORD_MS, drained.signal)]);
    const count = await this.#holdings.giveUpIdle(RECORD_MS, this.#clock);
    if (count === 0) return;
    log.error("the store did not record {count} attempts; their deliveries are repeated after the next start", {
      count,
    });
  }

  async #look(): Promise<void> {
    this.#isWoken = false;
    if (this.#stopping.signal.aborted) return;
    try {
      const begun = await readDue(this.#store.lanes, this.#openness());
      if (begun.length > 0) this.wake(begun);
      for (const lane of [...this.#lanes.values()]) this.#work(lane);
      if (await this.#holdings.park()) this.#lookSoon();
      this.#schedule.at(nextLookAt(this.#openness()));
    } catch (error) {
      log.error("cannot read due deliveries: {problem}", { problem: explain(error) });
      this.#schedule.at(this.#clock.monotonic() + STORE_RETRY_MS);
    }
  }

  #work(lane: Lane): void {
    const name = lane.epoch.lane;
    const target = this.#lanes.get(name) === lane ? this.#config.lanes.get(name) : undefined;
    if (!target) return;
    const before = lane.pace.inFlight;
    this.#worker.work({ lane, target, config: this.#config });
    if (target.whole && lane.pace.inFlight > before) this.#holdings.putLast(name);
  }
}
