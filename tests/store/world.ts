/** A store beside a model of what it holds: two owners that may be out of date, and an operator, act on both. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Awaited, NewEvent } from "../../lib/event.ts";
import { type DeliveryRef, type DeliveryState, keyOf } from "../../lib/store/delivery.ts";
import type { Due, Epoch, RecordFate, Store } from "../../lib/store/mod.ts";
import type { HandClock } from "../helpers/clock.ts";
import { iso, type LaneAttempt, newEvent, recordOf, T0 } from "./samples.ts";

/** What the lanes of these tests are called: that of a target, and one of relay's own. */
const TARGET = "a";
const NOTES = "relay::notes";
const lanes = [TARGET, NOTES];

const orderKeys = [undefined, "rex", "fifi"];
const states = ["delivered", "dead", "pending", "pending"] as const;

/** A time by which everything is due that ever is. */
const LAST = T0 + 1e12;

/** A delivery as it has to be. */
interface Model {
  ref: DeliveryRef;
  lane: string;
  orderKey?: string;
  state: DeliveryState;
  /** Changed by whatever outdates what was read before. */
  version: number;
  /** When each attempt began, of any owner, in the order of their records. */
  history: number[];
  /** How many attempts the history had when the last one was recorded; how many were recorded in the present set. */
  attempts: number;
  failures: number;
  /** When it is due, if it is in the lane of relay's own, where nothing is parked and nothing awaits. */
  dueAt: number;
  /** What it awaits, until its next record. */
  awaits?: Model;
}

interface Read {
  due: Due;
  model: Model;
  version: number;
}

interface Owner {
  epochs: Map<string, Epoch>;
  reads: Read[];
}

interface Sent {
  epoch: Epoch;
  record: LaneAttempt;
  read: Read;
}

/** What is done in a step. */
export const actions = [
  "accept",
  "accept",
  "acceptAwaiting",
  "takeOver",
  "read",
  "read",
  "read",
  "record",
  "record",
  "record",
  "record",
  "repeat",
  "park",
  "unpark",
  "awaitAnother",
  "retry",
  "replay",
  "pauseOrResume",
  "send",
  "pass",
] as const;

export class World {
  readonly #store: Store;
  readonly #clock: HandClock;
  readonly #events: NewEvent[] = [];
  readonly #deliveries: Model[] = [];
  readonly #owners: Owner[] = [{ epochs: new Map(), reads: [] }, { epochs: new Map(), reads: [] }];
  readonly #sent: Sent[] = [];
  /** Whose epoch of each lane is the last one. */
  readonly #last = new Map<string, Epoch>();
  /** Counts attempts, each of which begins at a time of its own. */
  #started = 0;
  #recorded = 0;
  #changes = 0;
  #isPaused = false;

  constructor(store: Store, clock: HandClock) {
    this.#store = store;
    this.#clock = clock;
  }

  async accept(one: number, other: number): Promise<void> {
    const event = this.#newEvent([one, other]);
    const { accepted } = await this.#store.write({ accepts: [event, event], lanes: [] });
    assert.deepEqual(accepted.map((seq) => typeof seq), ["number", "undefined"]);
  }

  async acceptAwaiting(one: number, other: number): Promise<void> {
    const event = this.#newEvent([one], { lane: NOTES, patienceMs: other % 2 ? undefined : other });
    await this.#store.write({ accepts: [event], lanes: [] });
  }

  async send(one: number): Promise<void> {
    assert.equal(await this.#store.send(this.#newEvent([one])), true);
    this.#changes++;
  }

  /** An event with deliveries to the target whose order keys these numbers choose. */
  #newEvent(keys: number[], awaits?: Awaited): NewEvent {
    const deliveries = keys.map((key) => ({ target: TARGET, orderKey: orderKeys[key % 3], awaits }));
    const event = newEvent(`${this.#events.length}`, [], { receivedAt: this.#clock.now(), deliveries });
    this.#events.push(event);
    const seq = this.#events.length;
    const own = deliveries.map(({ orderKey }) => this.#add(seq, TARGET, orderKey));
    if (!awaits) return event;
    const awaited = this.#add(seq, NOTES);
    for (const model of own) model.awaits = awaited;
    return event;
  }

  #add(event: number, lane: string, orderKey?: string): Model {
    const number = this.#deliveries.filter(({ ref }) => ref.event === event).length + 1;
    const ref = { event, number };
    const dueAt = this.#clock.now();
    const counts = { attempts: 0, failures: 0 };
    const model: Model = { ref, lane, orderKey, state: "pending", version: 0, history: [], ...counts, dueAt };
    this.#deliveries.push(model);
    return model;
  }

  async takeOver(one: number): Promise<void> {
    const { epochs } = this.#ownerOf(one);
    for (const [lane, { epoch }] of await this.#store.lanes.own(lanes, randomUUID())) {
      epochs.set(lane, epoch);
      this.#last.set(lane, epoch);
    }
  }

  #ownerOf(number: number): Owner {
    return this.#owners[number % 2]!;
  }

  async read(one: number, other: number): Promise<void> {
    const { reads } = this.#ownerOf(one);
    for (const due of await this.#due(other % 9 + 1)) {
      const model = this.#modelOf(due.ref);
      reads.unshift({ due, model, version: model.version });
    }
  }

  async #due(limit: number): Promise<Due[]> {
    const asks = lanes.map((lane) => ({ lane, limit, known: [] }));
    return (await this.#store.lanes.due(asks)).flatMap(({ due }) => due);
  }

  #modelOf(ref: DeliveryRef): Model {
    return this.#deliveries.find((model) => keyOf(model.ref) === keyOf(ref))!;
  }

  async record(one: number, other: number): Promise<void> {
    const { epochs, reads } = this.#ownerOf(one);
    const read = reads[other % Math.max(reads.length, 1)];
    const epoch = read && epochs.get(read.due.lane);
    if (!epoch) return;
    const state = states[(one >> 1) % states.length]!;
    const record = recordOf(read.due, state, { startedAt: T0 + this.#started++, dueAt: this.#clock.now() + other });
    const sent = { epoch, record, read };
    this.#sent.unshift(sent);
    await this.#write(sent);
  }

  /** Writes what was written before, once more. */
  async repeat(one: number): Promise<void> {
    const sent = this.#sent[one % Math.max(this.#sent.length, 1)];
    if (sent) await this.#write(sent);
  }

  async #write({ epoch, record, read }: Sent): Promise<void> {
    const expected = this.#expect({ epoch, record, read });
    const written = await this.#store.write({ accepts: [], lanes: [{ epoch, hold: {}, records: [record] }] });
    assert.deepEqual(written.lanes, [[{ fate: expected, head: this.#headOf(read.model)?.ref }]]);
  }

  #expect({ epoch, record, read: { model, version } }: Sent): RecordFate {
    if (model.history.includes(record.startedAt)) return "known";
    model.history.push(record.startedAt);
    const isOwner = this.#last.get(epoch.lane)!.token === epoch.token;
    if (!isOwner || model.version !== version || model.state !== "pending") return "history";
    model.state = record.state;
    model.attempts = model.history.length;
    model.failures++;
    model.dueAt = record.dueAt ?? Infinity;
    model.awaits = undefined;
    if (model.lane === TARGET) this.#recorded++;
    for (const waiting of this.#deliveries) if (waiting.awaits === model) waiting.awaits = undefined;
    return "recorded";
  }

  /** The first of its key that is not done. */
  #headOf({ lane, orderKey }: Model): Model | undefined {
    if (orderKey === undefined) return undefined;
    return this.#deliveries
      .filter((model) => model.state === "pending" && model.lane === lane && model.orderKey === orderKey)
      .sort((one, other) => one.ref.event - other.ref.event || one.ref.number - other.ref.number)[0];
  }

  async park(one: number, other: number): Promise<void> {
    const epoch = this.#ownerOf(one).epochs.get(TARGET);
    if (epoch) await this.#store.lanes.park(epoch, [["rex"], ["fifi"], ["rex", "fifi"]][other % 3]!);
  }

  async unpark(one: number): Promise<void> {
    const epoch = this.#ownerOf(one).epochs.get(TARGET);
    if (epoch) assert.equal(await this.#store.lanes.unpark(epoch), 0, "a head was parked");
  }

  async awaitAnother(one: number, other: number): Promise<void> {
    const { epochs, reads } = this.#ownerOf(one);
    const own = reads.filter(({ due }) => due.lane === TARGET);
    const epoch = epochs.get(TARGET);
    const read = own[other % Math.max(own.length, 1)];
    if (!epoch || !read) return;
    const { due: { ref, revision }, model, version } = read;
    await this.#store.lanes.await(epoch, [{ ref, revision, awaits: { lane: NOTES } }]);
    const isOwner = this.#last.get(TARGET)!.token === epoch.token;
    if (!isOwner || model.version !== version || model.state !== "pending") return;
    const there = this.#deliveries.find((one) => one.ref.event === ref.event && one.lane === NOTES);
    const awaited = there ?? this.#add(ref.event, NOTES);
    if (awaited.state !== "pending") this.#renew(awaited);
    model.awaits = awaited;
  }

  async retry(one: number, other: number): Promise<void> {
    const own = this.#deliveries.filter(({ lane }) => lane === TARGET);
    if (own.length === 0) return;
    const picked = [...new Set([own[one % own.length]!, own[other % own.length]!])];
    const live = picked.filter(({ state }) => state !== "delivered");
    assert.equal(await this.#store.retry(picked.map(({ ref }) => ref), this.#clock.now()), live.length);
    const now = this.#clock.now();
    for (const { ref } of live) {
      const fetching = this.#deliveries.filter(({ ref: { event }, lane }) => event === ref.event && lane === NOTES);
      for (const model of fetching) if (model.state === "pending" && model.dueAt > now) this.#renew(model);
    }
    for (const model of live) {
      this.#renew(model);
      model.awaits = undefined;
    }
    this.#changes++;
  }

  /** Gives a delivery a new set of attempts from now on. */
  #renew(model: Model): void {
    Object.assign(model, { state: "pending", version: model.version + 1, failures: 0, dueAt: this.#clock.now() });
  }

  async replay(one: number, other: number): Promise<void> {
    if (this.#events.length === 0) return;
    const seq = one % this.#events.length + 1;
    const orderKey = orderKeys[other % 3];
    await this.#store.redeliver([{ seq, deliveries: [{ target: TARGET, orderKey }] }], this.#clock.now());
    this.#add(seq, TARGET, orderKey);
    this.#changes++;
  }

  async pauseOrResume(): Promise<void> {
    const act = this.#isPaused ? this.#store.resume(TARGET) : this.#store.pause(TARGET, this.#clock.now());
    assert.equal(await act, true);
    this.#isPaused = !this.#isPaused;
    this.#changes++;
  }

  async pass(one: number): Promise<void> {
    this.#clock.pass(one);
    await Promise.resolve();
  }

  async check(action: string): Promise<void> {
    await this.#checkStories(action);
    await this.#checkCounts(action);
    await this.#checkDue(action);
  }

  async #checkStories(action: string): Promise<void> {
    for (const [index, event] of this.#events.entries()) {
      const story = (await this.#store.story(event.id))!;
      const own = this.#deliveries.filter(({ ref, lane }) => ref.event === index + 1 && lane === TARGET);
      assert.deepEqual(
        story.deliveries.map(({ ref, state, attempts, history }) => [
          ref,
          state,
          attempts,
          history.map(({ attempt, startedAt }) => [attempt, startedAt]),
        ]),
        own.map(({ ref, state, attempts, history }) => [
          ref,
          state,
          attempts,
          history.map((startedAt, at) => [at + 1, iso(startedAt)]),
        ]),
        `after ${action}`,
      );
    }
  }

  async #checkCounts(action: string): Promise<void> {
    const count = (state: DeliveryState) =>
      this.#deliveries.filter((model) => model.lane === TARGET && model.state === state).length;
    const { attempts } = await this.#store.activity(T0);
    const [target] = await this.#store.targets();
    assert.deepEqual(
      [
        await this.#store.totals(1_000),
        [target?.pending ?? 0, target?.dead ?? 0],
        await this.#store.upkeep.backlog([TARGET]),
        (await this.#store.deadGroups()).reduce((sum, one) => sum + one.count, 0),
        attempts.reduce((sum, one) => sum + one.count, 0),
        await this.#store.lanes.changes(),
        (await this.#store.lanes.holds()).get(TARGET)?.pausedAt !== undefined,
      ],
      [
        { waiting: count("pending"), dead: count("dead") },
        [count("pending"), count("dead")],
        count("pending"),
        count("dead"),
        this.#recorded,
        this.#changes,
        this.#isPaused,
      ],
      `after ${action}`,
    );
  }

  /** Every live delivery is due, now or later, or stands behind a live head, or awaits a live one. */
  async #checkDue(action: string): Promise<void> {
    const now = this.#clock.now();
    this.#clock.set(LAST);
    const due = new Map((await this.#due(1_000)).map((one) => [keyOf(one.ref), one]));
    this.#clock.set(now);
    for (const model of this.#deliveries) {
      const one = due.get(keyOf(model.ref));
      const head = this.#headOf(model);
      const what = `${keyOf(model.ref)} after ${action}`;
      if (!one) {
        const waits = model.awaits?.state === "pending" || (head !== undefined && head !== model);
        assert.ok(model.state !== "pending" || waits, `${what} is lost`);
        continue;
      }
      assert.deepEqual(
        [model.state, one.head, one.attempts, one.failures],
        ["pending", head?.ref, model.attempts, model.failures],
        what,
      );
    }
  }
}
