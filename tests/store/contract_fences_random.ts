/** What every store does, at random: two owners with stale reads and repeated records, and an operator, beside a model. */

import { test } from "node:test";
import fc from "fast-check";
import { HandClock } from "../helpers/clock.ts";
import type { MakeBench } from "./contract.ts";
import { T0 } from "./samples.ts";
import { actions, World } from "./world.ts";

/** Runs at random, and most steps of each. */
const RUNS = 30;
const STEPS = 120;

/** No further run begins after this long, in milliseconds. */
const BUDGET_MS = 15_000;

export function testFencesAtRandom(name: string, make: MakeBench): void {
  test(`${name} keeps fences, counts and order, whatever owners and operators do in which order`, async () => {
    const step = fc.tuple(fc.constantFrom(...actions), fc.nat(999), fc.nat(999));
    const steps = fc.array(step, { minLength: STEPS / 2, maxLength: STEPS, size: "max" });
    const property = fc.asyncProperty(steps, async (steps) => {
      const clock = new HandClock(T0);
      const bench = await make(clock);
      try {
        const world = new World(bench.store, clock);
        for (const [action, one, other] of steps) {
          await world[action](one, other);
          await world.check(action);
        }
      } finally {
        await bench.store.close();
        await bench.remove();
      }
    });
    const endsAt = performance.now() + BUDGET_MS;
    for (let run = 0; run < RUNS && (run === 0 || performance.now() < endsAt); run++) {
      await fc.assert(property, { numRuns: 1 }); // a limit of its own would fail where the first run takes as long
    }
  });
}
