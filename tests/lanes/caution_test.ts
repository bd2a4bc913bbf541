/** After unclean stops: who is tried alone, who is condemned, and who never is. In simulated time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Caution } from "../../lib/lanes/caution.ts";
import type { Epoch, LaneStore, Suspect } from "../../lib/store/mod.ts";
import { HandClock } from "../helpers/clock.ts";

const refOf = (event: number) => ({ event, number: 1 });

/** So many numbers in a row share a lane. */
const LANE = 4;
const laneOf = (event: number) => String(Math.floor(event / LANE));
const epochOf = (event: number): Epoch => ({ lane: laneOf(event), number: 1, token: "" });

const T0 = 1_800_000_000_000;

type Row = Suspect & { isAlone?: boolean };

/** What a store keeps of what begins, across lives of a relay. */
class Rows {
  readonly rows = new Map<number, Row>();
  readonly store = {
    begin: async (_epoch, refs, alone) => {
      for (const ref of refs) {
        const row = { ref, lane: laneOf(ref.event), crashes: 0, alone: 0, hasSurvived: false };
        this.rows.set(ref.event, { ...row, ...this.rows.get(ref.event), isAlone: ref === alone });
      }
    },
    survived: async (_epoch, { event }) => {
      this.rows.set(event, { ...this.rows.get(event)!, alone: 0, isAlone: false, hasSurvived: true });
    },
    countCrash: async () => {
      for (const [event, row] of this.rows) {
        const crashes = row.crashes + Number(row.isAlone !== undefined);
        this.rows.set(event, { ...row, crashes, alone: row.isAlone ? row.alone + 1 : 0, isAlone: undefined });
      }
      return [...this.rows.values()];
    },
    forgetUnderway: async () => this.rows.clear(),
  } as Partial<LaneStore> as LaneStore;
}

interface Relay {
  rows: Rows;
  clock: HandClock;
  /** Deliveries that wait, by number, with how long an attempt takes in milliseconds. */
  waiting: Map<number, number>;
  /** Those that kill the process when their attempts end. */
  poisons: number[];
  condemned: number[];
  delivered: number[];
}

const relayOf = (waiting: [number, number][], parts: Partial<Relay> = {}): Relay => ({
  rows: new Rows(),
  clock: new HandClock(T0),
  waiting: new Map(waiting),
  poisons: [],
  condemned: [],
  delivered: [],
  ...parts,
});

/** One life of a relay, of so many milliseconds unless a poison ends it sooner; says which. */
async function live(relay: Relay, lifeMs: number, wasUnclean = true): Promise<"killed" | "poisoned"> {
  const { rows, clock, waiting } = relay;
  let isAlive = true;
  const store = new Proxy(rows.store, { // the end of a process is the end of its writes
    get: (store, name: "begin") => isAlive ? store[name] : () => new Promise(() => {}),
  });
  const caution = new Caution(store, clock, () => void look());
  let isPoisoned = false;
  const underway = new Set<number>();
  const end = (event: number) => {
    if (!isAlive) return;
    if (relay.poisons.includes(event)) {
      isPoisoned = true;
      isAlive = false;
      return;
    }
    waiting.delete(event);
    rows.rows.delete(event);
    relay.delivered.push(event);
    caution.end(refOf(event));
  };
  const look = async () => {
    for (const [event, ms] of isAlive ? [...waiting] : []) {
      const ref = refOf(event);
      if (!waiting.has(event) || underway.has(event) || !caution.mayBegin({ ref, lane: laneOf(event) })) continue;
      if (caution.verdictOf({ ref })) {
        waiting.delete(event);
        rows.rows.delete(event);
        relay.condemned.push(event);
        caution.end(ref);
        continue;
      }
      underway.add(event);
      caution.choose(ref);
      if (caution.isOn(laneOf(event))) await caution.begin(epochOf(event), [ref]);
      clock.after(ms, () => end(event));
    }
  };
  await caution.open(wasUnclean, []);
  void look();
  for (let passed = 0; passed < lifeMs && isAlive; passed += 100) await clock.run(Math.min(100, lifeMs - passed));
  isAlive = false;
  caution.stop();
  return isPoisoned ? "poisoned" : "killed";
}

/** Starts a relay again and again until its poison ends it no more; gives how many starts it has ended. */
async function startUntilWell(relay: Relay, lifeMs = 40_000): Promise<number> {
  for (let starts = 0; starts < 40; starts++) {
    if (await live(relay, lifeMs, starts > 0) === "killed") return starts;
  }
  return Infinity;
}

const healthy = (count: number, ms: number): [number, number][] =>
  Array.from({ length: count }, (_, index) => [index + 1, ms]);

for (
  const [what, others, ms] of [
    ["nothing", 0, 0],
    ["what is quick", 8, 1],
    ["what is slow", 3, 5_000],
    ["much that is slow", 60, 5_000],
  ] as const
) {
  test(`Caution condemns what ends the relay beside ${what} after four times, and nothing else`, async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const poisons = [99];
      const relay = relayOf([...healthy(others, ms), [99, 5]], { poisons, clock: new HandClock(T0, seed) });
      const starts = await startUntilWell(relay);
      assert.ok(starts <= 4, `${starts} starts (seed ${seed})`);
      assert.deepEqual([relay.condemned, relay.delivered.length], [[99], others]);
    }
  });
}

test("Caution condemns all that end the relay, of one target and of others, one after another", async () => {
  const poisons = [96, 97, 98, 100];
  const waiting = [...healthy(8, 5_000), ...poisons.map((event): [number, number] => [event, 5])];
  for (let seed = 1; seed <= 20; seed++) {
    const relay = relayOf(waiting, { poisons, clock: new HandClock(T0, seed) });
    const starts = await startUntilWell(relay);
    assert.ok(starts <= 2 + 2 * poisons.length, `${starts} starts (seed ${seed})`);
    assert.deepEqual([relay.condemned.toSorted(), relay.delivered.length], [poisons.toSorted(), 8]);
  }
});

for (const [others, ms] of [[3, 1_000], [3, 45_000], [20, 3_000]] as const) {
  test(`Caution condemns what ends the relay after ${ms} ms, in the end, and none of ${others} beside it`, async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const parts = { poisons: [99], clock: new HandClock(T0, seed) };
      const relay = relayOf([...healthy(others, 10_000), [99, ms]], parts);
      const starts = await startUntilWell(relay, 300_000);
      assert.ok(starts <= 18, `${starts} starts (seed ${seed})`);
      assert.deepEqual([relay.condemned, relay.delivered.length], [[99], others]);
    }
  });
}

const kills: [when: string, ms: (random: () => number) => number, most: number][] = [
  ["the same moment", () => 100, 0],
  ["any moment within two seconds", (random) => 50 + 1_950 * random(), 0],
  ["any moment within ten seconds", (random) => 50 + 9_950 * random(), 0.04],
];

for (const [when, ms, most] of kills) {
  for (const [count, tookMs] of [[3, 5_000], [3, 700], [60, 5_000]] as const) {
    test(`Caution condemns none of ${count} that take ${tookMs} ms where a relay is killed at ${when}`, async () => {
      const RUNS = 25;
      let condemned = 0;
      for (let seed = 1; seed <= RUNS; seed++) {
        const relay = relayOf(healthy(count, tookMs), { clock: new HandClock(T0, seed) });
        const { random } = new HandClock(0, seed + 10_000);
        await live(relay, 300, false);
        for (let count = 0; count < 10; count++) await live(relay, ms(random));
        await live(relay, 120_000);
        if (relay.condemned.length > 0) condemned++;
        assert.equal(relay.waiting.size, 0, "all that is not condemned is delivered");
      }
      assert.ok(condemned <= most * RUNS, `${condemned} of ${RUNS}`);
    });
  }
}

test("Caution suspects what it could not write down as before", async () => {
  const { store } = new Rows();
  const [one, other] = [refOf(1), refOf(2)];
  await store.begin(epochOf(1), [one, other]);
  let isFull = true;
  const begin: LaneStore["begin"] = async (...args) =>
    isFull ? await Promise.reject(new Error("full")) : store.begin(...args);
  const caution = new Caution({ ...store, begin }, new HandClock(0), () => {});
  await caution.open(true, []);
  const mayBegin = () => [one, other].map((ref) => caution.mayBegin({ ref, lane: laneOf(1) }));
  caution.choose(one);
  assert.deepEqual(mayBegin(), [false, false]);
  await assert.rejects(caution.begin(epochOf(1), [one]), /full/);
  assert.deepEqual(mayBegin(), [true, true]);
  isFull = false;
  caution.choose(one);
  await caution.begin(epochOf(1), [one]);
  assert.deepEqual((await store.countCrash([])).map(({ ref, alone }) => [ref.event, alone]), [[1, 1], [2, 0]]);
  caution.stop();
});

test("Caution gives its verdict once: what is retried after it is tried again", async () => {
  const { store } = new Rows();
  const ref = refOf(1);
  for (let crash = 0; crash < 2; crash++) {
    await store.begin(epochOf(1), [ref], ref);
    if (crash === 0) await store.countCrash([]);
  }
  const caution = new Caution(store, new HandClock(0), () => {});
  await caution.open(true, []);
  const { kind, reason } = caution.verdictOf({ ref })!;
  assert.deepEqual([kind, reason], ["dead", "crashed"]);
  caution.end(ref);
  assert.equal(caution.verdictOf({ ref }), undefined);
});
