/** Which deliveries go out in one message. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Gathering } from "../../lib/lanes/gather.ts";
import type { Due } from "../../lib/store/mod.ts";
import type { Target } from "../../lib/targets/target.ts";
import { makeEvent } from "../helpers/target.ts";
import { T0 } from "../store/samples.ts";
import { Bench } from "./bench.ts";

const digest = { everyMs: 60_000, max: 3, zone: "UTC" };
const target = (parts: Partial<Target> = {}): Target => ({
  ...new Bench({}).lanesOf({ a: { policy: { digest } } }).get("a")!,
  ...parts,
});

const dueOf = (event: number, parts: Partial<Due> = {}): Due => ({
  ref: { event, number: 1 },
  id: `${event}`,
  lane: "a",
  revision: 0,
  attempts: 0,
  failures: 0,
  dueAt: T0,
  event: makeEvent(),
  isAwaited: false,
  isWaiting: false,
  ...parts,
});

/** The events in each message, in which these begin one after the other. */
function messagesOf(dues: Due[], isAlone: (due: Due) => boolean = () => false, of = target()): number[][] {
  const gathering = new Gathering(of, isAlone);
  const begins = dues.filter((due) => {
    const hasRoom = gathering.hasRoomFor(due);
    const isFirst = gathering.add({ underway: { due, wasBegun: false } });
    assert.equal(isFirst, !hasRoom);
    return isFirst;
  });
  const messages = gathering.messages.map((message) => message.map(({ underway }) => underway.due.ref.event));
  assert.equal(messages.length, begins.length);
  return messages;
}

test("Gathering fills one message after the other, each in the order of acceptance", () => {
  assert.deepEqual(messagesOf([5, 2, 3, 7, 6, 1].map((event) => dueOf(event))), [[2, 3, 5], [1, 6, 7]]);
  assert.deepEqual(messagesOf([4, 1].map((event) => dueOf(event))), [[1, 4]]);
});

test("Gathering leaves each alone of a target that makes no digests", () => {
  const dues = [dueOf(1), dueOf(2)];
  assert.deepEqual(messagesOf(dues, undefined, target({ policy: { ...target().policy, digest: undefined } })), [[1], [
    2,
  ]]);
  assert.deepEqual(messagesOf(dues, undefined, target({ deliverAll: undefined })), [[1], [2]]);
});

test("Gathering keeps those together that failed in one message, and apart from all others", () => {
  const failed = (event: number, attempts: number, dueAt: number) => dueOf(event, { attempts, dueAt });
  const dues = [failed(1, 1, 5), failed(2, 1, 6), dueOf(3), failed(4, 1, 5), failed(5, 2, 5), dueOf(6)];
  assert.deepEqual(messagesOf(dues), [[1, 4], [2], [3, 6], [5]]);
});

test("Gathering leaves alone what relay itself tells, and what is under suspicion", () => {
  const system = dueOf(2, { event: { ...makeEvent(), source: "relay" } });
  const dues = [dueOf(1), system, dueOf(3), dueOf(4)];
  assert.deepEqual(messagesOf(dues, ({ ref }) => ref.event === 3), [[1, 4], [2], [3]]);
});

test("Gathering leaves alone what failed for the reason that its target names", () => {
  const failed = (event: number, reason: Due["reason"]) => dueOf(event, { attempts: 1, reason });
  const dues = [failed(1, "window_closed"), failed(2, "timed_out"), failed(3, "window_closed"), failed(4, "timed_out")];
  assert.deepEqual(messagesOf(dues, undefined, target({ aloneAfter: "window_closed" })), [[1], [2, 4], [3]]);
  assert.deepEqual(messagesOf(dues), [[1, 2, 3], [4]]);
});
