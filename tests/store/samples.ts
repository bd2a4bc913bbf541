/** Events and records for the tests of stores. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { eventId, formatId, type IdBytes } from "../../lib/id.ts";
import type { AttemptRecord, Claimed, NewDelivery, NewEvent, Store } from "../../lib/store/mod.ts";

export const T0 = Date.parse("2026-01-02T03:04:05.678Z");
export const LEASE = T0 + 60_000;

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

/** A record of the attempt that a claim allows, with the outcome that its state asks for. */
export function recordOf(
  { ref, target, orderKey, attempts }: Claimed,
  state: AttemptRecord["state"],
  dueAt?: number,
): AttemptRecord {
  const failure = { reason: "server_failed", detail: "It answered 500", status: 500, answer: "no" } as const;
  const outcome = state === "delivered"
    ? { kind: "delivered", status: 200, answer: "ok" } as const
    : { kind: state === "dead" ? "dead" : "retry", ...failure } as const;
  return {
    ref,
    target,
    orderKey,
    attempt: attempts + 1,
    startedAt: T0 + 1_000,
    durationMs: 25,
    outcome,
    state,
    dueAt,
    hold: {},
  };
}

export const claimAll = (store: Store, target = "a", now = T0) => store.claim([{ target, limit: 100 }], now, LEASE);

/** The one delivery that is due. */
export async function claimOne(store: Store, target = "a", now = T0): Promise<Claimed> {
  const claimed = await claimAll(store, target, now);
  assert.equal(claimed.length, 1);
  return claimed[0]!;
}

/** Keys of the events that were claimed, in their order. */
export const keysOf = (claimed: Claimed[]) =>
  claimed.map(({ event }) => JSON.parse(Buffer.from(event.body).toString()).key);

/** State, attempts, reason and next attempt of an event's deliveries. */
export async function statesOf(store: Store, event: NewEvent) {
  const story = await store.story(event.id);
  return story!.deliveries.map(({ state, attempts, reason, nextAttemptAt }) => [
    state,
    attempts,
    reason,
    nextAttemptAt && Date.parse(nextAttemptAt),
  ]);
}

/** How many deliveries to the targets of these tests wait. */
export const backlogOf = (store: Store) => store.backlog(["a", "b", "c"]);

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
  return { ...view, deliveries: deliveries.map(({ ref: _ref, history: _history, ...delivery }) => delivery) };
}

/** The attempts of the delivery of this id, the first one first. */
export async function attemptsOf(store: Store, id: IdBytes) {
  const story = await store.story(id);
  return story?.deliveries.find((delivery) => delivery.id === formatId(id))?.history ?? [];
}
