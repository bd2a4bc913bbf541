/** What the judge finds, and what it lets be. */

// Runs on Deno alone: pure.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Arrival, type Fault, type History, judge, type Posted, type Rules, takeovers } from "./mod.ts";

const rules: Rules = {
  targets: {
    plain: { isSteady: true },
    ordered: { isOrdered: true },
    narrow: { concurrency: 2 },
    paced: { rate: { perMs: 2_000, limit: 3 } },
  },
  callsPerMinute: 3,
};

/** When all is over, in milliseconds. */
const END = 1_000_000;

/** An event to one target, sent and acknowledged at these times. */
function sent(number: number, target: string, sentAt = number * 100, acknowledgedAt?: number, key = "k"): Posted {
  return { number, key, sentAt, acknowledgedAt: acknowledgedAt ?? sentAt + 10, targets: [target] };
}

/** A delivery that was taken. */
function came(number: number, target: string, startedAt: number, parts: Partial<Arrival> = {}): Arrival {
  return {
    number,
    target,
    startedAt,
    deliveryId: `d${number}`,
    eventId: `e${number}`,
    attempt: 1,
    relay: "one",
    connection: 1,
    endedAt: startedAt + 10,
    isTaken: true,
    ...parts,
  };
}

function killed(relay: string, at: number): Fault {
  return { name: "kill", relays: [relay], from: at, to: at, takeover: { from: at, withinMs: 17_000 } };
}

function found(history: Partial<History>): string[] {
  const whole = { posted: [], arrivals: [], faults: [], holds: [], replays: [], calls: [], ...history };
  return judge(whole, rules, END).map(({ rule, at, text }) => `${at} ${rule}: ${text}`);
}

test("judge() lets be what was acknowledged and delivered, and what never was acknowledged", () => {
  const unanswered = { ...sent(2, "plain"), acknowledgedAt: undefined };
  const posted = [sent(1, "plain"), unanswered, { ...unanswered, number: 3 }];
  assert.deepEqual(found({ posted, arrivals: [came(1, "plain", 120), came(3, "plain", 300)] }), []);
});

test("judge() finds what was acknowledged and is not delivered", () => {
  const refused = came(2, "plain", 250, { isTaken: false });
  const posted = [sent(1, "plain"), sent(2, "plain"), { ...sent(3, "plain"), targets: ["plain", "narrow"] }];
  assert.deepEqual(found({ posted, arrivals: [refused, came(3, "plain", 400)] }), [
    "110 lost: event 1 was acknowledged, and not delivered to plain",
    "210 lost: event 2 was acknowledged, and not delivered to plain",
    "310 lost: event 3 was acknowledged, and not delivered to narrow",
  ]);
});

test("judge() finds what came to a target that it was not for", () => {
  const posted = [{ ...sent(1, "plain"), mayReach: ["ordered"] }];
  const arrivals = [
    came(1, "plain", 120),
    came(1, "ordered", 130, { deliveryId: "d2" }),
    came(1, "narrow", 140, { deliveryId: "d3" }),
    came(NaN, "plain", 150),
  ];
  assert.deepEqual(found({ posted, arrivals }), [
    "140 unknown: event 1 (e1) came to narrow, which it was not for",
    "150 unknown: event NaN (eNaN) came to plain, which it was not for",
  ]);
});

test("judge() excuses what came again by a fault that lies between the two, and by that alone", () => {
  const posted = [sent(1, "plain")];
  const again = (at: number) => [came(1, "plain", 1_000), came(1, "plain", at, { relay: "two" })];
  const text = (afterMs: number) =>
    `${
      1_000 + afterMs
    } repeated: event 1 came again to plain (d1), from two ${afterMs} ms after one, with no fault in between`;
  const faults = (from: number, to: number): Fault[] => [{ name: "freeze", relays: ["one"], from, to }];
  assert.deepEqual(found({ posted, arrivals: again(9_000) }), [text(8_000)]);
  assert.deepEqual(found({ posted, arrivals: again(9_000), faults: faults(500, 999) }), [text(8_000)]);
  assert.deepEqual(found({ posted, arrivals: again(9_000), faults: faults(9_001, 9_500) }), [text(8_000)]);
  for (const [from, to] of [[500, 1_000], [500, 20_000], [2_000, 3_000], [9_000, 9_500]] as const) {
    assert.deepEqual(found({ posted, arrivals: again(9_000), faults: faults(from, to) }), []);
  }
  assert.deepEqual(found({ posted, arrivals: again(1_005) }), [text(5)], "while the first is under way");
  const stop = { ...faults(500, 20_000)[0]!, isClean: true };
  assert.deepEqual(found({ posted, arrivals: again(9_000), faults: [stop] }), [text(8_000)], "a stop is no excuse");
});

test("judge() lets an attempt follow one that was not taken", () => {
  const arrivals = [came(1, "plain", 120, { isTaken: false }), came(1, "plain", 300, { attempt: 2 })];
  assert.deepEqual(found({ posted: [sent(1, "plain")], arrivals }), []);
});

test("judge() wants one delivery for each time that an event was routed", () => {
  const posted = [sent(1, "plain")];
  const arrivals = [came(1, "plain", 120), came(1, "plain", 500, { deliveryId: "other" })];
  const replays = [{ number: 1, targets: ["plain"], at: 400 }];
  assert.deepEqual(found({ posted, arrivals }), ["500 ids: event 1 came to plain under another id: d1, other"]);
  assert.deepEqual(found({ posted, arrivals, replays }), []);
  assert.deepEqual(found({ posted, arrivals: arrivals.slice(1), replays }), [
    "110 lost: event 1 was acknowledged, and not delivered to plain",
  ]);
});

test("judge() finds deliveries of one key that overlap, though a fault strikes, and none of two keys", () => {
  const posted = [sent(1, "ordered"), sent(2, "ordered", 105), sent(3, "ordered", 105, 110, "other")];
  const arrivals = [came(1, "ordered", 1_000), came(2, "ordered", 1_009, { relay: "two" }), came(3, "ordered", 1_001)];
  const faults = [killed("one", 1_005)];
  assert.deepEqual(found({ posted, arrivals, faults }), [
    "1009 overlap: event 2 of key k began at ordered (two) 1 ms before event 1 (one) had ended",
  ]);
  assert.deepEqual(found({ posted, arrivals: [arrivals[0]!, came(2, "ordered", 1_010), arrivals[2]!], faults }), []);
});

test("judge() finds what came before one of its key that was acknowledged before it was sent", () => {
  const posted = [sent(1, "ordered", 100, 200), sent(2, "ordered", 201)];
  const arrivals = [came(2, "ordered", 1_000), came(1, "ordered", 1_100)];
  assert.deepEqual(found({ posted, arrivals }), [
    "1000 order: event 2 of key k came to ordered (one) before event 1, which was acknowledged before it was sent, " +
    "had been delivered",
  ]);
  const atOnce = [sent(1, "ordered", 100, 200), sent(2, "ordered", 200)];
  assert.deepEqual(found({ posted: atOnce, arrivals }), [], "both were under way at a time");
  const refused = came(1, "ordered", 900, { isTaken: false });
  assert.equal(found({ posted, arrivals: [refused, ...arrivals] }).length, 1);
});

test("judge() finds what came again after a later one of its key, and lets be what was replayed", () => {
  const posted = [sent(1, "ordered", 100, 200), sent(2, "ordered", 201)];
  const arrivals = [came(1, "ordered", 300), came(2, "ordered", 400), came(1, "ordered", 500)];
  const faults = [killed("one", 450)];
  assert.deepEqual(found({ posted, arrivals, faults }), [
    "400 order: event 2 of key k came to ordered (one) before event 1, which was acknowledged before it was sent, " +
    "came again",
  ]);
  const replays = [{ number: 1, targets: ["ordered"], at: 450 }];
  const replayed = [...arrivals.slice(0, 2), came(1, "ordered", 500, { deliveryId: "other" })];
  assert.deepEqual(found({ posted, arrivals: replayed, replays }), []);
});

test("judge() finds too many at a time, though a fault strikes", () => {
  const posted = [1, 2, 3, 4].map((number) => sent(number, "narrow"));
  const at = [1_000, 1_005, 1_009, 1_016];
  const arrivals = posted.map(({ number }, index) => came(number, "narrow", at[index]!));
  assert.deepEqual(found({ posted, arrivals, faults: [killed("one", 1_002)] }), [
    "1009 concurrency: narrow had 3 at a time: 1 (one), 2 (one), 3 (one)",
  ]);
  arrivals[0]!.endedAt = 1_009;
  assert.deepEqual(found({ posted, arrivals }), []);
});

test("judge() finds too many within a time", () => {
  const posted = [1, 2, 3, 4].map((number) => sent(number, "paced"));
  const within = (last: number) => posted.map(({ number }) => came(number, "paced", 1_000 + (number === 4 ? last : 0)));
  assert.deepEqual(found({ posted, arrivals: within(1_899) }), ["2899 rate: paced got 4 deliveries within 1899 ms"]);
  assert.deepEqual(found({ posted, arrivals: within(1_900) }), []);
  assert.deepEqual(found({ calls: [0, 56_000, 56_100, 56_200] }), [
    "56200 calls: the notes API was called 4 times within 56200 ms",
  ]);
  assert.deepEqual(found({ calls: [0, 59_000, 59_100, 57_000] }), []);
});

test("judge() goes by when a relay says that it began", () => {
  const posted = [1, 2, 3, 4].map((number) => sent(number, "paced"));
  const late = posted.map(({ number }) => came(number, "paced", 3_000, { begunAt: number * 700 }));
  assert.deepEqual(found({ posted, arrivals: late }), []);
  const early = posted.map(({ number }) => came(number, "paced", number * 700, { begunAt: number * 600 }));
  assert.deepEqual(found({ posted, arrivals: early }), ["2400 rate: paced got 4 deliveries within 1800 ms"]);
});

test("judge() finds what came to a target that was paused, unless a fault struck", () => {
  const posted = [1, 2, 3].map((number) => sent(number, "narrow"));
  const arrivals = [came(1, "narrow", 1_400), came(2, "narrow", 1_600), came(3, "narrow", 2_001)];
  const holds = [{ target: "narrow", from: 1_000, to: 2_000 }];
  assert.deepEqual(found({ posted, arrivals, holds }), [
    "1600 held: event 2 came to narrow (one) 600 ms after it was paused",
  ]);
  const busy = { posted, arrivals, holds, faults: [], replays: [], calls: [] };
  assert.deepEqual([99, 100].map((slackMs) => judge(busy, { ...rules, slackMs }, END).length), [1, 0]);
  assert.deepEqual(found({ posted, arrivals, holds, faults: [killed("two", 1_500)] }), []);
  const slow = (delayMs: number) => [{ name: "slow", relays: ["one"], from: 0, to: 1_001, isClean: true, delayMs }];
  assert.equal(found({ posted, arrivals, holds, faults: slow(14) }).length, 1);
  assert.deepEqual(found({ posted, arrivals, holds, faults: slow(15) }), []);
});

test("judge() finds a lane that nobody works in time after a fault", () => {
  const posted = [1, 2].map((number) => sent(number, "plain"));
  const next = (at: number, relay = "two") => [came(1, "plain", 1_000), came(2, "plain", at, { relay })];
  const faults = [killed("one", 2_000)];
  assert.deepEqual(found({ posted, arrivals: next(19_000), faults }), []);
  const busy = { posted, arrivals: next(19_500), faults, holds: [], replays: [], calls: [] };
  assert.deepEqual([0, 500].map((slackMs) => judge(busy, { ...rules, slackMs }, END).length), [1, 0]);
  assert.deepEqual(found({ posted, arrivals: next(19_001), faults }), [
    "2000 takeover: after kill, one's lane plain was worked again by two after 17001 ms",
  ]);
  assert.deepEqual(found({ posted: posted.slice(0, 1), arrivals: next(0).slice(0, 1), faults }), [
    `2000 takeover: after kill, one's lane plain is not worked after ${END - 2_000} ms`,
  ]);
  assert.deepEqual(found({ posted, arrivals: next(30_000), faults: [killed("three", 2_000)] }), [], "another's lane");
  const holds = [{ target: "plain", from: 10_000, to: 29_000 }];
  assert.deepEqual(found({ posted, arrivals: next(30_000), faults, holds }), [], "an operator held it");
});

test("takeovers() counts what the relay itself does only once the fault is over", () => {
  const fault = {
    name: "freeze",
    relays: ["one"],
    from: 2_000,
    to: 22_000,
    takeover: { from: 2_000, withinMs: 37_000 },
  };
  const arrivals = [1_000, 5_000, 25_000].map((at, index) => came(index, "plain", at));
  const history = { posted: [], arrivals, faults: [fault], holds: [], replays: [], calls: [] };
  assert.deepEqual(takeovers(history, rules), [
    { fault, target: "plain", before: "one", next: { relay: "one", afterMs: 23_000 } },
  ]);
  const goesOn = { ...fault, takeover: { ...fault.takeover, itselfFrom: 2_000 } };
  assert.equal(takeovers({ ...history, faults: [goesOn] }, rules)[0]!.next?.afterMs, 3_000);
  history.arrivals.push(came(4, "plain", 20_000, { relay: "two" }));
  assert.deepEqual(takeovers(history, rules)[0]!.next, { relay: "two", afterMs: 18_000 });
});
