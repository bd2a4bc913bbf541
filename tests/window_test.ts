/** Counting in a sliding window of time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Window, Windows } from "../lib/window.ts";

test("Window lets so many in, then says how long to wait", () => {
  const window = new Window(1_000, 2);
  assert.deepEqual([window.room(0), window.waitMs(0)], [2, 0]);
  window.enter(0);
  window.enter(400);
  assert.deepEqual([window.room(400), window.waitMs(400)], [0, 600]);
  assert.deepEqual([window.room(999), window.waitMs(999)], [0, 1]);
  assert.deepEqual([window.room(1_000), window.waitMs(1_000)], [1, 0]);
  window.enter(1_000);
  assert.equal(window.waitMs(1_000), 400);
  assert.equal(window.room(5_000), 2);
});

test("Window never lets more than its limit into any span of its length", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 200 });
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 5 }), (steps, limit) => {
    const perMs = 100;
    const window = new Window(perMs, limit);
    const entered: number[] = [];
    let now = 0;
    for (const step of steps) {
      now += step;
      const waitMs = window.waitMs(now);
      assert.equal(waitMs === 0, window.room(now) > 0);
      if (waitMs > 0) now += waitMs;
      window.enter(now);
      entered.push(now);
    }
    for (const start of entered) {
      assert.ok(entered.filter((time) => time >= start && time < start + perMs).length <= limit);
    }
  }));
});

const rate = { perMs: 1_000, limit: 1 };

test("Windows counts each key by itself", () => {
  const windows = new Windows();
  assert.equal(windows.enter("a", rate, 0), 0);
  assert.equal(windows.enter("b", rate, 0), 0);
  assert.equal(windows.enter("a", rate, 250), 750);
  assert.equal(windows.enter("a", rate, 1_000), 0);
});

test("Windows does not count who may not enter", () => {
  const windows = new Windows();
  windows.enter("a", rate, 0);
  for (let now = 100; now < 1_000; now += 100) assert.equal(windows.enter("a", rate, now), 1_000 - now);
  assert.equal(windows.enter("a", rate, 1_000), 0);
});

test("Windows begins anew for a key only if its rate is another", () => {
  const windows = new Windows();
  assert.equal(windows.enter("a", rate, 0), 0);
  assert.equal(windows.enter("a", { ...rate }, 1), 999);
  assert.equal(windows.enter("a", { perMs: 1_000, limit: 2 }, 2), 0);
});

test("Windows goes on counting a busy key while a great many others come and go", () => {
  const windows = new Windows();
  for (let index = 0; index < 10_500; index++) windows.enter(`idle ${index}`, rate, index);
  assert.equal(windows.enter("busy", rate, 20_000), 0);
  for (let index = 0; index < 9_000; index++) windows.enter(`other ${index}`, rate, 20_500);
  assert.equal(windows.enter("busy", rate, 20_600), 400);
});
