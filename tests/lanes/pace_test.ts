/** A pace's pace: how many deliveries may start, and when. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Pace } from "../../lib/lanes/pace.ts";
import { Told } from "../../lib/locale/told.ts";
import type { Outcome } from "../../lib/outcome.ts";
import type { Policy } from "../../lib/targets/target.ts";

const policyOf = (parts: Partial<Policy> = {}): Policy => ({ timeoutMs: 1_000, concurrency: 2, rates: [], ...parts });
const perSecond = { perMs: 1_000, limit: 1 };

/** A failure after which the target asks for a pause. */
const pauseOf = (pauseMs: number) => ({ kind: "retry", reason: "rate_limited", detail: Told.of(""), pauseMs }) as const;

/** What the pace says at a time: how many may start, and when one more may. */
const at = (pace: Pace, now: number) => [pace.room(now), pace.opensAt(now)];

test("Pace lets as many start as may run at once, and one more when one ends", () => {
  const pace = new Pace(policyOf());
  assert.deepEqual(at(pace, 0), [2, 0]);
  pace.begin(0);
  assert.deepEqual(at(pace, 1), [1, 1]);
  pace.begin(1);
  assert.deepEqual(at(pace, 2), [0, undefined]);
  pace.end();
  assert.deepEqual(at(pace, 3), [1, 3]);
});

test("Pace keeps the rate, whatever has ended", () => {
  const pace = new Pace(policyOf({ concurrency: 8, rates: [{ perMs: 1_000, limit: 2 }] }));
  assert.deepEqual(at(pace, 0), [2, 0]);
  pace.begin(0);
  pace.begin(100);
  pace.end();
  pace.end();
  assert.deepEqual(at(pace, 200), [0, 1_000]);
  assert.deepEqual(at(pace, 1_000), [1, 1_000]);
  assert.deepEqual(at(pace, 1_100), [2, 1_100]);
});

test("Pace starts no more than the smaller of concurrency and rate", () => {
  const pace = new Pace(policyOf({ concurrency: 1, rates: [{ perMs: 1_000, limit: 5 }] }));
  assert.equal(pace.room(0), 1);
  pace.begin(0);
  assert.deepEqual(at(pace, 0), [0, undefined]);
});

test("Pace starts nothing before a pause ends, the longest one of several", () => {
  const pace = new Pace(policyOf());
  pace.observe(pauseOf(5_000), 0);
  pace.observe(pauseOf(2_000), 0);
  assert.deepEqual(at(pace, 4_999), [0, 5_000]);
  assert.deepEqual(at(pace, 5_000), [2, 5_000]);
});

test("Pace opens at the later of pause and rate", () => {
  const pace = new Pace(policyOf({ rates: [perSecond] }));
  pace.begin(0);
  pace.observe(pauseOf(500), 0);
  assert.equal(pace.opensAt(100), 1_000);
  pace.observe(pauseOf(3_000), 0);
  assert.equal(pace.opensAt(100), 3_000);
});

test("Pace keeps what is in flight, its pause and its rate under a new policy", () => {
  const pace = new Pace(policyOf({ rates: [perSecond] }));
  pace.begin(0);
  pace.use(policyOf({ concurrency: 3, rates: [{ ...perSecond }] }), 200);
  assert.deepEqual(at(pace, 500), [0, 1_000], "the same rate is not refilled");
  pace.use(policyOf({ concurrency: 3 }), 200);
  assert.deepEqual(at(pace, 500), [2, 500], "no rate any more, one in flight");
  pace.observe(pauseOf(2_000), 0);
  pace.use(policyOf({ concurrency: 4 }), 200);
  assert.deepEqual(at(pace, 1_000), [0, 2_000]);
});

test("Pace takes another rate at once, in which what began of late counts", () => {
  for (const rate of [{ perMs: 1_000, limit: 2 }, { perMs: 2_000, limit: 1 }]) {
    const pace = new Pace(policyOf({ rates: [perSecond] }));
    pace.begin(0);
    pace.end();
    pace.use(policyOf({ rates: [rate] }), 0);
    assert.equal(pace.room(0), rate.limit - 1);
    for (let count = 1; count < rate.limit; count++) pace.begin(0);
    assert.equal(pace.room(rate.perMs - 1), 0);
  }
});

test("Pace waits until enough have ended where the new policy lets fewer run", () => {
  const pace = new Pace(policyOf({ concurrency: 3 }));
  for (let count = 0; count < 3; count++) pace.begin(0);
  pace.use(policyOf({ concurrency: 1 }), 200);
  pace.end();
  pace.end();
  assert.equal(pace.opensAt(1), undefined);
  assert.ok(pace.room(1) <= 0);
  pace.end();
  assert.deepEqual(at(pace, 1), [1, 1]);
});

const circuit = { failures: 2, pauseMs: 1_000 };
const failed = { kind: "retry", reason: "server_failed", detail: Told.of("") } as const;

test("Pace starts nothing while its circuit is open, then one probe, then as many as before", () => {
  const pace = new Pace(policyOf({ circuit }));
  assert.equal(pace.observe(failed, 0), undefined);
  assert.deepEqual(at(pace, 0), [2, 0]);
  assert.equal(pace.observe(failed, 0), "opened");
  assert.deepEqual(at(pace, 999), [0, 1_000]);
  assert.deepEqual(at(pace, 1_000), [1, 1_000]);
  pace.begin(1_000);
  assert.deepEqual(at(pace, 1_001), [0, undefined], "one probe, whatever the concurrency");
  pace.end();
  assert.equal(pace.observe({ kind: "delivered" }, 1_002), "closed");
  assert.deepEqual(at(pace, 1_002), [2, 1_002]);
});

test("Pace sends no probe before what was in flight when its circuit opened has ended", () => {
  const pace = new Pace(policyOf({ circuit, concurrency: 3 }));
  for (let count = 0; count < 3; count++) pace.begin(0);
  for (let count = 0; count < 2; count++) {
    pace.end();
    pace.observe(failed, 0);
  }
  assert.deepEqual(at(pace, 1_500), [0, undefined]);
  pace.end();
  assert.deepEqual(at(pace, 1_500), [1, 1_500]);
});

test("Pace opens at the latest of circuit, pause and rate", () => {
  const pace = new Pace(policyOf({ circuit, rates: [{ perMs: 2_000, limit: 1 }] }), { hold: { openUntil: 1_500 } });
  assert.deepEqual(at(pace, 0), [0, 1_500]);
  pace.begin(0);
  pace.end();
  assert.deepEqual(at(pace, 1_500), [0, 2_000], "the rate is later");
  pace.observe(pauseOf(3_000), 0);
  assert.deepEqual(at(pace, 2_000), [0, 3_000], "the pause is later");
  assert.deepEqual(at(pace, 3_000), [1, 3_000], "a probe");
});

test("Pace gives its circuit another policy", () => {
  const pace = new Pace(policyOf({ circuit }), { hold: { openUntil: 1_000 } });
  pace.use(policyOf({ circuit: { ...circuit } }), 200);
  assert.deepEqual(at(pace, 200), [1, 200], "a probe at once");
  pace.use(policyOf(), 200);
  assert.deepEqual(at(pace, 300), [2, 300], "without a circuit it is not held");
});

test("Pace tells how its target is held, begins held, and forgets it of another target", () => {
  const pace = new Pace(policyOf({ circuit }), { hold: { openUntil: 1_000, throttledUntil: 2_000 } });
  assert.deepEqual(pace.hold, { openUntil: 1_000, throttledUntil: 2_000 });
  assert.deepEqual(at(pace, 1_500), [0, 2_000]);
  pace.forget();
  assert.deepEqual(pace.hold, { openUntil: undefined, throttledUntil: undefined });
  assert.deepEqual(at(pace, 1_500), [2, 1_500]);
});

test("Pace starts nothing while an operator has paused it, and waits for no time", () => {
  const pace = new Pace(policyOf({}), { hold: { pausedAt: 5 } });
  assert.deepEqual([pace.room(10), pace.opensAt(10)], [0, undefined]);
  pace.obey({});
  assert.deepEqual([pace.room(10), pace.opensAt(10)], [2, 10]);
  pace.obey({ pausedAt: 5 });
  assert.equal(pace.room(10), 0);
});

test("Pace tries a target whose circuit is open sooner if an operator says so, never later", () => {
  const circuit = { failures: 1, pauseMs: 60_000 };
  const pace = new Pace(policyOf({ circuit }), { hold: { openUntil: 60_000 } });
  pace.obey({ openUntil: 90_000 });
  assert.equal(pace.opensAt(0), 60_000);
  pace.obey({ openUntil: 10 });
  assert.deepEqual([pace.opensAt(0), pace.room(10)], [10, 1]);
  const closed = new Pace(policyOf({ circuit }));
  closed.obey({ openUntil: 10 });
  assert.equal(closed.room(0), 2, "what is not open stays so");
});

test("Pace lets more be under way while the target answers quickly, and as few as ever once it does not", () => {
  const pace = new Pace(policyOf({ quickConcurrency: 4 }));
  const fill = () => {
    for (; pace.room(0) > 0;) pace.begin(0);
    return pace.inFlight;
  };
  const end = (durationMs: number, outcome: Outcome = { kind: "delivered" }) => {
    pace.observe(outcome, 0, durationMs);
    pace.end();
  };
  assert.equal(fill(), 2);
  end(100);
  assert.equal(fill(), 3);
  end(5);
  end(5);
  assert.equal(fill(), 4, "only where there was no room was one more of use");
  end(5);
  assert.equal(fill(), 4, "and no more than the most");
  end(101);
  assert.deepEqual([pace.inFlight, pace.room(0), pace.opensAt(0)], [3, 0, undefined]);
  end(5);
  assert.equal(fill(), 3, "it is quick again");
  end(5, failed);
  assert.equal(pace.room(0), 0);
});

test("Pace remembers how many a target bears, and tries one more after ten thousand that went well", () => {
  const pace = new Pace(policyOf({ quickConcurrency: 64 }));
  const bears = 20;
  let failures = 0;
  let most = 0;
  for (let made = 0; made < 25_000; made++) {
    while (pace.room(0) > 0) pace.begin(0);
    most = Math.max(most, pace.inFlight);
    const isTooMany = pace.inFlight > bears;
    if (isTooMany) failures++;
    pace.observe(isTooMany ? failed : { kind: "delivered" }, 0, 5);
    pace.end();
  }
  assert.deepEqual([most, failures], [21, 3]);
});

test("Pace has as many under way as before once a target is back that failed whatever it was sent", () => {
  const pace = new Pace(policyOf({ quickConcurrency: 64 }));
  const make = (count: number, outcome: Outcome) => {
    for (let made = 0; made < count; made++) {
      while (pace.room(0) > 0) pace.begin(0);
      pace.observe(outcome, 0, 5);
      pace.end();
    }
    return pace.inFlight;
  };
  assert.equal(make(1_000, { kind: "delivered" }), 63);
  make(200, failed);
  assert.equal(make(1_000, { kind: "delivered" }), 62);
});
