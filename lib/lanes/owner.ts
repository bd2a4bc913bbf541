/** The owner of lanes: takes them over, reads what is due in them, and sleeps until something is. */

import { randomUUID } from "node:crypto";
import { type Clock, within } from "../clock.ts";
import { explain } from "../errors.ts";
import type { NewEvent } from "../event.ts";
import { log } from "../log.ts";
import { isOwnLane } from "../own_lane.ts";
import type { Store } from "../store/mod.ts";
import type { Writer } from "../store/writer.ts";
import { isSamePlace, type Target } from "../targets/target.ts";
import { Caution } from "./caution.ts";
import type { Lane, UnderwayView } from "./lane.ts";
import { offerAll } from "./offer.ts";
import { OrderCheck } from "./order.ts";
import { STORE_RETRY_MS } from "./record.ts";
import { Schedule } from "./schedule.ts";
import { StoreTime } from "./store_time.ts";
import { takeOver } from "./take_over.ts";
import { unnamed } from "./unnamed.ts";
import { type LanesConfig, Worker } from "./worker.ts";

/** How long recording may take when the drain is over, and giving lanes up after that, in milliseconds. */
const RECORD_MS = 1_000;

/** How lanes are taken over. */
interface Start {
  /** A circuit that is open begins with a probe. */
  probes: boolean;
  /** The owner before ended without having been asked to. */
  wasUnclean: boolean;
}

/** Owns lanes from {@link Owner.start} on. */
export class Owner {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #time: StoreTime;
  readonly #caution: Caution;
  readonly #worker: Worker;
  readonly #token = randomUUID();
  readonly #lanes = new Map<string, Lane>();
  readonly #stop = new AbortController();
  #config: LanesConfig;
  #wanted: LanesConfig;
  #isStopping = false;
  #isWoken = false;
  #isRefreshing = false;
  #turn: Promise<void> = Promise.resolve();
  readonly #schedule: Schedule;
  readonly #order: OrderCheck;

  /** @param onDone Called when a target's delivery is done, delivered or dead. */
  constructor(store: Store, writer: Writer, config: LanesConfig, clock: Clock, onDone: () => void = () => {}) {
    this.#store = store;
    this.#clock = clock;
    this.#time = new StoreTime(clock);
    this.#schedule = new Schedule(clock, () => this.#lookSoon());
    this.#order = new OrderCheck(store.lanes, this.#lanes, (lanes) => this.wake(lanes));
    this.#caution = new Caution(store.lanes, clock, () => this.wake());
    this.#config = this.#wanted = config;
    this.#worker = new Worker({
      store: store.lanes,
      writer,
      time: this.#time,
      clock,
      caution: this.#caution,
      stop: this.#stop.signal,
      onChange: () => this.#lookSoon(),
      onDone,
      wake: (lanes) => this.wake(lanes),
    });
    writer.onReleased = (lanes) => this.wake(lanes);
    writer.onLost = (lanes) => this.#lose(lanes);
  }

  /**
   * Takes the config's lanes over and begins. A circuit that is open begins with a probe.
   * @param wasUnclean The process before ended without having been asked to.
   * @throws {StoreError} if the store cannot read or write now.
   */
  async start(wasUnclean: boolean): Promise<void> {
    await this.#bringForward();
    await this.#adopt(this.#config, { probes: true, wasUnclean });
    this.checkOrder();
    this.wake();
  }

  /** What is under way now. */
  get underway(): UnderwayView[] {
    return [...this.#lanes.values()].flatMap(({ underway }) => underway)
      .map(({ due: { id, lane, ref } }) => ({ id, lane, event: ref.event }));
  }

  /** Goes on under another config. Resolves when the attempts that are in flight have ended under theirs. */
  async use(config: LanesConfig): Promise<void> {
    this.#wanted = config;
    const adopted = Promise.withResolvers<void>();
    this.#inTurn("take lanes over", async () => {
      if (this.#wanted === config) await this.#adopt(config);
      adopted.resolve();
    });
    this.refresh();
    await adopted.promise;
    await this.#worker.settled();
  }

  async #adopt(config: LanesConfig, start: Start = { probes: false, wasUnclean: false }): Promise<void> {
    // What is accepted under the config before, and is written only now, may go to any lane of that one.
    const known = new Set([...await this.#store.lanes.waiting(), ...this.#lanes.keys()]);
    const gone = [...known].filter((name) => isOwnLane(name) && !config.lanes.has(name));
    const lanes = new Map([...config.lanes, ...gone.map((name) => [name, unnamed(name)] as const)]);
    const now = this.#clock.monotonic();
    for (const [name, target] of lanes) {
      const lane = this.#lanes.get(name);
      if (!lane) continue;
      lane.pace.use(target.policy, now);
      const before = this.#config.lanes.get(name);
      if (before && !isSamePlace(before, target)) lane.pace.forget();
    }
    this.#config = { ...config, lanes };
    await this.#takeOver(new Map([...lanes].filter(([name]) => !this.#lanes.has(name))), start);
  }

  async #takeOver(targets: ReadonlyMap<string, Target>, { probes, wasUnclean }: Start): Promise<void> {
    if (targets.size === 0) return;
    const lanes = await takeOver(targets, this.#token, probes, { store: this.#store.lanes, time: this.#time });
    await this.#caution.open(wasUnclean, [...lanes.keys()]);
    for (const [name, lane] of lanes) this.#lanes.set(name, lane);
  }

  /** Takes in what was just stored, with its sequence, as far as its lanes have room for it. */
  offer(event: NewEvent, seq: number): void {
    offerAll(event, seq, this.#lanes);
    this.#lookSoon();
  }

  /** Says that more may be due in these lanes, or in all. Many calls in one turn of the event loop cost one look. */
  wake(lanes: Iterable<string> = this.#lanes.keys()): void {
    for (const name of lanes) this.#lanes.get(name)?.wake();
    this.#lookSoon();
  }

  #lookSoon(): void {
    if (this.#isWoken || this.#isStopping) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#turn = this.#turn.then(() => this.#look());
    });
  }

  /** Says that an operator, or another program, may have changed what waits and what is held. */
  refresh(): void {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    this.#inTurn("look for what is held", async () => {
      this.#isRefreshing = false;
      const holds = await this.#store.lanes.holds();
      for (const [name, lane] of this.#lanes) {
        lane.pace.obey(this.#time.holdToMonotonic(holds.get(name) ?? {}));
        lane.forgetRead();
      }
      this.checkOrder();
    });
    this.wake();
  }

  /** Says that the clock was set. Lanes are held for as long as they were to be, which is until another time now. */
  clockWasSet(): void {
    this.#inTurn("say until when lanes are held", async () => {
      const held = [...this.#lanes.values()]
        .map(({ epoch, pace }) => ({ epoch, hold: this.#time.holdFromMonotonic(pace.hold) }))
        .filter(({ hold: { openUntil, throttledUntil } }) => openUntil ?? throttledUntil);
      if (held.length > 0) await this.#store.lanes.hold(held);
      await this.#bringForward();
    });
    this.refresh();
  }

  /** Has order keys looked at whose heads may be parked. */
  checkOrder(): void {
    this.#order.ask();
  }

  /** Does this after what was begun before, and again until the store lets it. */
  #inTurn(doing: string, work: () => Promise<void>): void {
    if (this.#isStopping) return;
    this.#turn = this.#turn.then(work).catch((error) => {
      log.error(`cannot ${doing}: {problem}`, { problem: explain(error) });
      this.#clock.sleep(STORE_RETRY_MS, this.#stop.signal).then(() => {
        this.#inTurn(doing, work);
        this.wake();
      });
    });
  }

  async #bringForward(): Promise<void> {
    const brought = await this.#store.lanes.bringForward();
    if (brought === 0) return;
    log.warn("the clock was set back: {brought} deliveries that it had put off are due now", { brought });
  }

  /**
   * Starts nothing more, waits for what is in flight, and leaves what is not done by then as it was.
   * @param drainMs The longest wait.
   */
  async stop(drainMs: number): Promise<void> {
    this.#isStopping = true;
    this.#worker.stop();
    this.#schedule.cancel();
    this.#order.stop();
    this.#caution.stop();
    const drained = new AbortController();
    const ended = this.#turn.then(() => this.#worker.settled()).then(() => drained.abort());
    this.#clock.sleep(drainMs, drained.signal).then(() => this.#stop.abort());
    await Promise.race([ended, this.#clock.sleep(drainMs + RECORD_MS, drained.signal)]);
    const lanes = [...this.#lanes.values()];
    const idle = lanes.filter(({ isIdle }) => isIdle).map(({ epoch }) => epoch);
    await within(RECORD_MS, this.#store.lanes.giveUp(idle), this.#clock); // else the next owner counts on what may be under way
    const count = lanes.reduce((sum, { underway }) => sum + underway.length, 0);
    if (count === 0) return;
    log.error("the store did not record {count} attempts; these deliveries are made again after the next start", {
      count,
    });
  }

  async #look(): Promise<void> {
    this.#isWoken = false;
    if (this.#isStopping) return;
    try {
      await this.#read();
      for (const lane of this.#lanes.values()) this.#work(lane);
      await this.#park();
      this.#sleep();
    } catch (error) {
      log.error("cannot look for deliveries: {problem}", { problem: explain(error) });
      this.#schedule.at(this.#clock.monotonic() + STORE_RETRY_MS);
    }
  }

  #work(lane: Lane): void {
    const name = lane.epoch.lane;
    const target = this.#lanes.get(name) === lane ? this.#config.lanes.get(name) : undefined;
    if (target) this.#worker.work({ lane, target, config: this.#config });
  }

  /** Leaves lanes alone that somebody else has taken over. */
  #lose(lanes: readonly string[]): void {
    for (const name of lanes) {
      if (this.#lanes.delete(name)) {
        log.error("another relay has taken over the deliveries to {target}", { target: name });
      }
    }
  }

  /** Reads what is due in all lanes that have room and nothing in memory that may begin. */
  async #read(): Promise<void> {
    const asks = [...this.#lanes].map(([name, lane]) =>
      this.#isOpen(name, lane) ? lane.ask(this.#time.now()) : undefined
    )
      .filter((ask) => ask !== undefined);
    if (asks.length === 0) return;
    const sentAt = this.#clock.now();
    const { now, lanes } = await this.#store.lanes.due(asks);
    this.#time.set(now, sentAt);
    for (const found of lanes) this.#lanes.get(found.lane)?.take(found);
  }

  #isOpen(name: string, { pace }: Lane): boolean {
    const target = this.#config.lanes.get(name);
    const now = this.#clock.monotonic();
    return target !== undefined &&
      (pace.room(now) > 0 || (target.expired !== undefined && (pace.opensAt(now) ?? now) > now));
  }

  /** Parks what stands behind others of its order key, in lanes that have too much of it in memory. */
  async #park(): Promise<void> {
    for (const lane of this.#lanes.values()) {
      const orderKeys = lane.behind();
      if (orderKeys.length === 0) continue;
      await this.#store.lanes.park(lane.epoch, orderKeys);
      lane.forgetRead();
      this.#lookSoon();
    }
  }

  /** Has the owner look again when the first delivery is due in a lane that is open then. */
  #sleep(): void {
    const now = this.#clock.monotonic();
    for (const [name, lane] of this.#lanes) {
      const opensAt = this.#config.lanes.has(name) ? lane.pace.opensAt(now) : undefined;
      if (opensAt === undefined || !lane.hasRoom) continue; // a record that is written looks again
      const isReady = lane.next(this.#caution.mayBegin) !== undefined || lane.isHungry;
      if (!isReady && lane.next()) continue; // the caution wakes when that may begin
      const dueAt = isReady ? opensAt : lane.nextAt === undefined ? Infinity : this.#time.toMonotonic(lane.nextAt);
      this.#schedule.at(Math.max(opensAt, dueAt));
    }
  }
}
