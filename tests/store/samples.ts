/** Events and records for the tests of stores, and an owner of lanes that reads and records as they say. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import type { NewDelivery, NewEvent } from "../../lib/event.ts";
import { eventId, formatId, type IdBytes, parseId } from "../../lib/id.ts";
import { Told } from "../../lib/locale/told.ts";
import type { DeliveryRef } from "../../lib/store/delivery.ts";
import type { AttemptRecord, Due, DueInLane, Epoch, Hold, OwnedLane, Recorded, Store } from "../../lib/store/mod.ts";

export const T0 = Date.parse("2026-01-02T03:04:05.678Z");

/** When an attempt of {@link recordOf} begins, how long it takes, and when it ends, in milliseconds from T0. */
export const STARTED = 1_000;
export const TOOK = 25;
export const ENDED = STARTED + TOOK;

export const iso = (ms: number) => new Date(ms).toISOString();

/** An event whose id follows from its key, for targets, each with an order key after a colon if it has one. */
export function newEvent(key: string, targets: string[] = ["a"], parts: Partial<NewEvent> = {}): NewEvent {
  const deliveries = targets.map((text): NewDelivery => {
    const [target = "", orderKey] = text.split(":");
    return orderKey === undefined ? { target } : { target, orderKey };
  });
  const id = eventId("source", key, T0);
  const body = Buffer.from(`{"event":"note.failed","key":"${key}"}`);
  const headers = { "Content-Type": "application/json" };
  return {
    id,
    source: "clinic",
    type: "note.failed",
    receivedAt: T0,
    body,
    headers,
    secretIndex: 0,
    problems: [],
    deliveries,
    ...parts,
  };
}

export async function accept(store: Store, ...accepts: NewEvent[]): Promise<("stored" | "duplicate")[]> {
  const { accepted } = await store.write({ accepts, lanes: [] });
  return accepted.map((seq) => seq === undefined ? "duplicate" : "stored");
}

/** The epochs in which these tests own lanes of a store. */
const epochs = new WeakMap<Store, Map<string, Epoch>>();

/** The epoch of a lane, which is taken over if it is not owned yet by this test in this store. */
export async function epochOf(store: Store, lane: string): Promise<Epoch> {
  return epochs.get(store)?.get(lane) ?? (await takeOver(store, lane)).epoch;
}

/** Takes a lane over: whatever {@link record} writes from now on is of the new epoch. */
export async function takeOver(store: Store, lane = "a"): Promise<OwnedLane> {
  const owned = (await store.lanes.own([lane], randomUUID())).get(lane)!;
  epochs.set(store, (epochs.get(store) ?? new Map()).set(lane, owned.epoch));
  return owned;
}

export async function dueIn(store: Store, lane = "a", known: DeliveryRef[] = [], limit = 100): Promise<DueInLane> {
  const lanes = await store.lanes.due([{ lane, limit, known }]);
  return lanes[0]!;
}

/** What is due in a lane and may begin: what has no order key, and the heads of keys. */
export async function turnsIn(store: Store, lane = "a"): Promise<Due[]> {
  const { due } = await dueIn(store, lane);
  return due.filter(({ ref, head }) => !head || (ref.event === head.event && ref.number === head.number));
}

/** The one delivery that may begin. */
export async function turnIn(store: Store, lane = "a"): Promise<Due> {
  const turns = await turnsIn(store, lane);
  assert.equal(turns.length, 1);
  return turns[0]!;
}

/** Writes down that these begin, this one of them alone. */
export async function begin(store: Store, dues: readonly Due[], alone?: Due): Promise<void> {
  for (const [lane, own] of Map.groupBy(dues, ({ lane }) => lane)) {
    await store.lanes.begin(await epochOf(store, lane), own.map(({ ref }) => ref), alone && { ...alone.ref });
  }
}

/** When the next delivery is due that is not due yet, in milliseconds from T0. */
export async function nextIn(store: Store, lane = "a"): Promise<number | undefined> {
  const { nextAt } = await dueIn(store, lane);
  return nextAt && nextAt - T0;
}

export interface LaneAttempt extends AttemptRecord {
  lane: string;
}

/** A text that is another one in each language. */
export const answered500 = Told.of(({ outcomes }) => outcomes.answered.target(500));

/** A record of an attempt at what was read, with the outcome that its state asks for. */
export function recordOf(due: Due, state: AttemptRecord["state"], parts: Partial<AttemptRecord> = {}): LaneAttempt {
  const failure = { reason: "server_failed", detail: answered500, status: 500, answer: "no" } as const;
  const outcome = state === "delivered"
    ? { kind: "delivered", status: 200, answer: "ok" } as const
    : { kind: state === "dead" ? "dead" : "retry", ...failure } as const;
  return {
    lane: due.lane,
    ref: due.ref,
    revision: due.revision,
    orderKey: due.orderKey,
    attempt: due.attempts + 1,
    startedAt: T0 + STARTED,
    durationMs: TOOK,
    outcome,
    state,
    dueAt: state === "pending" ? T0 : undefined,
    isAwaited: due.isAwaited,
    isOfChain: due.step !== undefined,
    wasBegun: false,
    wasMade: true,
    ...parts,
  };
}

/** Records attempts as the owner of their lanes; gives what became of them, lane by lane. */
export async function record(store: Store, records: LaneAttempt[], hold: Hold = {}): Promise<Recorded[]> {
  const lanes = [];
  for (const [lane, own] of Map.groupBy(records, ({ lane }) => lane)) {
    lanes.push({ epoch: await epochOf(store, lane), hold, records: own });
  }
  return (await store.write({ accepts: [], lanes })).lanes.flat();
}

/** Makes the one delivery that may begin in a lane end so; gives it as it was read. */
export async function settle(
  store: Store,
  state: AttemptRecord["state"],
  lane = "a",
  parts: Partial<AttemptRecord> = {},
  hold: Hold = {},
): Promise<Due> {
  const due = await turnIn(store, lane);
  await record(store, [recordOf(due, state, parts)], hold);
  return due;
}

/** Makes everything that may begin in a lane end so. */
export async function settleAll(store: Store, state: AttemptRecord["state"], lane = "a"): Promise<void> {
  await record(store, (await turnsIn(store, lane)).map((due) => recordOf(due, state)));
}

/** Keys of the events of deliveries, in their order. */
export const keysOf = (due: Pick<Due, "event">[]) =>
  due.map(({ event }) => JSON.parse(Buffer.from(event.body).toString()).key);

/** State, attempts, reason and next attempt of an event's deliveries. */
export async function statesOf(store: Store, event: NewEvent) {
  const story = await store.story(event.id);
  return story!.deliveries.map(({ state, attempts, reason, nextAttemptAt }) => [
    state,
    attempts,
    reason,
    nextAttemptAt && Date.parse(nextAttemptAt) - T0,
  ]);
}

/** How many deliveries to the targets of these tests wait. */
export const backlogOf = (store: Store) => store.upkeep.backlog(["a", "b", "c"]);

/** The event of this id as a list shows it. */
export async function eventOf(store: Store, id: IdBytes) {
  const story = await store.story(id);
  if (!story) return undefined;
  const {
    seq: _seq,
    headers: _headers,
    body: _body,
    secretIndex: _secretIndex,
    details: _details,
    deliveries,
    ...view
  } = story;
  return {
    ...view,
    deliveries: deliveries.map(({ ref: _ref, history: _history, failures: _failures, ...delivery }) => delivery),
  };
}

/** The attempts of the delivery of this id, the first one first. */
export async function attemptsOf(store: Store, id: IdBytes | string) {
  const bytes = typeof id === "string" ? parseId(id)! : id;
  const story = await store.story(bytes);
  return story?.deliveries.find((delivery) => delivery.id === formatId(bytes))?.history ?? [];
}

/** Names a delivery of an event that is stored. */
export async function refOf(store: Store, event: NewEvent, number = 1): Promise<DeliveryRef> {
  const { seq } = (await store.story(event.id))!;
  return { event: seq, number };
}

/** Has everything taken into account that was accepted; gives how many calls that took. */
export async function observe(store: Store): Promise<number> {
  let calls = 1;
  while (await store.upkeep.observe()) calls++;
  return calls;
}

/** Ages by which everything received before T0 + `ms` is old. */
export const before = (delivered: number, dead = delivered) => ({ delivered: T0 + delivered, dead: T0 + dead });

/** Deletes what is old, in batches, until there is nothing older left. Gives how many each batch deleted. */
export async function expireAll(store: Store, ages: ReturnType<typeof before>, limit = 100): Promise<number[]> {
  const counts: number[] = [];
  for (let next: number | undefined = 0; next !== undefined;) {
    const expired = await store.upkeep.expire(next, ages, limit);
    counts.push(expired.deleted);
    next = expired.next;
  }
  return counts;
}
