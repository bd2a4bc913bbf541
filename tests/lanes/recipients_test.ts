/** The lanes of a target's recipients: each has its own pace, and all share that of the target. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ownerOf } from "../../lib/lanes/rendezvous.ts";
import { Told } from "../../lib/locale/told.ts";
import type { Policy } from "../../lib/targets/target.ts";
import { type Bench, failed, type Script, withOwner } from "./bench.ts";

const ANA = "whats/+5531999998888";
const RUI = "whats/+5531999997777";

const policyOf = (parts: Partial<Policy>): Policy => ({ timeoutMs: 60_000, concurrency: 8, rates: [], ...parts });

/** The scripts of two recipients. @param whole The policy of their target. */
const recipients = (whole: Partial<Policy>, script: Script = {}): Record<string, Script> =>
  Object.fromEntries([ANA, RUI].map((lane) => [
    lane,
    { ...script, parts: { whole: { name: "whats", policy: policyOf(whole) } } },
  ]));

const times = ({ made }: Bench, lane?: string) =>
  made.filter((one) => one.lane === (lane ?? one.lane)).map(({ at }) => at);

const limited = (holds: "target" | "recipient") =>
  ({ kind: "retry", reason: "rate_limited", detail: Told.of(""), pauseMs: 60_000, holds }) as const;

test("Owner keeps the rate of a target over all of its recipients, and each one's own", async () => {
  const own = { policy: { rates: [{ perMs: 6_000, limit: 1 }] } };
  await withOwner(recipients({ rates: [{ perMs: 1_000, limit: 1 }] }, own), async (bench) => {
    await bench.accept(["1", "2", "3"], [ANA, RUI]);
    await bench.clock.run(60_000);
    assert.deepEqual(times(bench), [0, 1_000, 6_000, 7_000, 12_000, 13_000]);
    assert.deepEqual([bench.keys(ANA), bench.keys(RUI)], [["1", "2", "3"], ["1", "2", "3"]]);
  });
});

test("Owner lets no recipient take all of what they share", async () => {
  await withOwner(recipients({ rates: [{ perMs: 1_000, limit: 1 }] }), async (bench) => {
    await bench.accept(Array.from({ length: 20 }, (_, at) => `${at}`), [ANA, RUI]);
    await bench.clock.run(19_500);
    const counts = [ANA, RUI].map((lane) => times(bench, lane).length);
    assert.deepEqual(counts.toSorted(), [10, 10]);
  });
});

test("Owner has no more under way to a target than it allows, whoever the recipients are", async () => {
  await withOwner(recipients({ concurrency: 3 }, { takesMs: 100 }), async (bench) => {
    await bench.accept(["1", "2", "3", "4", "5"], [ANA, RUI]);
    await bench.clock.run(1_000);
    assert.deepEqual([bench.most, bench.made.length], [3, 10]);
  });
});

test("Owner holds a recipient alone where the answer says so, and else the whole target", async () => {
  for (const [holds, atOnce] of [["recipient", 3], ["target", 1]] as const) {
    const answer: Script["answer"] = ({ lane, attempt }) =>
      lane === ANA && attempt === 1 ? limited(holds) : { kind: "delivered" };
    await withOwner(recipients({ concurrency: 1 }, { answer, takesMs: 1 }), async (bench) => {
      await bench.accept(["1"], [ANA]);
      await bench.clock.run(10);
      await bench.accept(["2", "3"], [RUI]);
      await bench.clock.run(59_000);
      assert.equal(bench.made.length, atOnce, holds);
      await bench.clock.run(10_000);
      assert.equal(bench.made.length, 4, holds);
    }, { retry: { scheduleMs: [10], jitter: 0 } });
  }
});

test("Owner keeps the hold of a whole target over a restart, for each of its recipients", async () => {
  const answer: Script["answer"] = ({ attempt, lane }) =>
    lane === ANA && attempt === 1 ? limited("target") : { kind: "delivered" };
  await withOwner(recipients({}, { answer }), async (bench) => {
    await bench.accept(["1"], [ANA]);
    await bench.clock.run(100);
    const holds = await bench.store.lanes.holds();
    assert.deepEqual([ANA, RUI].map((lane) => holds.get(lane)?.throttledUntil !== undefined), [true, true]);
    await bench.restart();
    await bench.accept(["2"], [RUI]);
    await bench.clock.run(50_000);
    assert.equal(bench.made.length, 1);
    await bench.clock.run(20_000);
    assert.deepEqual(bench.keys(RUI), ["2"]);
  });
});

test("Owner opens the circuit of one recipient, and goes on with the others", async () => {
  const answer: Script["answer"] = ({ lane }) => lane === ANA ? failed : { kind: "delivered" };
  const policy = { circuit: { failures: 1, pauseMs: 60_000 } };
  await withOwner(recipients({}, { answer, policy }), async (bench) => {
    await bench.accept(["1", "2"], [ANA, RUI]);
    await bench.clock.run(1_000);
    assert.deepEqual(bench.keys(RUI), ["1", "2"]);
  });
});

test("ownerOf() gives all recipients of a target to one relay", () => {
  const lanes = Array.from({ length: 50 }, (_, at) => `whats/+55319999${String(at).padStart(5, "0")}`);
  const members = ["a", "b", "c"].map((name) => ({ name, lanes, isLeaving: false }));
  assert.equal(new Set(lanes.map((lane) => ownerOf(lane, members)?.name)).size, 1);
});
