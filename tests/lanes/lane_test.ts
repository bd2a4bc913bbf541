/** A lane in its owner's memory: what is read of it, and which delivery may begin next. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Lane } from "../../lib/lanes/lane.ts";
import { Pace } from "../../lib/lanes/pace.ts";
import type { DeliveryRef } from "../../lib/store/delivery.ts";
import type { Due } from "../../lib/store/mod.ts";
import { makeEvent } from "../helpers/target.ts";
import { T0 } from "../store/samples.ts";

const refOf = (event: number): DeliveryRef => ({ event, number: 1 });

/** A delivery that is due, the first of its order key unless another one is. */
const dueOf = (event: number, parts: Partial<Due> = {}): Due => ({
  ref: refOf(event),
  id: `${event}`,
  lane: "a",
  revision: 0,
  attempts: 0,
  failures: 0,
  dueAt: T0 + event,
  event: makeEvent(),
  isAwaited: false,
  isWaiting: false,
  ...parts,
});
const keyed = (event: number, head: number) => dueOf(event, { orderKey: "rex", head: refOf(head) });

/** A lane in which this was read; it is all that is due unless `isAll` says otherwise. */
function laneWith(due: Due[], { isAll = true, nextAt }: { isAll?: boolean; nextAt?: number } = {}): Lane {
  const lane = new Lane(
    { lane: "a", number: 1, token: "t" },
    new Pace({ timeoutMs: 1_000, concurrency: 8, rates: [] }),
  );
  assert.deepEqual(lane.ask(T0)?.known, []);
  lane.take({ lane: "a", due, isAll, nextAt });
  return lane;
}

/** Begins what may begin, until nothing may; gives the events. */
function beginAll(lane: Lane): number[] {
  const begun: number[] = [];
  for (let due = lane.next(); due; due = lane.next()) begun.push(lane.begin(due, false).due.ref.event);
  return begun;
}

const known = (lane: Lane, now = T0) => lane.ask(now)?.known.map(({ event }) => event);

test("Lane has those begin first that have been due for longest", () => {
  const lane = laneWith([dueOf(3), dueOf(1)], { isAll: false });
  lane.take({ lane: "a", due: [dueOf(2, { dueAt: T0 })], isAll: true });
  assert.deepEqual(beginAll(lane), [2, 1, 3]);
});

test("Lane.ask() reads again only once something may be due that it has not read", () => {
  assert.equal(known(laneWith([])), undefined);
  assert.equal(known(laneWith([dueOf(1)], { isAll: false })), undefined, "it has what may begin");
  const lane = laneWith([dueOf(1)], { nextAt: T0 + 500 });
  beginAll(lane);
  assert.equal(known(lane, T0 + 499), undefined);
  assert.deepEqual(known(lane, T0 + 500), [1], "what is under way is left out");
  lane.take({ lane: "a", due: [], isAll: true });
  lane.wake();
  assert.deepEqual(known(lane), [1]);
});

test("Lane is hungry when nothing of it may begin, and more may be due", () => {
  const lane = laneWith([keyed(2, 1)], { isAll: false });
  assert.equal(lane.isHungry, true);
  assert.equal(laneWith([keyed(2, 1)]).isHungry, false);
  assert.equal(laneWith([dueOf(1)], { isAll: false }).isHungry, false);
});

test("Lane has one of an order key begin at a time, its head alone, and the next one by what was recorded", () => {
  const lane = laneWith([keyed(1, 1), keyed(2, 1), dueOf(3)]);
  assert.deepEqual(beginAll(lane), [1, 3]);
  const [first] = lane.underway;
  lane.settle(first!, { state: "delivered" }, { fate: "recorded", head: refOf(2) });
  assert.deepEqual(beginAll(lane), [2]);
});

test("Lane reads again for a head that it has not read", () => {
  const lane = laneWith([keyed(1, 1)]);
  beginAll(lane);
  lane.settle(lane.underway[0]!, { state: "dead" }, { fate: "recorded", head: refOf(9) });
  assert.deepEqual(known(lane), []);
});

test("Lane has nothing of an order key begin whose head is to be tried again", () => {
  const lane = laneWith([keyed(1, 1), keyed(2, 1)]);
  beginAll(lane);
  lane.settle(lane.underway[0]!, { state: "pending", dueAt: T0 + 100 }, { fate: "recorded", head: refOf(1) });
  assert.equal(lane.next(), undefined);
  assert.equal(lane.nextAt, T0 + 100);
  assert.deepEqual(known(lane, T0 + 100), [2]);
});

test("Lane has nothing of an order key begin beside what is under way, although that is not its head any more", () => {
  const lane = laneWith([keyed(1, 1)]);
  beginAll(lane);
  lane.wake();
  assert.deepEqual(known(lane), [1]);
  lane.take({ lane: "a", due: [keyed(2, 2)], isAll: true });
  assert.equal(lane.next(), undefined);
});

test("Lane.next() passes over what is not allowed", () => {
  const lane = laneWith([dueOf(1), dueOf(2)]);
  assert.equal(lane.next(({ ref }) => ref.event === 2)?.ref.event, 2);
});

test("Lane reads again when it was woken while a read was under way", () => {
  const lane = laneWith([]);
  lane.wake();
  assert.deepEqual(known(lane), []);
  lane.wake();
  lane.take({ lane: "a", due: [], isAll: true });
  assert.deepEqual(known(lane), []);
});

test("Lane takes nothing from a read that was sent before a delivery of it was recorded, and reads again", () => {
  const lane = laneWith([dueOf(1)]);
  const due = lane.next()!;
  const underway = lane.begin(due, false);
  lane.wake();
  assert.deepEqual(known(lane), [1]);
  lane.settle(underway, { state: "delivered" }, { fate: "recorded" });
  lane.take({ lane: "a", due: [due, dueOf(2)], isAll: true });
  assert.deepEqual(beginAll(lane), [2]);
  assert.deepEqual(known(lane), [2], "what was left out may be due again");
});

test("Lane takes nothing from a read that was sent before what it tells of was changed", () => {
  for (const change of [(lane: Lane) => lane.forgetRead(), settleAsHistory]) {
    const lane = laneWith([dueOf(1), dueOf(2)]);
    lane.begin(lane.next()!, false);
    lane.forgetRead();
    assert.deepEqual(known(lane), [1]);
    change(lane);
    lane.take({ lane: "a", due: [dueOf(2)], isAll: true });
    assert.equal(lane.next(), undefined);
    assert.ok(known(lane));
  }
});

function settleAsHistory(lane: Lane): void {
  lane.settle(lane.underway[0]!, { state: "dead" }, { fate: "history" });
}

test("Lane forgets what was read when a delivery of it was changed by somebody else", () => {
  const lane = laneWith([dueOf(1), dueOf(2)]);
  lane.begin(lane.next()!, false);
  settleAsHistory(lane);
  assert.deepEqual([lane.next(), known(lane)], [undefined, []]);
});

test("Lane.release() puts back what was not made, which is read again", () => {
  const lane = laneWith([keyed(1, 1), keyed(2, 1)]);
  const underway = lane.begin(lane.next()!, false);
  lane.release(underway);
  assert.deepEqual([lane.underway.length, lane.next()], [0, undefined]);
  assert.deepEqual(known(lane), [2]);
  lane.take({ lane: "a", due: [keyed(1, 1)], isAll: true });
  assert.deepEqual(beginAll(lane), [1]);
});

test("Lane.behind() gives the order keys of which much stands behind their heads", () => {
  const behind = (count: number) => Array.from({ length: count }, (_, index) => keyed(index + 2, 1));
  assert.deepEqual(laneWith([dueOf(1), ...behind(64)]).behind(), []);
  assert.deepEqual(laneWith([dueOf(1), ...behind(65)]).behind(), ["rex"]);
  const loose = Array.from({ length: 100 }, (_, index) => dueOf(index));
  assert.deepEqual(laneWith(loose).behind(), [], "what has no key stands behind nothing");
});

test("Lane.expired() gives what is of no use any more by then", () => {
  const lane = laneWith([dueOf(1, { expiresAt: T0 + 100 }), dueOf(2, { expiresAt: T0 + 200 }), dueOf(3)]);
  assert.deepEqual(lane.expired(T0 + 100), []);
  assert.deepEqual(lane.expired(T0 + 101).map(({ ref }) => ref.event), [1]);
});

test("Lane.offer() takes nothing twice that a read has found, and nothing while one is under way", () => {
  const lane = laneWith([dueOf(1)]);
  lane.offer(dueOf(1));
  assert.deepEqual(beginAll(lane), [1]);
  const other = laneWith([]);
  other.wake();
  assert.deepEqual(known(other), []);
  other.offer(dueOf(2));
  other.take({ lane: "a", due: [], isAll: true });
  assert.deepEqual(beginAll(other), []);
  assert.deepEqual(known(other), [], "it has to be read");
});

test("Lane counts what ended as unread only if a read was under way then", () => {
  const lane = laneWith([]);
  for (let event = 1; event <= 1_000; event++) {
    lane.offer(dueOf(event));
    const underway = lane.begin(lane.next()!, false);
    lane.settle(underway, { state: "delivered" }, { fate: "recorded" });
  }
  lane.take({ lane: "a", due: [], isAll: true });
  assert.equal(known(lane), undefined, "nothing ended since a read was sent");
});

test("Lane.ask() begins a read a little before the last due time, and every 10 s before all", () => {
  const lane = laneWith([dueOf(1_000)], { isAll: false });
  beginAll(lane);
  const from = (ms: number) => {
    lane.wake();
    return lane.ask(T0 + ms)?.from;
  };
  assert.equal(from(2_000), T0 + 1_000 - 5_000);
  lane.take({ lane: "a", due: [], isAll: true });
  assert.equal(from(10_000), undefined);
  assert.equal(from(10_100), undefined, "the one before failed: nothing was taken of it");
  lane.take({ lane: "a", due: [], isAll: true });
  assert.equal(from(19_999), T0 + 1_000 - 5_000);
  lane.release(lane.underway[0]!);
  assert.equal(from(19_999), undefined, "what is put back was due before");
});

test("Lane.ask() begins a read before all after one of which it could not take everything", () => {
  const lane = laneWith([keyed(1, 1)], { isAll: false });
  beginAll(lane);
  lane.wake();
  assert.notEqual(lane.ask(T0 + 10)?.from, undefined);
  lane.settle(lane.underway[0]!, { state: "delivered" }, { fate: "recorded", head: refOf(2) });
  lane.take({ lane: "a", due: [keyed(2, 1)], isAll: true });
  assert.deepEqual([lane.next(), lane.ask(T0 + 10)?.from], [undefined, undefined]);
});
