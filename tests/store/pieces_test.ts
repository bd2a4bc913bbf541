/** Long reads in pieces, and whose turn it is. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { Pieces } from "../../lib/store/sqlite/pieces.ts";

/** A read of so many pieces, however long they take; `done` is told of each. */
function* readOf(count: number, done: () => void) {
  for (let piece = 0; piece < count; piece++) {
    done();
    if (piece < count - 1) yield;
  }
}

test("Pieces gives the event loop its turn after each piece", async () => {
  const pieces = new Pieces(systemClock);
  const order: string[] = [];
  const isDone = await pieces.read(() =>
    readOf(3, () => {
      order.push("piece");
      setImmediate(() => order.push("other work"));
    })
  );
  assert.equal(isDone, true);
  assert.deepEqual(order, ["piece", "other work", "piece", "other work", "piece"]);
});

test("Pieces lets a short read be done before long ones that began earlier", async () => {
  const pieces = new Pieces(systemClock);
  const order: string[] = [];
  const long = ["a", "b"].map((name) =>
    pieces.read(() => readOf(20, () => order.push(name))).then(() => order.push(`${name} done`))
  );
  while (order.length < 6) await new Promise((resolve) => setImmediate(resolve));
  await pieces.read(() => readOf(1, () => order.push("short")));
  assert.ok(!order.some((one) => one.endsWith("done")), order.join());
  await Promise.all(long);
  const pieceOf = (name: string) => order.filter((one) => one === name).length;
  assert.deepEqual([pieceOf("a"), pieceOf("b"), pieceOf("short")], [20, 20, 1]);
});

test("Pieces ends a read at its limit, after one piece at least, and one that nobody waits for", async () => {
  const pieces = new Pieces(systemClock);
  let done = 0;
  const work = () => readOf(9, () => done++);
  assert.equal(await pieces.read(work, { limitMs: 0 }), false);
  assert.equal(done, 1);
  const gone = new AbortController();
  const leaving = () => readOf(9, () => ++done === 3 && gone.abort());
  assert.equal(await pieces.read(leaving, { signal: gone.signal }), false);
  assert.equal(done, 3);
  assert.equal(await pieces.read(work, { signal: gone.signal }), false);
  assert.equal(done, 3);
  assert.equal(await pieces.read(work), true);
});

test("Pieces goes on with other reads after one that fails", async () => {
  const pieces = new Pieces(systemClock);
  let done = 0;
  const failing = pieces.read(function* () {
    yield;
    throw new Error("no");
  });
  const other = pieces.read(() => readOf(3, () => done++));
  await assert.rejects(failing, /^Error: no$/);
  assert.equal(await other, true);
  assert.equal(done, 3);
});
