/** Lanes at random, in simulated time: whatever happens in which order, what the relay promises holds. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { newEvent } from "../store/samples.ts";
import { type Chances, NOTES, Simulation, well } from "./simulation.ts";

const SEEDS = 12;
const STEPS = 80;

/** Deliveries of one key that stand behind its head. */
const BLOCKED = 50_000;

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

/** Works with a world of this seed; then everything in it ends well, and no promise was broken. */
async function withWorld(
  [seed, ...parts]: ConstructorParameters<typeof Simulation>,
  work: (world: Simulation) => Promise<void>,
): Promise<void> {
  const world = new Simulation(seed, ...parts);
  try {
    await world.start();
    await work(world);
    await world.drain();
    assert.deepEqual(world.referee.problems, []);
  } finally {
    await world.close();
  }
}

const notes = { concurrency: 2, rates: [{ perMs: 5_000, limit: 10 }], circuit: { failures: 3, pauseMs: 4_000 } };

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`Owner keeps what the relay promises, whatever happens (seed ${seed})`, async () => {
    await withWorld([seed, setups, notes], async (world) => {
      world.chances = chances;
      world.longestMs = seed % 3 === 0 ? 4 : 800;
      for (let count = 0; count < STEPS; count++) await step(world);
      assert.ok(world.referee.made.length > 100);
    });
  });
}

test("Owner makes what has no key in the order of due times, however much waits", async () => {
  for (const seed of [1, 2, 3]) {
    await withWorld([seed, { plain: {} }], async (world) => {
      const acceptAll = async (count: number) => {
        for (let one = 0; one < count; one++) {
          world.acceptOne([{ target: "plain" }]);
          if (world.among(5) === 0) await world.clock.run(world.among(400));
        }
      };
      await acceptAll(100);
      await world.store.pause("plain", world.clock.now());
      await acceptAll(400);
      await world.restart();
      await world.store.resume("plain");
      await acceptAll(50);
      await world.clock.run(120_000);
      const events = world.referee.made.map(({ ref }) => ref.event);
      assert.deepEqual(events, Array.from({ length: 550 }, (_, index) => index + 1));
    });
  }
});

test("Owner spreads retries by chance over the whole jitter", async () => {
  const retry = { scheduleMs: [10_000], jitter: 0.2 };
  await withWorld([1, { plain: { policy: { concurrency: 50, retry } } }], async (world) => {
    world.chances = { ...well, retry: 1 };
    for (let count = 0; count < 50; count++) world.acceptOne([{ target: "plain" }]);
    await world.clock.run(20_000);
    const pauses = [...Map.groupBy(world.referee.made, ({ ref }) => ref.event).values()]
      .map(([first, second]) => second!.startedAt - first!.endedAt!);
    assert.equal(pauses.length, 50);
    assert.ok(Math.min(...pauses) >= 8_000 && Math.min(...pauses) < 8_800, `${Math.min(...pauses)} ms`);
    assert.ok(Math.max(...pauses) > 11_200 && Math.max(...pauses) < 12_100, `${Math.max(...pauses)} ms`);
  });
});

test("Owner lets what can go without a note wait for a minute, and another once it has failed, however its lane fares", async () => {
  for (let seed = 1; seed <= 8; seed++) {
    await withWorld([seed, { hopeful: { need: "optional", policy: { concurrency: 500 } } }, notes], async (world) => {
      world.chancesOfNotes = { retry: 0.3, paused: 0.1, dead: 0.1, deferred: 0.3, hangs: 0.2 };
      const acceptedAt: number[] = [];
      for (let count = 0; count < 60; count++) {
        acceptedAt.push(world.clock.monotonic());
        world.acceptOne([{ target: "hopeful", awaits: { lane: NOTES, patienceMs: 60_000 } }]);
        await world.clock.run(world.among(2_000));
      }
      await world.clock.run(130_000);
      const waits = acceptedAt.map((at, index) => {
        const first = world.referee.made.find(({ lane, ref }) => lane === "hopeful" && ref.event === index + 1);
        return (first?.startedAt ?? Infinity) - at;
      });
      assert.ok(Math.max(...waits) <= 2 * 60_000 + 3_000, `one waited for ${Math.max(...waits)} ms`);
    });
  }
});

test("Owner delivers the others while tens of thousands stand behind the head of a key, then these in their order", async () => {
  const world = new Simulation(1, { keyed: { policy: { timeoutMs: 1e9 } } });
  const { store, clock, referee } = world;
  const ofKey = (isOfKey: boolean) => referee.made.filter(({ key }) => (key === "blocked") === isOfKey);
  const head = Promise.withResolvers<void>();
  world.hold = ({ ref }) => ref.event === 1 ? head.promise : undefined;
  try {
    await world.start();
    const blocked = Array.from({ length: BLOCKED }, (_, index) => newEvent(`b${index}`, ["keyed:blocked"]));
    const others = Array.from({ length: 100 }, (_, one) => newEvent(`o${one}`, [one % 2 ? "keyed" : `keyed:${one}`]));
    await store.write({ accepts: [...blocked, ...others], lanes: [] });
    world.current.owner.wake();
    await clock.run(60_000);
    assert.equal(ofKey(false).filter(({ kind }) => kind === "delivered").length, 100);
    assert.equal(ofKey(true).length, 1, "only the head began");
    head.resolve();
    await clock.run(60_000);
    const events = ofKey(true).map(({ ref }) => ref.event);
    assert.ok(events.length > 50);
    assert.deepEqual(events, events.map((_, index) => index + 1));
    assert.deepEqual(referee.problems, []);
  } finally {
    await world.close();
  }
});
