/** Counting: how often, what is counted meanwhile, and that all that came in is taken in. In simulated time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Counting } from "../../lib/duties/counting.ts";
import { StoreError } from "../../lib/errors.ts";
import type { UpkeepStore } from "../../lib/store/upkeep.ts";
import { HandClock, settle } from "../helpers/clock.ts";

interface Bench {
  clock: HandClock;
  counting: Counting;
  /** What is counted; it may be changed. */
  counted: { targets?: string[] };
  /** What the store answers to a count, which takes so long; both may be changed. */
  answer: { backlog: number | Error; tookMs: number };
  /** The targets of each count so far. */
  counts: string[][];
  /** How often the store was told to take in what came in, and how often there is more. */
  observed: { calls: number; more: number };
}

function benchOf(): Bench {
  const clock = new HandClock(1_800_000_000_000);
  const bench = {
    clock,
    counted: { targets: ["a", "b"] } as Bench["counted"],
    answer: { backlog: 7, tookMs: 0 } as Bench["answer"],
    counts: [] as string[][],
    observed: { calls: 0, more: 0 },
  };
  const store = {
    async observe() {
      bench.observed.calls++;
      return bench.observed.more-- > 0;
    },
    async backlog(targets) {
      bench.counts.push([...targets]);
      const { backlog, tookMs } = bench.answer;
      await clock.sleep(tookMs);
      if (backlog instanceof Error) throw backlog;
      return backlog;
    },
  } as Partial<UpkeepStore> as UpkeepStore;
  return { ...bench, counting: new Counting(store, () => bench.counted.targets, clock) };
}

test("Counting counts what waits once a second", async () => {
  const { clock, counting, counts, answer } = benchOf();
  const stop = counting.start();
  await clock.run(500);
  assert.deepEqual([counts, counting.count()], [[["a", "b"]], 7]);
  answer.backlog = 3;
  await clock.run(400);
  assert.deepEqual([counts.length, counting.count()], [1, 7]);
  await clock.run(200);
  assert.deepEqual([counts.length, counting.count()], [2, 3]);
  await clock.run(60_000);
  assert.equal(counts.length, 62);
  await stop();
});

test("Counting waits ten times as long as a count took", async () => {
  const { clock, counting, counts, answer } = benchOf();
  answer.tookMs = 2_000;
  const stop = counting.start();
  await clock.run(21_900);
  assert.equal(counts.length, 1);
  answer.tookMs = 0;
  await clock.run(200);
  assert.equal(counts.length, 2);
  await clock.run(1_000);
  assert.equal(counts.length, 3, "a short one is followed soon again");
  await stop();
});

test("Counting counts anew at once where there seems to be no room, but no more than a tenth of the time", async () => {
  const { clock, counting, counts, answer } = benchOf();
  answer.tookMs = 20;
  const stop = counting.start();
  await clock.run(100);
  answer.backlog = 0;
  counting.recount();
  await clock.run(110);
  assert.equal(counts.length, 1, "not at once after a count");
  await clock.run(40);
  assert.deepEqual([counts.length, counting.count()], [2, 0]);
  await clock.run(900);
  assert.equal(counts.length, 2, "it was asked for once");
  counting.recount();
  await clock.run(1);
  assert.equal(counts.length, 3, "at once where the last count is long past");
  counting.recount();
  await clock.run(300);
  assert.equal(counts.length, 4, "and again where that one had begun before it was asked for");
  for (let asked = 0; asked < 2_200; asked += 10) {
    counting.recount();
    await clock.run(10);
  }
  assert.ok(counts.length <= 14, `${counts.length}`);
  await stop();
});

test("Counting counts what is accepted while a count is under way", async () => {
  const { clock, counting, answer } = benchOf();
  answer.tookMs = 100;
  const stop = counting.start();
  await clock.run(50);
  counting.add(2);
  assert.equal(counting.count(), 2, "at once");
  await clock.run(60);
  assert.equal(counting.count(), 9, "and beside what the store had when the count began");
  counting.add(1);
  assert.equal(counting.count(), 10);
  answer.backlog = 4;
  await clock.run(1_200);
  assert.equal(counting.count(), 4, "until the next count, which knows of it");
  await stop();
});

test("Counting takes in all that came in, also while nobody asks what waits", async () => {
  const { clock, counting, counted, counts, observed } = benchOf();
  counted.targets = undefined;
  observed.more = 5;
  const stop = counting.start();
  await settle();
  assert.equal(observed.calls, 6, "it goes on until there is no more");
  observed.more = 2;
  await clock.run(1_500);
  assert.deepEqual([observed.calls, counts, counting.count()], [9, [], 0]);
  counted.targets = ["c"];
  await clock.run(1_000);
  assert.deepEqual([counts, counting.count()], [[["c"]], 7], "a reload asked for it");
  await stop();
});

test("Counting goes on, with what it knew, after a count that failed", async () => {
  const { clock, counting, answer } = benchOf();
  const stop = counting.start();
  await clock.run(500);
  answer.backlog = new StoreError("Cannot count what waits: the disk is away");
  await clock.run(1_000);
  assert.equal(counting.count(), 7);
  answer.backlog = 1;
  await clock.run(1_000);
  assert.equal(counting.count(), 1);
  await stop();
});

test("Counting ends at once, though the next count is far off", async () => {
  const { clock, counting, counts, answer } = benchOf();
  answer.tookMs = 2_000;
  const stop = counting.start();
  await clock.run(2_500);
  await stop();
  await clock.run(60_000);
  assert.equal(counts.length, 1);
});
