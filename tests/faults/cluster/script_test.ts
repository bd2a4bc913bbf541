/** The script of a run. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { randomOf } from "../random.ts";
import { faults } from "./faults/mod.ts";
import { scriptOf, someFaults } from "./script.ts";
import { steady } from "./targets.ts";

test("scriptOf() has each fault once, in an order and by chances that its seed repeats", () => {
  const script = scriptOf(7);
  assert.deepEqual(script.map(({ fault }) => fault).sort(), Object.keys(faults).sort());
  assert.deepEqual(scriptOf(7), script);
  assert.notDeepEqual(scriptOf(8).map(({ fault }) => fault), script.map(({ fault }) => fault));
  assert.deepEqual(new Set(script.map(({ lane }) => lane)), new Set(steady));
});

test("scriptOf() does the same with a fault, whichever others there are", () => {
  const script = scriptOf(7);
  const some = scriptOf(7, ["kill", "cut"]);
  assert.deepEqual(some, script.filter(({ fault }) => ["kill", "cut"].includes(fault)));
});

test("someFaults() names faults that there are, each once", () => {
  for (let seed = 1; seed < 20; seed++) {
    const names = someFaults(randomOf(seed), 3);
    assert.equal(new Set(names).size, 5);
    assert.deepEqual(scriptOf(seed, names).map(({ fault }) => fault).sort(), names.toSorted());
  }
});
