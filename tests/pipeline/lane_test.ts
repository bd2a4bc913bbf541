/** A target's lane: how many deliveries may start, and when. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Lane } from "../../lib/pipeline/lane.ts";
import type { Policy } from "../../lib/targets/target.ts";

const policyOf = (parts: Partial<Policy> = {}): Policy => ({ timeoutMs: 1_000, concurrency: 2, ...parts });
const perSecond = { perMs: 1_000, limit: 1 };

/** A failure after which the target asks for a pause. */
const pauseOf = (pauseMs: number) => ({ kind: "retry", reason: "rate_limited", detail: "", pauseMs }) as const;

/** What the lane says at a time: how many may start, and when one more may. */
const at = (lane: Lane, now: number) => [lane.room(now), lane.opensAt(now)];

test("Lane lets as many start as may run at once, and one more when one ends", () => {
  const lane = new Lane(policyOf());
  assert.deepEqual(at(lane, 0), [2, 0]);
  lane.start(0);
  assert.deepEqual(at(lane, 1), [1, 1]);
  lane.start(1);
  assert.deepEqual(at(lane, 2), [0, undefined]);
  lane.end();
  assert.deepEqual(at(lane, 3), [1, 3]);
});

test("Lane keeps the rate, whatever has ended", () => {
  const lane = new Lane(policyOf({ concurrency: 8, rate: { perMs: 1_000, limit: 2 } }));
  assert.deepEqual(at(lane, 0), [2, 0]);
  lane.start(0);
  lane.start(100);
  lane.end();
  lane.end();
  assert.deepEqual(at(lane, 200), [0, 1_000]);
  assert.deepEqual(at(lane, 1_000), [1, 1_000]);
  assert.deepEqual(at(lane, 1_100), [2, 1_100]);
});

test("Lane starts no more than the smaller of concurrency and rate", () => {
  const lane = new Lane(policyOf({ concurrency: 1, rate: { perMs: 1_000, limit: 5 } }));
  assert.equal(lane.room(0), 1);
  lane.start(0);
  assert.deepEqual(at(lane, 0), [0, undefined]);
});

test("Lane starts nothing before a pause ends, the longest one of several", () => {
  const lane = new Lane(policyOf());
  lane.note(pauseOf(5_000), 0);
  lane.note(pauseOf(2_000), 0);
  assert.deepEqual(at(lane, 4_999), [0, 5_000]);
  assert.deepEqual(at(lane, 5_000), [2, 5_000]);
});

test("Lane opens at the later of pause and rate", () => {
  const lane = new Lane(policyOf({ rate: perSecond }));
  lane.start(0);
  lane.note(pauseOf(500), 0);
  assert.equal(lane.opensAt(100), 1_000);
  lane.note(pauseOf(3_000), 0);
  assert.equal(lane.opensAt(100), 3_000);
});

test("Lane keeps what is in flight, its pause and its rate under a new policy", () => {
  const lane = new Lane(policyOf({ rate: perSecond }));
  lane.start(0);
  lane.use(policyOf({ concurrency: 3, rate: { ...perSecond } }), 200);
  assert.deepEqual(at(lane, 500), [0, 1_000], "the same rate is not refilled");
  lane.use(policyOf({ concurrency: 3 }), 200);
  assert.deepEqual(at(lane, 500), [2, 500], "no rate any more, one in flight");
  lane.note(pauseOf(2_000), 0);
  lane.use(policyOf({ concurrency: 4 }), 200);
  assert.deepEqual(at(lane, 1_000), [0, 2_000]);
});

test("Lane takes another rate at once, be it another number or another time", () => {
  for (const rate of [{ perMs: 1_000, limit: 2 }, { perMs: 2_000, limit: 1 }]) {
    const lane = new Lane(policyOf({ rate: perSecond }));
    lane.start(0);
    lane.end();
    lane.use(policyOf({ rate }), 0);
    assert.equal(lane.room(0), rate.limit);
    for (let count = 0; count < rate.limit; count++) lane.start(0);
    assert.equal(lane.room(rate.perMs - 1), 0);
  }
});

test("Lane waits until enough have ended where the new policy lets fewer run", () => {
  const lane = new Lane(policyOf({ concurrency: 3 }));
  for (let count = 0; count < 3; count++) lane.start(0);
  lane.use(policyOf({ concurrency: 1 }), 200);
  lane.end();
  lane.end();
  assert.equal(lane.opensAt(1), undefined);
  assert.ok(lane.room(1) <= 0);
  lane.end();
  assert.deepEqual(at(lane, 1), [1, 1]);
});

const circuit = { failures: 2, pauseMs: 1_000 };
const failed = { kind: "retry", reason: "server_failed", detail: "" } as const;

test("Lane starts nothing while its circuit is open, then one probe, then as many as before", () => {
  const lane = new Lane(policyOf({ circuit }));
  assert.equal(lane.note(failed, 0), undefined);
  assert.deepEqual(at(lane, 0), [2, 0]);
  assert.equal(lane.note(failed, 0), "opened");
  assert.deepEqual(at(lane, 999), [0, 1_000]);
  assert.deepEqual(at(lane, 1_000), [1, 1_000]);
  lane.start(1_000);
  assert.deepEqual(at(lane, 1_001), [0, undefined], "one probe, whatever the concurrency");
  lane.end();
  assert.equal(lane.note({ kind: "delivered" }, 1_002), "closed");
  assert.deepEqual(at(lane, 1_002), [2, 1_002]);
});

test("Lane sends no probe before what was in flight when its circuit opened has ended", () => {
  const lane = new Lane(policyOf({ circuit, concurrency: 3 }));
  for (let count = 0; count < 3; count++) lane.start(0);
  for (let count = 0; count < 2; count++) {
    lane.end();
    lane.note(failed, 0);
  }
  assert.deepEqual(at(lane, 1_500), [0, undefined]);
  lane.end();
  assert.deepEqual(at(lane, 1_500), [1, 1_500]);
});

test("Lane opens at the latest of circuit, pause and rate", () => {
  const lane = new Lane(policyOf({ circuit, rate: { perMs: 2_000, limit: 1 } }), { openUntil: 1_500 });
  assert.deepEqual(at(lane, 0), [0, 1_500]);
  lane.start(0);
  lane.end();
  assert.deepEqual(at(lane, 1_500), [0, 2_000], "the rate is later");
  lane.note(pauseOf(3_000), 0);
  assert.deepEqual(at(lane, 2_000), [0, 3_000], "the pause is later");
  assert.deepEqual(at(lane, 3_000), [1, 3_000], "a probe");
});

test("Lane gives its circuit another policy", () => {
  const lane = new Lane(policyOf({ circuit }), { openUntil: 1_000 });
  lane.use(policyOf({ circuit: { ...circuit } }), 200);
  assert.deepEqual(at(lane, 200), [1, 200], "a probe at once");
  lane.use(policyOf(), 200);
  assert.deepEqual(at(lane, 300), [2, 300], "without a circuit it is not held");
});

test("Lane tells how its target is held, begins held, and forgets it of another target", () => {
  const lane = new Lane(policyOf({ circuit }), { openUntil: 1_000, throttledUntil: 2_000 });
  assert.deepEqual(lane.hold, { openUntil: 1_000, throttledUntil: 2_000 });
  assert.deepEqual(at(lane, 1_500), [0, 2_000]);
  lane.forget();
  assert.deepEqual(lane.hold, { openUntil: undefined, throttledUntil: undefined });
  assert.deepEqual(at(lane, 1_500), [2, 1_500]);
});

test("Lane starts nothing while an operator has paused it, and waits for no time", () => {
  const lane = new Lane(policyOf({}), { pausedAt: 5 });
  assert.deepEqual([lane.room(10), lane.opensAt(10)], [0, undefined]);
  lane.heed({});
  assert.deepEqual([lane.room(10), lane.opensAt(10)], [2, 10]);
  lane.heed({ pausedAt: 5 });
  assert.equal(lane.room(10), 0);
});

test("Lane tries a target whose circuit is open sooner if an operator says so, never later", () => {
  const circuit = { failures: 1, pauseMs: 60_000 };
  const lane = new Lane(policyOf({ circuit }), { openUntil: 60_000 });
  lane.heed({ openUntil: 90_000 });
  assert.equal(lane.opensAt(0), 60_000);
  lane.heed({ openUntil: 10 });
  assert.deepEqual([lane.opensAt(0), lane.room(10)], [10, 1]);
  const closed = new Lane(policyOf({ circuit }));
  closed.heed({ openUntil: 10 });
  assert.equal(closed.room(0), 2, "what is not open stays so");
});
