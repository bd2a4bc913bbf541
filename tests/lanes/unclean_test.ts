/** Unclean stops in simulated time: a delivery that ends the relay over and over, and an operator's `kill -9`. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "./simulation.ts";

type Program = Parameters<Simulation["configFor"]>[0];

/** How often an operator ends the relay in a row. */
const KILLS = 10;

const setups = {
  plain: { policy: { concurrency: 4 } },
  keyed: { policy: { concurrency: 4 }, keys: 2 },
  hopeful: { need: "optional" },
} as const;

type Setup = ConstructorParameters<typeof Simulation>[1][string];

/** A world in which one delivery of the lane `bad`, the first that begins there, may end the program that makes it. */
class Deadly extends Simulation {
  /** How often the program ended over it. */
  ends = 0;
  #poison?: string;

  /** @param answersMs How long the answer takes that ends the program, in milliseconds; absent: none does. */
  constructor(seed: number, readonly answersMs?: number, bad: Setup = {}) {
    super(seed, { ...setups, bad });
  }

  override configFor(program: Program) {
    const config = super.configFor(program);
    const bad = config.lanes.get("bad")!;
    const deliver: typeof bad.deliver = async (delivery, signal) => {
      this.#poison ??= delivery.id;
      const isPoison = this.answersMs !== undefined && delivery.id === this.#poison;
      if (!isPoison) return await bad.deliver(delivery, signal);
      await this.clock.sleep(this.answersMs!);
      if (!program.isKilled) {
        program.kill();
        this.ends++;
      }
      return await new Promise<never>(() => {});
    };
    return { ...config, lanes: new Map(config.lanes).set("bad", { ...bad, deliver }) };
  }

  /** Lets time pass, and starts a program after each that has ended, as a supervisor does. */
  async supervise(ms: number): Promise<void> {
    const end = this.clock.monotonic() + ms;
    while (this.clock.monotonic() < end) {
      await this.clock.run(20);
      if (!this.current.isKilled) continue;
      await this.clock.run(this.among(1_000));
      await this.start(true);
    }
  }
}

function paced(perMs: number, limit: number, concurrency: number): Setup {
  return { policy: { concurrency, rates: [{ perMs, limit }] } };
}

/** What was given up, as target, reason and number. */
const deadIn = async ({ store }: Simulation) =>
  (await store.deadGroups({})).map(({ target, reason, count }) => [target, reason, count]);

/**
 * Accepts events and supervises until something is dead.
 * @param longestMs Longest attempt of what is healthy.
 */
async function liveWith(world: Deadly, longestMs: number): Promise<unknown[]> {
  await world.start();
  world.longestMs = longestMs;
  for (let count = 0; count < 10; count++) world.accept();
  let dead: unknown[] = [];
  for (let span = 0; span < 300 && dead.length === 0; span++) {
    if (span < 20) world.accept();
    await world.supervise(2_000);
    dead = await deadIn(world);
  }
  return dead;
}

const poisons: [what: string, answersMs: number, longestMs: number, ends: number, bad?: Setup][] = [
  ["at once", 0, 100, 4],
  ["a little later", 100, 100, 4],
  ["at once, beside slow targets", 0, 2_000, 4],
  ["in a lane that takes one at a time a second", 0, 100, 4, paced(1_000, 1, 1)],
  ["in a lane that takes no more a minute than at a time", 0, 100, 4, paced(60_000, 20, 20)],
  ["only after the others have gone on", 400, 100, 14],
];

for (const [what, answersMs, longestMs, ends, bad] of poisons) {
  test(`Owner gives up what ends the relay ${what}, and delivers all else`, async () => {
    for (const seed of [1, 2, 3]) {
      const world = new Deadly(seed, answersMs, bad);
      try {
        assert.deepEqual(await liveWith(world, longestMs), [["bad", "crashed", 1]]);
        assert.ok(world.ends >= 3 && world.ends <= ends, `it ended the relay ${world.ends} times (seed ${seed})`);
        await world.drain();
        assert.deepEqual(await deadIn(world), [["bad", "crashed", 1]]);
        assert.deepEqual(world.referee.problems, []);
      } finally {
        await world.close();
      }
    }
  });
}

test("Owner gives up nothing that an operator's `kill -9` cut off, ten times in a row under load", async () => {
  for (const longestMs of [20, 200, 2_000]) {
    for (const seed of [1, 2]) {
      const world = new Deadly(seed);
      try {
        await world.start();
        world.longestMs = longestMs;
        for (let kill = 0; kill < KILLS; kill++) {
          for (let step = world.among(15); step >= 0; step--) {
            world.accept(2);
            await world.clock.run(world.among(400));
          }
          world.current.kill();
          await world.clock.run(world.among(500));
          await world.start(true);
        }
        await world.drain();
        assert.deepEqual(await deadIn(world), [], `seed ${seed}, ${longestMs} ms`);
        assert.deepEqual(world.referee.problems, []);
      } finally {
        await world.close();
      }
    }
  }
});
