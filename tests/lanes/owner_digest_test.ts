/** An owner of lanes whose targets make digests. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { Owner } from "../../lib/lanes/owner.ts";
import type { Outcome } from "../../lib/outcome.ts";
import { Writer } from "../../lib/store/writer.ts";
import { systemEvent } from "../../lib/system_event.ts";
import type { Policy } from "../../lib/targets/target.ts";
import { accept, T0 } from "../store/samples.ts";
import { Bench, failed, refused, withOwner } from "./bench.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A quarter past three, in milliseconds since each test began. */
const FIRST = Date.parse("2026-01-02T03:15:00Z") - T0;
const SECOND = FIRST + 15 * MINUTE;

const digest = { everyMs: 15 * MINUTE, max: 50, zone: "UTC" };
const policyOf = (parts: Partial<typeof digest> = {}, more: Partial<Policy> = {}): Partial<Policy> => ({
  digest: { ...digest, ...parts },
  ...more,
});

const keys = (count: number, first = 1) => Array.from({ length: count }, (_, index) => `${first + index}`);

test("Owner makes one message of all that came in by the digest's time, and records it with each", async () => {
  await withOwner({ a: { takesMs: 70, policy: policyOf() } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(MINUTE);
    await bench.offer(["2", "3"]);
    await bench.clock.run(MINUTE);
    assert.deepEqual(await bench.told("2"), {
      state: "pending",
      attempts: 0,
      dueMs: FIRST - 2 * MINUTE,
      durations: [],
    });
    await bench.clock.run(FIRST - 2 * MINUTE);
    assert.deepEqual(bench.messages(), [[FIRST, "1", "2", "3"]]);
    await bench.accept(["4", "5"]);
    await bench.clock.run(1_000);
    for (const key of ["1", "2", "3"]) {
      assert.deepEqual(await bench.told(key), { state: "delivered", attempts: 1, dueMs: undefined, durations: [70] });
    }
    await bench.clock.run(HOUR);
    assert.deepEqual(bench.messages(), [[FIRST, "1", "2", "3"], [SECOND, "4", "5"]]);
  });
});

test("Owner makes the ordinary message of one that gathered alone", async () => {
  const parts = { deliverAll: () => assert.fail("a digest of one") };
  await withOwner({ a: { policy: policyOf(), parts } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(FIRST);
    await bench.clock.run(0);
    assert.deepEqual(bench.messages(), [[FIRST, "1"]]);
  });
});

test("Owner makes further messages right behind one that is full, at the target's rate", async () => {
  const rates = [{ perMs: 1_000, limit: 1 }];
  await withOwner({ a: { policy: policyOf({}, { rates }) } }, async (bench) => {
    await bench.accept(keys(320));
    await bench.clock.run(FIRST + 10_000);
    const messages = bench.messages();
    assert.deepEqual(messages.map(([at]) => at - FIRST), [0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000]);
    assert.deepEqual(messages.map(([, ...of]) => of.length), [50, 50, 50, 50, 50, 50, 20]);
    assert.deepEqual(bench.keys(), keys(320));
  });
});

test("Owner makes no more messages at the same time than the target's concurrency", async () => {
  await withOwner({ a: { takesMs: 500, policy: policyOf({ max: 10 }, { concurrency: 2 }) } }, async (bench) => {
    await bench.accept(keys(60));
    await bench.clock.run(FIRST + 10_000);
    assert.deepEqual([bench.most, bench.messages().length], [2, 6]);
  });
});

test("Owner counts a message once for a rate, also over a restart", async () => {
  const rates = [{ perMs: HOUR, limit: 2 }];
  await withOwner({ a: { policy: policyOf({}, { rates }) } }, async (bench) => {
    await bench.accept(keys(10));
    await bench.clock.run(FIRST + 1_000);
    await bench.restart();
    await bench.accept(keys(10, 11));
    await bench.clock.run(SECOND - FIRST);
    await bench.accept(keys(10, 21));
    await bench.clock.run(2 * HOUR);
    const [first, second, third] = bench.messages().map(([at]) => at);
    assert.deepEqual([first, second, third! >= FIRST + HOUR && third! < FIRST + HOUR + 100], [FIRST, SECOND, true]);
  });
});

test("Owner counts a digest that fails as one attempt of each, retries it as one, and for the circuit once", async () => {
  const answers: Outcome[] = [failed, failed];
  const retry = { scheduleMs: [5 * MINUTE, 20 * MINUTE], jitter: 0.2 };
  const circuit = { failures: 3, pauseMs: 10 * HOUR };
  const a = {
    answer: () => answers.shift() ?? { kind: "delivered" } as const,
    policy: policyOf({}, { retry, circuit }),
  };
  await withOwner({ a }, async (bench) => {
    await bench.accept(keys(4));
    await bench.clock.run(FIRST + 1_000);
    const told = await Promise.all(keys(4).map((key) => bench.told(key)));
    assert.deepEqual(told.map(({ state, attempts }) => [state, attempts]), Array(4).fill(["pending", 1]));
    assert.equal(new Set(told.map(({ dueMs }) => dueMs)).size, 1, "one jitter");
    await bench.accept(keys(2, 5));
    await bench.clock.run(HOUR);
    const messages = bench.messages();
    assert.deepEqual(messages.map(([, ...of]) => of), [keys(4), keys(4), keys(2, 5), keys(4)]);
    assert.equal(messages[2]![0], SECOND);
    const again = messages[1]![0] - FIRST;
    assert.ok(again >= 4 * MINUTE && again <= 6 * MINUTE && again % MINUTE !== 0, `${again}`);
    assert.equal((await bench.store.lanes.holds()).get("a")!.openUntil, undefined);
    assert.equal((await bench.told("1")).attempts, 3);
  });
});

test("Owner puts all of a message back that is deferred, and makes it again as one", async () => {
  const answers = [{ kind: "deferred", pauseMs: 5_000 } as const];
  await withOwner(
    { a: { answer: () => answers.shift() ?? { kind: "delivered" }, policy: policyOf() } },
    async (bench) => {
      await bench.accept(keys(3));
      await bench.clock.run(FIRST + 10_000);
      assert.deepEqual(bench.messages(), [[FIRST, ...keys(3)], [FIRST + 5_000, ...keys(3)]]);
      assert.equal((await bench.told("1")).attempts, 1);
    },
  );
});

test("Owner makes at once what relay itself tells, and each in a message of its own", async () => {
  await withOwner({ a: { policy: policyOf() } }, async (bench) => {
    await bench.accept(["1"]);
    for (const target of ["a", "b"]) {
      await accept(bench.store, systemEvent("relay.test", ["a"], { target }, bench.clock.now()));
    }
    bench.owner.wake();
    await bench.clock.run(1_000);
    assert.deepEqual(bench.messages().map(([at, ...of]) => [at, of.length]), [[0, 1], [0, 1]]);
  });
});

test("Owner makes at once what an operator retries, in one message", async () => {
  await withOwner({ a: { policy: policyOf() } }, async (bench) => {
    await bench.accept(keys(4));
    await bench.clock.run(1_000);
    await bench.store.retry([{ event: 1, number: 1 }, { event: 3, number: 1 }], bench.clock.now());
    bench.owner.refresh();
    await bench.clock.run(FIRST);
    assert.deepEqual(bench.messages(), [[1_000, "1", "3"], [FIRST, "2", "4"]]);
  });
});

test("Owner has a digest wait whose time is in quiet hours, but for what these except", async () => {
  const quiet = { from: 3 * 60 + 10, to: 5 * 60 + 5, zone: "UTC", except: ["note.completed"] };
  await withOwner({ a: { policy: policyOf({}, { quiet }) } }, async (bench) => {
    await bench.accept(["1", "2"]);
    await bench.accept(["3", "4"], ["a"], { type: "note.completed" });
    await bench.clock.run(HOUR);
    await bench.accept(["5"]);
    await bench.clock.run(2 * HOUR);
    const end = Date.parse("2026-01-02T05:05:00Z") - T0;
    assert.deepEqual(bench.messages(), [[FIRST, "3", "4"], [end, "1", "2", "5"]]);
  });
});

test("Owner keeps the digest's time over a restart, and makes it at once where it was away then", async () => {
  await withOwner({ a: { policy: policyOf() } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(MINUTE);
    await bench.restart();
    await bench.accept(["2"]);
    await bench.clock.run(FIRST);
    assert.deepEqual(bench.messages(), [[FIRST, "1", "2"]]);
    await bench.accept(["3"]);
    await bench.clock.run(MINUTE);
    await bench.stop();
    await bench.accept(["4"]); // by another relay
    await bench.restart(() => bench.clock.pass(20 * MINUTE));
    const at = bench.clock.monotonic();
    await bench.accept(["5"]);
    await bench.clock.run(1_000);
    assert.deepEqual(bench.messages().slice(1), [[at, "3", "4"]]);
    assert.equal(await bench.stateOf("5"), "pending");
  });
});

test("Owner goes by the clock that is set, whichever way", async () => {
  await withOwner({ a: { policy: policyOf() } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(MINUTE);
    bench.set(T0 + 5 * HOUR);
    await bench.accept(["2"]);
    await bench.clock.run(1_000);
    assert.deepEqual(bench.messages(), [[MINUTE, "1"]]);
    bench.set(T0 + bench.clock.monotonic());
    await bench.clock.run(1_000);
    assert.equal((await bench.told("2")).dueMs, FIRST - bench.clock.monotonic());
    bench.set(T0 - 3 * MINUTE);
    await bench.accept(["3"]);
    await bench.clock.run(1_000);
    const dueMs = FIRST + 3 * MINUTE - 1_000;
    assert.deepEqual([(await bench.told("2")).dueMs, (await bench.told("3")).dueMs], [dueMs, dueMs]);
  });
});

test("Owner takes over from another one what has gathered, and makes one message at the same time", async () => {
  const bench = new Bench({ a: { policy: policyOf() } });
  bench.shared = new Set(["a"]);
  await bench.start();
  const mine = new Set<string>();
  const other = new Owner(bench.store, new Writer(bench.store, bench.clock), bench.config, bench.clock);
  other.share({ mayBegin: (lane) => mine.has(lane), changed: () => {} });
  try {
    await bench.within(other.start(false));
    await bench.within(bench.owner.take([{ lane: "a", number: 0, token: "" }]));
    await bench.accept(["1", "2"]);
    await bench.clock.run(MINUTE);
    bench.shared.delete("a");
    await bench.within(bench.owner.giveUp("a"));
    mine.add("a");
    await bench.within(other.take([{ lane: "a", number: 1, token: "" }]));
    await bench.accept(["3"]);
    other.wake();
    await bench.clock.run(FIRST);
    assert.deepEqual(bench.messages(), [[FIRST, "1", "2", "3"]]);
  } finally {
    await bench.within(other.stop(0));
    await bench.close();
  }
});

test("Owner makes a digest for each recipient of a target", async () => {
  const [one, two] = ["w/+5531999990001", "w/+5531999990002"];
  await withOwner({ [one]: { policy: policyOf() }, [two]: { policy: policyOf() } }, async (bench) => {
    await bench.accept(["1", "2"], [one, two]);
    await bench.accept(["3"], [two]);
    await bench.clock.run(FIRST + 100);
    assert.deepEqual(bench.messages(one), [[FIRST, "1", "2"]]);
    assert.deepEqual(bench.messages(two), [[FIRST, "1", "2", "3"]]);
  });
});

const reloads: [what: string, policy: Partial<Policy>, messages: ReturnType<Bench["messages"]>][] = [
  ["makes none", {}, [[MINUTE, "1"], [MINUTE, "2"]]],
  ["makes one more often", policyOf({ everyMs: 5 * MINUTE }), [[FIRST - 5 * MINUTE, "1", "2"]]],
  ["makes one less often", policyOf({ everyMs: HOUR }), [[FIRST, "1", "2"]]],
  ["makes the same", policyOf(), [[FIRST, "1", "2"]]],
];

for (const [what, policy, messages] of reloads) {
  test(`Owner has what has gathered go by the rules of a config that ${what}`, async () => {
    await withOwner({ a: { policy: policyOf() } }, async (bench) => {
      await bench.accept(["1", "2"]);
      await bench.clock.run(MINUTE);
      bench.config = { ...bench.config, lanes: bench.lanesOf({ a: { policy } }) };
      await bench.within(bench.owner.use(bench.config));
      await bench.clock.run(2 * HOUR);
      assert.deepEqual(bench.messages(), messages);
    });
  });
}

test("Owner makes few messages of large events, of which it reads fewer at once", async () => {
  await withOwner({ a: { policy: policyOf() } }, async (bench) => {
    const body = new TextEncoder().encode(JSON.stringify({ key: "x", text: "x".repeat(300_000) }));
    await bench.accept(keys(6), ["a"], { body });
    await bench.clock.run(FIRST + 100);
    assert.equal(bench.made.length, 6);
    assert.ok(bench.messages().length <= 2, `${bench.messages().length} messages`);
  });
});

const LANE = "relay::notes";

for (const isOptional of [true, false]) {
  test(`Owner gathers what waited for a note that was hard to fetch, ${isOptional ? "or" : "and not"} without it`, async () => {
    const found: Outcome = { kind: "delivered", fetched: Buffer.from('{"name":"Rex"}') };
    const answers: Outcome[] = isOptional ? [refused, refused] : [failed, failed];
    const fetching = { answer: () => answers.shift() ?? found, policy: { retry: { scheduleMs: [], jitter: 0 } } };
    const routes = [{ on: ["**"], to: ["a"], message: {}, enrich: { lane: LANE, isOptional } }];
    await withOwner({ a: { policy: policyOf() }, [LANE]: fetching }, async (bench) => {
      await bench.accept(["1", "2"], [], { deliveries: [{ target: "a", awaits: { lane: LANE } }] });
      await bench.clock.run(HOUR);
      assert.deepEqual(bench.messages("a"), [[FIRST, "1", "2"]]);
      const notes = bench.made.flatMap(({ lane, delivery }) => lane === "a" ? [delivery.event.note?.name] : []);
      assert.deepEqual(notes, isOptional ? [undefined, undefined] : ["Rex", "Rex"]);
    }, { routes });
  });
}
