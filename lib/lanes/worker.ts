/** From what was read of a lane to what is recorded: makes the attempts that the lane's pace allows. */

import type { Clock } from "../clock.ts";
import { explain } from "../errors.ts";
import type { RelayEvent } from "../event.ts";
import { log } from "../log.ts";
import type { Deferred, Outcome } from "../outcome.ts";
import { isOwnLane } from "../own_lane.ts";
import type { Redact } from "../secret.ts";
import type { Due, Hold, LaneStore, Waiting } from "../store/mod.ts";
import type { ReceiptStore } from "../store/receipts.ts";
import type { Writer } from "../store/writer.ts";
import type { Delivery, RetryPolicy, Target } from "../targets/target.ts";
import { attempt } from "./attempt.ts";
import type { Caution } from "./caution.ts";
import { logCircuit } from "./circuit.ts";
import { Gathering } from "./gather.ts";
import type { Lane, Underway } from "./lane.ts";
import { type Step, stepOf } from "./need.ts";
import { Postponer, type PutOff } from "./postpone.ts";
import { deliveryOf, needOfDue, type PrepareConfig } from "./prepare.ts";
import { type Attempted, Recorder, STORE_RETRY_MS } from "./record.ts";
import type { StoreTime } from "./store_time.ts";
import { waitsUntil } from "./wait.ts";

/** What lanes need to know of the config. */
export interface LanesConfig extends PrepareConfig {
  /** What the lanes deliver to, by lane name: the config's targets, and what fetches for their deliveries. */
  lanes: ReadonlyMap<string, Target>;
  retry: RetryPolicy;
  redact: Redact;
}

/** A lane, and its current config. */
interface Work {
  lane: Lane;
  target: Target;
  config: LanesConfig;
}

/** A delivery to attempt. */
interface Begun {
  underway: Underway;
  /** With what was fetched for it, if the delivery may see that. */
  event: RelayEvent;
}

/** What a worker needs. */
export interface Tools {
  store: LaneStore;
  receipts: ReceiptStore;
  writer: Writer;
  time: StoreTime;
  clock: Clock;
  caution: Caution;
  /** Ends the wait for a store that does not write; what is not recorded by then is repeated after the next start. */
  stop: AbortSignal;
  /** Whether anything may start in this lane now. */
  mayBegin(lane: string): boolean;
  /** Called when a lane may have to be read, or has room for more. */
  onChange(): void;
  /** Called when a target's delivery is delivered or dead. */
  onDone(): void;
  /** Called when an attempt holds all lanes of its target. */
  onWholeHeld(): void;
  /** Called after an attempt of a target whose vendor tells what becomes of messages. */
  onMessage(): void;
  /** Called when more may be due in these lanes. */
  wake(lanes: Iterable<string>): void;
}

export class Worker {
  readonly #tools: Tools;
  readonly #recorder: Recorder;
  readonly postponer: Postponer;
  readonly #inFlight = new Set<Promise<void>>();
  #isStopping = false;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.postponer = new Postponer(tools);
    this.#recorder = new Recorder(tools.writer, tools.clock, tools.stop);
  }

  /** Starts as much of what is in memory as the lane's pace allows. */
  work(work: Work): void {
    const { lane, target, config } = work;
    const { clock, caution, mayBegin } = this.#tools;
    if (this.#isStopping || lane.isLeaving || !mayBegin(lane.epoch.lane)) return;
    const waiting: Waiting[] = [];
    const putOff: PutOff[] = [];
    const begun = new Gathering<Begun>(target, (due) => caution.isSuspect(due));
    const isCautious = caution.isOn(lane.epoch.lane);
    for (;;) {
      const hasRoom = lane.hasRoom && lane.pace.room(clock.monotonic()) > 0;
      const due = lane.next((due) => caution.mayBegin(due) && (hasRoom || begun.hasRoomFor(due)));
      if (!due) break;
      const step = this.#stepOf(due, target, config);
      const dueAt = step.kind === "begin" ? waitsUntil(due, target.policy, this.#tools.time.now()) : undefined;
      const underway = lane.begin(due, isCautious && step.kind !== "await" && dueAt === undefined);
      if (dueAt !== undefined) putOff.push({ underway, dueAt });
      else if (step.kind === "end") this.#end(work, underway, step.outcome);
      else if (step.kind === "await") waiting.push({ ref: due.ref, revision: due.revision, awaits: step.awaits });
      else {
        caution.choose(due.ref);
        if (begun.add({ underway, event: step.event })) lane.pace.begin(clock.monotonic());
      }
    }
    this.#expire(work);
    const { messages } = begun;
    if (waiting.length > 0) this.#track(this.#await(lane, waiting));
    if (putOff.length > 0) this.#track(this.postponer.postpone(lane, putOff));
    if (isCautious && messages.length > 0) this.#track(this.#makeCautiously(work, messages));
    else for (const one of messages) this.#track(this.#make(work, one));
    if (lane.hasRoom && lane.isHungry && lane.pace.room(clock.monotonic()) > 0) this.#tools.onChange();
  }

  /** Resolves once what is under way now has ended and is recorded. */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  /** Starts nothing more. */
  stop(): void {
    this.#isStopping = true;
  }

  #stepOf(due: Due, target: Target, config: LanesConfig): Step {
    const outcome = this.#tools.caution.verdictOf(due);
    if (outcome) return { kind: "end", outcome };
    return stepOf(due, needOfDue(due, target, config), retryOf(target, config), this.#tools.time.now());
  }

  /** Ends deliveries that would be of no use by the time the lane opens again. */
  #expire(work: Work): void {
    const { lane, target } = work;
    const now = this.#tools.clock.monotonic();
    const opensAt = target.expired && lane.pace.room(now) === 0 ? lane.pace.opensAt(now) : undefined;
    if (opensAt === undefined || opensAt <= now) return;
    const at = this.#tools.time.fromMonotonic(opensAt);
    for (const due of lane.expired(at)) this.#end(work, lane.begin(due, false), target.expired!(at));
  }

  /** Records the outcome of a delivery without an attempt. */
  #end(work: Work, underway: Underway, outcome: Outcome): void {
    this.#track(
      this.#record(work, { underway, outcome, endedAt: this.#tools.time.now(), durationMs: 0, wasMade: false }),
    );
  }

  async #await(lane: Lane, waiting: readonly Waiting[]): Promise<void> {
    const refs = new Set(waiting.map(({ ref }) => ref));
    const own = lane.underway.filter(({ due }) => refs.has(due.ref));
    try {
      await this.#tools.store.await(lane.epoch, waiting);
    } catch (error) {
      log.error("cannot put deliveries off: {problem}", { problem: explain(error) });
      await this.#pause();
    }
    for (const underway of own) lane.release(underway);
    this.#tools.wake([lane.epoch.lane, ...new Set(waiting.map(({ awaits }) => awaits.lane))]);
  }

  async #makeCautiously(work: Work, messages: readonly (readonly Begun[])[]): Promise<void> {
    const { lane } = work;
    try {
      await this.#tools.caution.begin(lane.epoch, messages.flat().map(({ underway }) => underway.due.ref));
    } catch (error) {
      log.error("cannot record the attempts that begin: {problem}", { problem: explain(error) });
      await this.#pause();
      for (const message of messages) this.#putBack(lane, underwayOf(message));
      return;
    }
    await Promise.all(messages.map((one) => this.#make(work, one)));
  }

  /** Makes one attempt. @param message What goes out in it. */
  async #make(work: Work, message: readonly Begun[]): Promise<void> {
    const underway = underwayOf(message);
    const { clock, time } = this.#tools;
    const { lane, target, config } = work;
    const startedAt = clock.monotonic();
    const outcome = await attempt(target, () => deliveriesOf(message, config), lane.cut.signal, clock);
    const endedAt = time.now();
    const durationMs = Math.round(clock.monotonic() - startedAt);
    if (!outcome) {
      lane.wasCutOff = true;
      return this.#release(lane, underway);
    }
    if (outcome.kind === "deferred") return await this.#defer(work, underway, outcome);
    const change = lane.pace.observe(outcome, clock.monotonic(), durationMs);
    if (change) logCircuit(change, target.name, lane.pace.circuit.failures, this.#holdOf(lane).openUntil);
    if (target.whole && outcome.pauseMs !== undefined && outcome.holds !== "recipient") this.#tools.onWholeHeld();
    await this.#keepMessage(work, underway, outcome);
    const random = underway.length > 1 ? clock.random() : undefined; // all are due again at the same time
    const recorded = Promise.all(
      underway.map((one, index) =>
        this.#record(work, { underway: one, outcome, endedAt, durationMs, wasMade: index === 0, random })
      ),
    );
    // With a rate, unrecorded attempts never outnumber those that the next owner counts as made.
    if (lane.pace.startsKeptMs !== undefined) await recorded;
    lane.pace.end();
    this.#tools.onChange(); // the next attempt need not wait for this record
    await recorded;
    if (target.receipts) this.#tools.onMessage();
  }

  /** Before the record: a message that the store does not know of would have receipts of nobody. */
  async #keepMessage({ target }: Work, underway: readonly Underway[], outcome: Outcome): Promise<void> {
    if (!target.receipts || outcome.kind !== "delivered" || outcome.message === undefined) return;
    const { message } = outcome;
    const { path } = target.receipts;
    const refs = underway.map(({ due }) => due.ref);
    await this.#recorder.insist(underway[0]!.due.id, () => this.#tools.receipts.accepted(refs, path, message));
  }

  async #defer({ lane, target }: Work, underway: readonly Underway[], outcome: Deferred): Promise<void> {
    lane.pace.observe(outcome, this.#tools.clock.monotonic());
    const hold = this.#holdOf(lane);
    const until = new Date(hold.throttledUntil!).toISOString();
    log.warn("pausing {target} until {until}, as it asked", { target: target.address, until });
    for (const { due, wasBegun } of underway) if (wasBegun) await this.#tools.caution.excuse(lane.epoch, due.ref);
    await this.#recorder.hold(lane, hold); // before the lane may count as idle and be given up
    this.#release(lane, underway);
  }

  /** Leaves deliveries unchanged after their attempt was deferred or cut off. */
  #release(lane: Lane, underway: readonly Underway[]): void {
    this.#putBack(lane, underway);
    for (const { due } of underway) this.#tools.caution.end(due.ref);
  }

  /** Leaves the deliveries of one attempt unchanged: it was not made. */
  #putBack(lane: Lane, underway: readonly Underway[]): void {
    lane.pace.end();
    for (const one of underway) lane.release(one);
    this.#tools.onChange();
  }

  async #record(
    work: Work,
    { underway, ...attempted }: Omit<Attempted, "lane" | "retry" | "hold" | "redact">,
  ): Promise<void> {
    const { lane, target, config } = work;
    const done = await this.#recorder.record({
      lane,
      underway,
      ...attempted,
      retry: retryOf(target, config),
      hold: () => this.#holdOf(lane),
      redact: config.redact,
    });
    this.#tools.caution.end(underway.due.ref);
    if (!done) return;
    lane.settle(underway, done.record, done.recorded);
    const isDone = done.recorded.fate === "recorded" && done.record.state !== "pending";
    if (isDone && !isOwnLane(underway.due.lane)) this.#tools.onDone();
    this.#tools.onChange();
  }

  #holdOf({ pace }: Lane): Hold {
    return this.#tools.time.holdFromMonotonic(pace.hold);
  }

  async #pause(): Promise<void> {
    await this.#tools.clock.sleep(STORE_RETRY_MS, this.#tools.stop);
  }

  #track(work: Promise<void>): void {
    const done = work.finally(() => this.#inFlight.delete(done));
    this.#inFlight.add(done);
  }
}

function retryOf({ policy }: Target, { retry }: LanesConfig): RetryPolicy {
  return policy.retry ?? retry;
}

function underwayOf(message: readonly Begun[]): Underway[] {
  return message.map(({ underway }) => underway);
}

function deliveriesOf(message: readonly Begun[], config: LanesConfig): Delivery[] {
  return message.map(({ underway, event }) => deliveryOf(underway.due, event, config));
}
