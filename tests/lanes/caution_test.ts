/** After unclean stops: what is written down, what is tried alone, and what is not tried any more. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Caution } from "../../lib/lanes/caution.ts";
import { keyOf } from "../../lib/lanes/lane.ts";
import type { DeliveryRef } from "../../lib/store/delivery.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { makeFolder } from "../helpers/folder.ts";
import { accept, dueIn, newEvent, record, recordOf, T0 } from "../store/samples.ts";
import { failed, withOwner } from "./bench.ts";

const refOf = (event: number): DeliveryRef => ({ event, number: 1 });

interface Bench {
  clock: HandClock;
  store: Store;
  /** Opens another one, as the next process does. */
  open(wasUnclean?: boolean): Promise<Caution>;
  /** Has these begin, which are ended over: all at once, or one of them alone. */
  crash(alone: number | undefined, ...events: number[]): Promise<void>;
}

/** Works on a store with three deliveries. */
async function withCaution(work: (bench: Bench) => Promise<void>): Promise<void> {
  const folder = makeFolder();
  const clock = new HandClock(T0);
  const store = openSqlite(join(folder.path, "relay.db"), clock);
  const open = async (wasUnclean = true) => {
    const caution = new Caution(store.lanes, clock);
    await caution.open(wasUnclean);
    return caution;
  };
  try {
    await accept(store, newEvent("1"), newEvent("2"), newEvent("3"));
    await work({
      clock,
      store,
      open,
      async crash(alone, ...events) {
        const others = events.filter((event) => event !== alone).map(refOf);
        if (others.length > 0) await store.lanes.begin(others, false);
        if (alone !== undefined) await store.lanes.begin([refOf(alone)], true);
      },
    });
  } finally {
    await store.close();
    folder.remove();
  }
}

/** Which of the three may begin. */
const mayBegin = (caution: Caution) => [1, 2, 3].filter((event) => caution.mayBegin({ ref: refOf(event) }));

/** Which of the three are not tried any more. */
const condemned = (caution: Caution) => [1, 2, 3].filter((event) => caution.verdictOf({ ref: refOf(event) }));

const never = new AbortController().signal;

test("Caution.open() forgets what was under way after a clean stop, and lets all begin unwritten", async () => {
  await withCaution(async ({ open, crash, store }) => {
    await crash(1, 1, 2);
    await crash(1, 1, 2);
    const caution = await open(false);
    assert.deepEqual([caution.isOn, mayBegin(caution), condemned(caution)], [false, [1, 2, 3], []]);
    assert.deepEqual(await store.lanes.countCrash(), []);
  });
});

test("Caution is on for a minute after an unclean stop", async () => {
  await withCaution(async ({ open, clock }) => {
    const caution = await open();
    assert.deepEqual([caution.isOn, mayBegin(caution)], [true, [1, 2, 3]]);
    await clock.run(59_999);
    assert.equal(caution.isOn, true);
    await clock.run(1);
    assert.equal(caution.isOn, false);
  });
});

test("Caution.begin() writes down what begins, which the next process finds unless it was recorded", async () => {
  await withCaution(async ({ open, store }) => {
    const caution = await open();
    const { due } = await dueIn(store);
    await caution.begin(due.map(({ ref }) => ref));
    await record(store, [recordOf(due[0]!, "pending", { wasBegun: true }), recordOf(due[1]!, "dead")]);
    assert.deepEqual(await store.lanes.countCrash(), [{ ref: refOf(3), lane: "a", crashes: 1, alone: 0 }]);
  });
});

test("Caution.tryAlone() has each suspect begin alone, for a quarter of a second or until it has ended, then all", async () => {
  await withCaution(async ({ open, crash, clock }) => {
    await crash(undefined, 1, 2);
    const caution = await open();
    assert.deepEqual(mayBegin(caution), [], "nothing before it is their turn");
    const turns: [number, number[]][] = [];
    const done = caution.tryAlone(() => turns.push([clock.monotonic(), mayBegin(caution)]), never);
    await clock.run(0);
    const [first] = turns[0]![1] as [number];
    const other = 3 - first;
    await caution.begin([refOf(first)]);
    await clock.run(100);
    caution.end(refOf(first));
    await clock.run(10_000);
    await done;
    assert.deepEqual(turns, [[0, [first]], [100, [other]], [350, [1, 2, 3]]]);
  });
});

test("Caution.tryAlone() counts a crash as a delivery's own only while it is alone", async () => {
  await withCaution(async ({ open, crash, clock, store }) => {
    await crash(undefined, 1, 2);
    const caution = await open();
    const begun: number[] = [];
    caution.tryAlone(() => begun.push(...mayBegin(caution)), never);
    await clock.run(0);
    const [first] = begun as [number];
    await caution.begin([refOf(first)]);
    const alone = async () => (await store.lanes.countCrash()).map(({ ref, alone }) => [ref.event, alone]);
    const counts = (of: number, other: number) => [[1, first === 1 ? of : other], [2, first === 2 ? of : other]];
    assert.deepEqual(await alone(), counts(1, 0));
    await caution.begin([refOf(first)]);
    await clock.run(250); // the next one's turn, while this one is still under way
    await caution.begin([refOf(3 - first)]);
    assert.deepEqual(await alone(), counts(1, 0));
  });
});

test("Caution.tryAlone() lets all begin after a second, and at once when the relay stops", async () => {
  await withCaution(async ({ open, crash, clock, store }) => {
    const events = Array.from({ length: 9 }, (_, index) => newEvent(`more ${index}`));
    await accept(store, ...events);
    await crash(undefined, ...Array.from({ length: 12 }, (_, index) => index + 1));
    const wakes: number[] = [];
    const caution = await open();
    caution.tryAlone(() => wakes.push(clock.monotonic()), never);
    await clock.run(5_000);
    assert.deepEqual([wakes, mayBegin(caution)], [[0, 250, 500, 750, 1_000], [1, 2, 3]]);

    const stop = new AbortController();
    const next = await open();
    const done = next.tryAlone(() => {}, stop.signal);
    stop.abort();
    await done;
    assert.deepEqual(mayBegin(next), [1, 2, 3]);
  });
});

test("Caution.tryAlone() gives a suspect of ten crashes longer while it is under way", async () => {
  await withCaution(async ({ open, crash, clock }) => {
    await crash(undefined, 1);
    for (let crash = 0; crash < 9; crash++) await open();
    const caution = await open();
    const wakes: number[] = [];
    caution.tryAlone(() => wakes.push(clock.monotonic()), never);
    await clock.run(0);
    await caution.begin([refOf(1)]);
    await clock.run(30_000);
    assert.deepEqual([wakes, mayBegin(caution)], [[0], [1]]);
    await clock.run(250);
    assert.deepEqual([wakes, mayBegin(caution)], [[0, 30_250], [1, 2, 3]]);
  });
});

test("Caution.verdictOf() gives up what the process ended over twice while it was alone, and nothing else", async () => {
  await withCaution(async ({ open, crash, store }) => {
    await crash(undefined, 1, 2, 3);
    await open();
    await crash(1, 1, 2);
    assert.deepEqual(condemned(await open()), [], "once may be somebody's `kill -9`");
    await crash(1, 1, 2);
    const caution = await open();
    assert.deepEqual(condemned(caution), [1]);
    const verdict = caution.verdictOf({ ref: refOf(1) });
    assert.deepEqual([verdict?.kind, verdict?.reason], ["dead", "crashed"]);
    assert.match(verdict!.detail, /3 times/);
    const due = (await dueIn(store)).due.find(({ ref }) => keyOf(ref) === keyOf(refOf(1)))!;
    await record(store, [recordOf(due, "dead", { outcome: verdict })]);
    assert.deepEqual(condemned(await open()), [], "it is done");
  });
});

test("Caution tries those first that were alone in the fewest crashes", async () => {
  await withCaution(async ({ open, crash, clock }) => {
    await crash(1, 1, 2, 3);
    const caution = await open();
    const turns: number[][] = [];
    caution.tryAlone(() => turns.push(mayBegin(caution)), never);
    await clock.run(10_000);
    assert.deepEqual([turns.slice(0, 2).flat().sort(), turns[2]], [[2, 3], [1]]);
  });
});

test("Owner gives up, without an attempt, what the process ended over twice while it was alone", async () => {
  await withOwner({ a: {} }, async (bench) => {
    await bench.store.pause("a", bench.clock.now());
    bench.owner.refresh();
    await bench.clock.run(100);
    await bench.accept(["1", "2"]);
    for (let crash = 0; crash < 2; crash++) {
      await bench.store.lanes.begin([refOf(1)], true);
      await bench.restart(() => {}, true);
    }
    await bench.store.resume("a");
    bench.owner.refresh();
    await bench.clock.run(1_000);
    assert.deepEqual(bench.keys(), ["2"]);
    const { deliveries: [one] } = (await bench.store.story(newEvent("1").id))!;
    assert.deepEqual([one!.state, one!.reason], ["dead", "crashed"]);
  });
});

test("Owner writes down what begins within a minute of an unclean stop, and takes it out by its record", async () => {
  await withOwner({ a: { takesMs: 100, answer: () => failed } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.restart(() => {}, true);
    const rows = async (ms: number) => {
      await bench.clock.run(ms);
      return [bench.made.length, bench.rows("underway").length];
    };
    assert.deepEqual(await rows(50), [1, 1]);
    assert.deepEqual(await rows(200), [1, 0]);
    assert.deepEqual(await rows(1_000), [2, 0]);
    await bench.clock.run(60_000);
    await bench.accept(["2"]);
    assert.deepEqual(await rows(50), [3, 0], "the minute is over");
  }, { retry: { scheduleMs: [1_000], jitter: 0 } });
});

test("Owner leaves nothing written down of what it stopped in time", async () => {
  await withOwner({ a: { takesMs: 1_000 } }, async (bench) => {
    await bench.restart(() => {}, true);
    await bench.accept(["1"]);
    await bench.clock.run(50);
    assert.equal(bench.rows("underway").length, 1);
    await bench.restart();
    assert.deepEqual(bench.rows("underway"), []);
  });
});

test("Owner gives up nothing that was deferred before the process ended, however often", async () => {
  const answer = () => ({ kind: "deferred", pauseMs: 10_000 }) as const;
  await withOwner({ a: { answer } }, async (bench) => {
    await bench.accept(["1"]);
    await bench.store.lanes.begin([refOf(1)], false);
    for (let crash = 0; crash < 4; crash++) {
      await bench.restart(() => bench.clock.pass(10_000), true);
      await bench.clock.run(9_000);
    }
    assert.equal(bench.made.length, 4);
    assert.equal(await bench.stateOf("1"), "pending");
  });
});
