/** Lanes at random, in simulated time: whatever happens in which order, what the relay promises holds. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Chances, Simulation } from "./simulation.ts";

const SEEDS = 12;
const STEPS = 80;

const chances: Chances = { retry: 0.15, paused: 0.03, dead: 0.05, deferred: 0.04, hangs: 0.02 };

const setups = {
  plain: { policy: { concurrency: 4 } },
  keyed: { policy: { concurrency: 3 }, keys: 4 },
  rated: { policy: { concurrency: 8, rates: [{ perMs: 10_000, limit: 6 }, { perMs: 60_000, limit: 30 }] }, keys: 2 },
  shaky: { policy: { concurrency: 2, circuit: { failures: 3, pauseMs: 5_000 } }, keys: 3 },
  hopeful: { need: "optional", keys: 1 },
  strict: { need: "required", policy: { circuit: { failures: 4, pauseMs: 2_000 } } },
} as const;

/** Does one thing by chance, and lets some time pass. */
async function step(world: Simulation): Promise<void> {
  const chance = world.among(100);
  if (chance < 60) world.accept();
  else if (chance < 66) await world.retry();
  else if (chance < 74) await world.replay();
  else if (chance < 82) await world.pauseOrResume();
  else if (chance < 86) await world.restart();
  else if (chance < 92) await world.crash();
  else if (chance < 96) await world.overtake();
  else world.setClock();
  await world.clock.run(world.among(1_500));
}

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`Owner keeps what the relay promises, whatever happens (seed ${seed})`, async () => {
    const world = new Simulation(seed, setups, {
      concurrency: 2,
      rates: [{ perMs: 5_000, limit: 10 }],
      circuit: { failures: 3, pauseMs: 4_000 },
    });
    try {
      await world.start();
      world.chances = chances;
      for (let count = 0; count < STEPS; count++) await step(world);
      await world.drain();
      assert.deepEqual(world.referee.problems, []);
      assert.ok(world.referee.made.length > 100);
    } finally {
      await world.close();
    }
  });
}
