/** Counting: how often, and what is counted meanwhile. In simulated time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Counting } from "../../lib/duties/counting.ts";
import { StoreError } from "../../lib/errors.ts";
import type { UpkeepStore } from "../../lib/store/upkeep.ts";
import { HandClock } from "../helpers/clock.ts";

interface Bench {
  clock: HandClock;
  counting: Counting;
  /** What is counted; it may be changed. */
  counted: { targets?: string[] };
  /** What the store answers to a count, which takes so long; both may be changed. */
  answer: { backlog: number | Error; tookMs: number };
  /** The targets of each count so far. */
  counts: string[][];
}

function benchOf(): Bench {
  const clock = new HandClock(1_800_000_000_000);
  const bench = {
    clock,
    counted: { targets: ["a", "b"] } as Bench["counted"],
    answer: { backlog: 7, tookMs: 0 } as Bench["answer"],
    counts: [] as string[][],
  };
  const store = {
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

test("Counting takes what is done out of the count at once", async () => {
  const { clock, counting, answer } = benchOf();
  answer.backlog = 5;
  const stop = counting.start();
  await clock.run(100);
  counting.add(3);
  counting.add(-1);
  assert.equal(counting.count(), 7);
  for (let done = 0; done < 20; done++) counting.add(-1);
  assert.equal(counting.count(), 0, "never less than none");
  await clock.run(1_000);
  assert.equal(counting.count(), 5, "and what is counted is right again");
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

test("Counting counts nothing while nobody asks what waits", async () => {
  const { clock, counting, counted, counts } = benchOf();
  counted.targets = undefined;
  const stop = counting.start();
  await clock.run(1_500);
  assert.deepEqual([counts, counting.count()], [[], 0]);
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
