/** Delivering: hands due deliveries to their targets, each target in a lane of its own. */

import { setTimeout as delay } from "node:timers/promises";
import { type Clock, systemClock, translate } from "../clock.ts";
import type { ApiAccess } from "../connectvets/api.ts";
import { explain } from "../errors.ts";
import { log } from "../log.ts";
import { isSystem } from "../system_event.ts";
import type { Redact } from "../secret.ts";
import type { Source } from "../sources/source.ts";
import { readable } from "../sources/view.ts";
import type { Claimed, DeliveryRef, Hold, Store, TargetHold } from "../store/mod.ts";
import { type Delivery, isSamePlace, type RetryPolicy, type Target } from "../targets/target.ts";
import { attempt } from "./attempt.ts";
import { logCircuit } from "./circuit.ts";
import { accessFor, Enricher, noteIn } from "./enrich.ts";
import { Lane } from "./lane.ts";
import { createRecord, type RecordAttempt } from "./record.ts";
import { messageFor, routedOf, type RoutingTable } from "./route.ts";

/** What delivering needs to know of the config. */
export interface DeliverConfig extends RoutingTable {
  /** The sources that show events to the config's functions. */
  sources: readonly Pick<Source, "name" | "view">[];
  targets: ReadonlyMap<string, Target>;
  retry: RetryPolicy;
  redact: Redact;
}

/** Most deliveries that one target is handed in one claim; more follow at once. */
const MAX_CLAIM = 100;

/** How much longer than its longest attempt a lease lasts, in milliseconds. */
const LEASE_SLACK_MS = 60_000;

/** Longest sleep, in milliseconds: if nobody else does, the next look finds that the clock was set. */
const MAX_SLEEP_MS = 60_000;

/** How long giving back may take when the drain is over, in milliseconds. */
const RELEASE_MS = 1_000;

/** Pause after a claim that the store did not answer, in milliseconds. */
const STORE_RETRY_MS = 1_000;

/** Delivers what is due, and sleeps until something is; does nothing before it is woken once. */
export class Deliverer {
  readonly #store: Store;
  readonly #record: RecordAttempt;
  readonly #enricher: Enricher;
  readonly #lanes = new Map<string, Lane>();
  readonly #inFlight = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #clock: Clock;
  /** Targets of whose last claim some had to wait for their notes. */
  #awaitingNotes = new Set<string>();
  #config: DeliverConfig;
  #isStopping = false;
  #isWoken = false;
  #turn: Promise<void> = Promise.resolve();
  #alarm?: ReturnType<typeof setTimeout>;

  /** @param holds How targets are held. A circuit that is open begins with a probe; all else stays. */
  constructor(
    store: Store,
    config: DeliverConfig,
    holds: ReadonlyMap<string, TargetHold>,
    clock: Clock = systemClock,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#record = createRecord(store, this.#stop.signal);
    this.#enricher = new Enricher(store.notes, this.#stop.signal, clock);
    this.#config = config;
    const now = clock.now();
    for (const { name, policy } of config.targets.values()) {
      const hold = holds.get(name) ?? {};
      this.#lanes.set(name, new Lane(policy, this.#toLane({ ...hold, openUntil: hold.openUntil && now })));
    }
  }

  /** A hold as lanes know it, by the monotonic clock. */
  #toLane<Some extends Hold>(hold: Some): Some {
    return inTimes(hold, (time) => translate(time, this.#clock.now(), this.#clock.monotonic()));
  }

  /** A lane's hold as the store knows it, in Unix milliseconds. */
  #holdOf({ hold }: Lane): Hold {
    return inTimes(hold, (time) => Math.round(translate(time, this.#clock.monotonic(), this.#clock.now())));
  }

  /** Goes on under another config. Resolves when the attempts that are in flight have ended under theirs. */
  async use(config: DeliverConfig): Promise<void> {
    this.#adopt(config);
    this.refresh();
    await this.#turn; // a claim under the old config may be waiting for the store
    await Promise.all(this.#inFlight);
  }

  /** Says that an operator, or another program, may have changed what waits and what is held. */
  refresh(): void {
    if (this.#isStopping) return;
    this.#turn = this.#turn.then(async () => {
      try {
        const holds = await this.#store.holds();
        for (const [name, lane] of this.#lanes) lane.heed(this.#toLane(holds.get(name) ?? {}));
      } catch (error) {
        log.error("cannot look for what is held: {problem}", { problem: explain(error) });
      }
    });
    this.wake();
  }

  /** Says that the clock was set. Targets are held for as long as they were to be, which is until another time now. */
  clockWasSet(): void {
    this.#turn = this.#turn.then(async () => {
      try {
        const held = [...this.#lanes].map(([name, lane]) => [name, this.#holdOf(lane)] as const)
          .filter(([, { openUntil, throttledUntil }]) => openUntil ?? throttledUntil);
        if (held.length > 0) await this.#store.hold(new Map(held), this.#clock.now());
      } catch (error) {
        log.error("cannot say until when targets are held: {problem}", { problem: explain(error) });
      }
    });
    this.refresh();
  }

  #adopt(config: DeliverConfig): void {
    const now = this.#clock.monotonic();
    for (const target of config.targets.values()) {
      const lane = this.#lanes.get(target.name);
      if (!lane) {
        this.#lanes.set(target.name, new Lane(target.policy));
        continue;
      }
      lane.use(target.policy, now);
      const before = this.#config.targets.get(target.name);
      if (before && !isSamePlace(before, target)) lane.forget();
    }
    this.#config = config;
  }

  /** Says that something may be due. Many calls in one turn of the event loop cost one look. */
  wake(): void {
    if (this.#isWoken || this.#isStopping) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#turn = this.#turn.then(() => this.#look());
    });
  }

  /**
   * Starts nothing more, waits for what is in flight, and gives back what is not done by then.
   * @param drainMs The longest wait.
   */
  async stop(drainMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#alarm);
    const giveUp = setTimeout(() => this.#stop.abort(), drainMs);
    const ended = this.#turn.then(() => Promise.all(this.#inFlight));
    await Promise.race([ended, delay(drainMs + RELEASE_MS, undefined, { ref: false })]);
    clearTimeout(giveUp);
    if (this.#inFlight.size === 0) return;
    log.error("the store did not take what became of {count} deliveries; they are made again after the next start", {
      count: this.#inFlight.size,
    });
  }

  async #look(): Promise<void> {
    this.#isWoken = false;
    clearTimeout(this.#alarm);
    if (this.#isStopping) return;
    try {
      const brought = await this.#store.bringForward();
      if (brought > 0) {
        log.warn("the clock was set back: {brought} deliveries that it had put off are due now", { brought });
      }
      if (this.#isStopping) return;
      const config = this.#config;
      const now = this.#clock.now();
      const targets = [...config.targets.values()];
      const open = targets.map(({ name }) => ({ target: name, limit: this.#claimable(name) }))
        .filter(({ limit }) => limit > 0);
      const longest = Math.max(...targets.map(({ policy }) => policy.timeoutMs));
      const claimed = open.length > 0 ? await this.#store.claim(open, now, now + longest + LEASE_SLACK_MS) : [];
      await this.#startAll(claimed, now, config);
      await this.#sleep();
    } catch (error) {
      log.error("cannot look for deliveries: {problem}", { problem: explain(error) });
      this.#setAlarm(STORE_RETRY_MS);
    }
  }

  /** Most deliveries to claim: what the lane has room for, or more where some may have to wait for their notes first. */
  #claimable(target: string): number {
    const room = this.#lanes.get(target)!.room(this.#clock.monotonic());
    return room > 0 && this.#awaitingNotes.has(target) ? MAX_CLAIM : Math.min(room, MAX_CLAIM);
  }

  /** Starts what is ready and has room in its lane. What is ready and has none goes back as it was. */
  async #startAll(claimed: readonly Claimed[], now: number, config: DeliverConfig): Promise<void> {
    const surplus: Claimed[] = [];
    this.#awaitingNotes = new Set();
    for (const one of claimed) {
      const access = accessFor(readable(one.event, config.sources), config.targets.get(one.target)!, config);
      const ready = access ? await this.#withNote(one, access, now, config) : one;
      if (!ready) this.#awaitingNotes.add(one.target);
      else if (this.#lanes.get(one.target)!.room(this.#clock.monotonic()) > 0) this.#start(ready, config);
      else surplus.push(one);
    }
    await Promise.all(surplus.map(({ ref, dueAt }) => this.#release(ref, dueAt)));
    if (this.#awaitingNotes.size > 0) this.wake(); // others may have their place in the lane
  }

  /** The delivery with its note; `undefined` if it has to wait for that, which takes no place in its lane. */
  async #withNote(
    claimed: Claimed,
    access: ApiAccess,
    now: number,
    config: DeliverConfig,
  ): Promise<Claimed | undefined> {
    const kept = await this.#store.notes.get(claimed.ref.event).catch(() => undefined);
    const ready = noteIn(kept, access, now);
    if (ready) return { ...claimed, event: { ...claimed.event, ...ready } };
    this.#track(this.#enrich(claimed, access, config));
    return undefined;
  }

  #start(claimed: Claimed, config: DeliverConfig): void {
    const lane = this.#lanes.get(claimed.target)!;
    lane.start(this.#clock.monotonic());
    this.#track(this.#deliver(claimed, lane, config));
  }

  #track(work: Promise<void>): void {
    const done = work.finally(() => this.#inFlight.delete(done));
    this.#inFlight.add(done);
  }

  async #enrich(claimed: Claimed, access: ApiAccess, config: DeliverConfig): Promise<void> {
    const { ref, target } = claimed;
    const event = readable(claimed.event, config.sources);
    const retry = config.targets.get(target)!.policy.retry ?? config.retry;
    const timer = this.#startTimer();
    try {
      const enriched = await this.#enricher.enrich({ ...claimed, event }, access, retry);
      if (enriched.kind === "failed") {
        const hold = this.#holdOf(this.#lanes.get(target)!);
        await this.#record({ claimed, outcome: enriched.outcome, ...timer(), retry, hold, redact: config.redact });
      } else {
        const waitMs = enriched.kind === "later" ? enriched.until - this.#clock.monotonic() : 0;
        await this.#release(ref, Math.round(this.#clock.now() + waitMs));
      }
    } catch (error) {
      log.error("cannot enrich a delivery: {problem}", { delivery: claimed.id, problem: explain(error) });
      await this.#release(ref, this.#clock.now() + STORE_RETRY_MS);
    }
    this.wake();
  }

  async #deliver(claimed: Claimed, lane: Lane, config: DeliverConfig): Promise<void> {
    const target = config.targets.get(claimed.target)!;
    const timer = this.#startTimer();
    const outcome = await attempt(target, () => deliveryOf(claimed, config), this.#stop.signal);
    const times = timer();
    const change = outcome && lane.note(outcome, this.#clock.monotonic());
    const hold = this.#holdOf(lane);
    if (change) logCircuit(change, target.name, lane.circuit.failures, hold.openUntil);
    // The next one need not wait for the record of this one, but may be one that this record lets go.
    lane.end();
    this.wake();
    if (!outcome) return await this.#release(claimed.ref);
    const retry = target.policy.retry ?? config.retry;
    await this.#record({ claimed, outcome, ...times, retry, hold, redact: config.redact });
    this.wake();
  }

  /** Begins to measure an attempt; what this gives ends it. */
  #startTimer(): () => { endedAt: number; durationMs: number } {
    const startedAt = this.#clock.monotonic();
    return () => ({ endedAt: this.#clock.now(), durationMs: Math.round(this.#clock.monotonic() - startedAt) });
  }

  /** What cannot be given back now is taken over at the next start. */
  async #release(ref: DeliveryRef, dueAt = this.#clock.now()): Promise<void> {
    try {
      await this.#store.release([ref], dueAt, this.#clock.now());
    } catch (error) {
      log.error("cannot give a delivery back: {problem}", { problem: explain(error) });
    }
  }

  /** Sets the alarm for the first delivery that will be due in a lane that will be open. */
  async #sleep(): Promise<void> {
    const [now, monotonicNow] = [this.#clock.now(), this.#clock.monotonic()];
    let waitMs = Infinity;
    for (const name of this.#config.targets.keys()) {
      const opensAt = this.#lanes.get(name)!.opensAt(monotonicNow);
      const dueAt = opensAt === undefined ? undefined : await this.#store.nextDue(name);
      if (dueAt !== undefined) waitMs = Math.min(waitMs, Math.max(dueAt - now, opensAt! - monotonicNow));
    }
    if (waitMs !== Infinity) this.#setAlarm(waitMs);
  }

  #setAlarm(ms: number): void {
    if (this.#isStopping) return;
    this.#alarm = setTimeout(() => this.wake(), Math.min(Math.max(ms, 0), MAX_SLEEP_MS));
  }
}

/** The same hold in the times of another clock. */
function inTimes<Some extends Hold>(hold: Some, other: (time: number) => number): Some {
  const { openUntil, throttledUntil } = hold;
  return {
    ...hold,
    openUntil: openUntil === undefined ? undefined : other(openUntil),
    throttledUntil: throttledUntil === undefined ? undefined : other(throttledUntil),
  };
}

function deliveryOf({ id, attempts, target, ...claimed }: Claimed, config: DeliverConfig): Delivery {
  const event = readable(claimed.event, config.sources);
  const message = isSystem(event) ? {} : messageFor(routedOf(event), target, config);
  return { id, attempt: attempts + 1, event, message };
}
