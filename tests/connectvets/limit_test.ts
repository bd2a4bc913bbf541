/** The limit of the API: when requests may be made, by the clock alone. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Limit } from "../../lib/connectvets/limit.ts";

const T0 = 1_800_000_000_000;

test("take() gives times apart, a hundred in a minute and a thousand in an hour", () => {
  const limit = new Limit();
  const times = Array.from({ length: 2_500 }, () => limit.take(T0));
  assert.equal(times[0], T0);
  assert.ok(times[99]! < T0 + 10_000, "a burst need not wait long");
  times.forEach((time, index) => {
    if (index >= 1) assert.ok(time > times[index - 1]!);
    if (index >= 100) assert.ok(time > times[index - 100]! + 60_000);
    if (index >= 1_000) assert.ok(time > times[index - 1_000]! + 3_600_000);
  });
  assert.ok(
    times[999]! < T0 + 10 * 61_000 && times[2_499]! < T0 + 3 * 3_601_000,
    "nor does it wait longer than it must",
  );
});

test("take() never exceeds the limit, whenever it is asked", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3_000), { maxLength: 1_500 }), (pauses) => {
      const limit = new Limit();
      let now = T0;
      const times = pauses.map((pause) => limit.take(now += pause));
      return times.every((time, index) =>
        time >= T0 && (index < 100 || time > times[index - 100]! + 60_000) &&
        (index < 1_000 || time > times[index - 1_000]! + 3_600_000)
      );
    }),
    { numRuns: 30 },
  );
});

test("Limit goes on from what was used before, and from a pause that the API asked for", () => {
  const made = Array.from({ length: 100 }, (_, index) => T0 - 5_000 + index);
  assert.equal(new Limit(made).take(T0), T0 - 5_000 + 61_000);
  assert.equal(new Limit([], T0 + 30_000).take(T0), T0 + 30_000);
  assert.equal(new Limit(made, T0 - 1).take(T0 + 120_000), T0 + 120_000);
});

test("hold() gives out no time before its end, and forgets those that it had given out", () => {
  const limit = new Limit();
  const times = Array.from({ length: 150 }, () => limit.take(T0));
  assert.ok(times.at(-1)! > T0 + 60_000);
  limit.hold(T0 + 10_000, T0 + 20);
  assert.equal(limit.take(T0 + 20), T0 + 10_000);
  limit.hold(T0 + 5_000, T0 + 30);
  assert.ok(limit.take(T0 + 40) >= T0 + 10_000, "a shorter one does not end a longer one");
  assert.equal(limit.enter(T0 + 50), T0 + 10_000);
});

test("enter() never lets more through than the limit allows, whatever turns were given out", () => {
  const limit = new Limit(Array.from({ length: 40 }, (_, index) => T0 - 1_000 + index));
  for (let count = 0; count < 30; count++) limit.take(T0);
  const entered = Array.from({ length: 61 }, () => limit.enter(T0));
  assert.deepEqual([...new Set(entered.slice(0, 60))], [T0]);
  assert.equal(entered[60], T0 - 1_000 + 61_000, "when the first of the hundred does not count any more");
  assert.equal(limit.enter(T0 + 60_000), T0 + 60_000);
});
