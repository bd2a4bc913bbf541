/** Writes that come in together share one transaction. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Batches, type WriteKind } from "../../lib/store/batch.ts";

interface Item {
  number: number;
  kind: WriteKind;
}

/** A write that notes its batches, and goes on when it is let. */
function start(work: (items: number[]) => Promise<string[]> = async (items) => items.map((item) => `r${item}`)) {
  const batches: number[][] = [];
  const all = new Batches<Item, string>((items) => {
    const own = items.map(({ number }) => number);
    batches.push(own);
    return work(own);
  });
  const write = (number: number, kind: WriteKind | number = "durable") =>
    all.add({ number, kind: typeof kind === "string" ? kind : "durable" });
  return { batches, write };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

test("Batches.add() writes what comes in one turn of the event loop at once, and gives each its own result", async () => {
  const { batches, write } = start();
  const results = await Promise.all(numbers(64).map(write));
  assert.deepEqual(batches, [numbers(64)]);
  assert.deepEqual(results, numbers(64).map((item) => `r${item}`));
});

test("Batches.add() writes nothing before the turn has ended", async () => {
  const { batches, write } = start();
  const first = write(1);
  assert.deepEqual(batches, []);
  await Promise.resolve();
  const second = write(2);
  await Promise.all([first, second]);
  assert.deepEqual(batches, [[1, 2]]);
});

test("Batches gathers what comes in while it writes", async () => {
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

test("Batches splits a great many, in their order", async () => {
  const { batches, write } = start();
  const results = await Promise.all(numbers(1_200).map(write));
  assert.deepEqual(batches.flat(), numbers(1_200));
  assert.deepEqual(batches.map((batch) => batch.length), [512, 512, 176]);
  assert.equal(results[1_199], "r1199");
});

test("Batches fails every item of a batch that fails, and goes on with the next", async () => {
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

test("Batches takes a write that throws at once for one that fails", async () => {
  const { write } = start(() => {
    throw new Error("boom");
  });
  await assert.rejects(write(1), /boom/);
  await assert.rejects(write(2), /boom/);
});

test("Batches.add() leaves what is lazy to go along with what is durable, and volatile writes alone", async () => {
  const { batches, write } = start();
  const lazy = write(1, "lazy");
  await write(2, "volatile");
  assert.deepEqual(batches, [[2]], "the disk is not flushed for it");
  await Promise.all([write(3, "durable"), lazy]);
  assert.deepEqual(batches, [[2], [1, 3]]);
});

test("Batches.add() lets what is volatile go along with a durable write that waits for its turn", async () => {
  const { batches, write } = start();
  await write(1);
  await Promise.all([write(2), write(3, "volatile")]);
  assert.deepEqual(batches, [[1], [2, 3]]);
});

test("Batches.add() writes what is lazy after a moment where nothing else comes", async () => {
  const { batches, write } = start();
  assert.deepEqual(await Promise.all([write(1, "lazy"), write(2, "lazy")]), ["r1", "r2"]);
  assert.deepEqual(batches, [[1, 2]]);
});

test("Batches.add() lets what comes right after a flush of the disk share the next one", async () => {
  const { batches, write } = start();
  await write(1);
  const second = write(2);
  await new Promise((resolve) => setImmediate(resolve));
  const third = write(3);
  await Promise.all([second, third]);
  assert.deepEqual(batches, [[1], [2, 3]]);
});

test("Batches.add() forgets nothing, whatever comes in which order", async () => {
  const { batches, write } = start(async (items) => {
    await new Promise((resolve) => setTimeout(resolve, items.length % 3));
    return items.map((item) => `r${item}`);
  });
  const kinds = ["durable", "lazy", "volatile"] as const;
  const results: Promise<string>[] = [];
  for (let number = 0; number < 300; number++) {
    results.push(write(number, kinds[(number * 7 + (number >> 3)) % 3]));
    if (number % 4 === 0) await new Promise((resolve) => setTimeout(resolve, number % 7));
  }
  assert.deepEqual(await Promise.all(results), numbers(300).map((number) => `r${number}`));
  assert.deepEqual(batches.flat().sort((one, other) => one - other), numbers(300));
});
