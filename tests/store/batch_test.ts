/** Writes that come in together share one transaction. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { batched } from "../../lib/store/batch.ts";

/** A write that notes its batches, and goes on when it is let. */
function start(work: (items: number[]) => Promise<string[]> = async (items) => items.map((item) => `r${item}`)) {
  const batches: number[][] = [];
  const write = batched((items: number[]) => {
    batches.push([...items]);
    return work(items);
  });
  return { batches, write };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

test("batched() writes what comes in one turn of the event loop at once, and gives each its own result", async () => {
  const { batches, write } = start();
  const results = await Promise.all(numbers(64).map(write));
  assert.deepEqual(batches, [numbers(64)]);
  assert.deepEqual(results, numbers(64).map((item) => `r${item}`));
});

test("batched() writes nothing before the turn has ended", async () => {
  const { batches, write } = start();
  const first = write(1);
  assert.deepEqual(batches, []);
  await Promise.resolve();
  const second = write(2);
  await Promise.all([first, second]);
  assert.deepEqual(batches, [[1, 2]]);
});

test("batched() gathers what comes in while it writes", async () => {
  const gates: (() => void)[] = [];
  const { batches, write } = start(async (items) => {
    await new Promise<void>((resolve) => gates.push(resolve));
    return items.map(String);
  });
  const open = async (count: number) => {
    while (gates.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
    gates[count - 1]!();
  };
  const first = write(1);
  while (batches.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const more = [write(2), write(3)];
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(batches, [[1]], "one write at a time");
  await open(1);
  assert.equal(await first, "1");
  await open(2);
  assert.deepEqual(await Promise.all(more), ["2", "3"]);
  assert.deepEqual(batches, [[1], [2, 3]]);
});

test("batched() splits a great many, in their order", async () => {
  const { batches, write } = start();
  const results = await Promise.all(numbers(1_200).map(write));
  assert.deepEqual(batches.flat(), numbers(1_200));
  assert.deepEqual(batches.map((batch) => batch.length), [512, 512, 176]);
  assert.equal(results[1_199], "r1199");
});

test("batched() fails every item of a batch that fails, and goes on with the next", async () => {
  let isBroken = true;
  const { write } = start(async (items) => {
    if (isBroken) throw new Error("disk full");
    return items.map(String);
  });
  const results = await Promise.allSettled([write(1), write(2)]);
  assert.deepEqual(results.map(({ status }) => status), ["rejected", "rejected"]);
  isBroken = false;
  assert.equal(await write(3), "3");
});

test("batched() takes a write that throws at once for one that fails", async () => {
  const { write } = start(() => {
    throw new Error("boom");
  });
  await assert.rejects(write(1), /boom/);
  await assert.rejects(write(2), /boom/);
});
