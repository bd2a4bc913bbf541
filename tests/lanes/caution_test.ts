/** After unclean stops: who is tried alone, who is condemned, and who never is. In simulated time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Caution } from "../../lib/lanes/caution.ts";
import type { LaneStore, Suspect } from "../../lib/store/mod.ts";
import { HandClock } from "../helpers/clock.ts";

const refOf = (event: number) => ({ event, number: 1 });

type Row = Suspect & { isAlone?: boolean };

/** What a store keeps of what begins, across lives of a relay. */
class Rows {
  readonly rows = new Map<number, Row>();
  readonly store = {
    begin: async (refs, isAlone) => {
      for (const ref of refs) {
        const row = { ref, lane: "a", crashes: 0, alone: 0, hasSurvived: false };
        this.rows.set(ref.event, { ...row, ...this.rows.get(ref.event), isAlone });
      }
    },
    survived: async ({ event }) => {
      this.rows.set(event, { ...this.rows.get(event)!, alone: 0, isAlone: false, hasSurvived: true });
    },
    countCrash: async () => {
      const isFault = [...this.rows.values()].some(({ isAlone }) => isAlone !== undefined);
      for (const [event, row] of this.rows) {
        const counted = { crashes: row.crashes + 1, alone: row.alone + Number(row.isAlone), isAlone: undefined };
        const changed = !isFault ? { alone: 0, hasSurvived: true } : row.isAlone === undefined ? {} : counted;
        this.rows.set(event, { ...row, ...changed });
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
  /** The one that kills the process when its attempt ends. */
  poison?: number;
  condemned: number[];
  delivered: number[];
}

const relayOf = (waiting: [number, number][], parts: Partial<Relay> = {}): Relay => ({
  rows: new Rows(),
  clock: new HandClock(1_800_000_000_000),
  waiting: new Map(waiting),
  condemned: [],
  delivered: [],
  ...parts,
});

/** One life of a relay, of so many milliseconds unless its poison ends it sooner; says which. */
async function live(relay: Relay, lifeMs: number, wasUnclean = true): Promise<"killed" | "poisoned"> {
  const { rows, clock, waiting } = relay;
  let isAlive = true;
  const store = new Proxy(rows.store, { // the end of a process is the end of its writes
    get: (store, name: "begin") => isAlive ? store[name] : () => new Promise(() => {}),
  });
  const caution = new Caution(store, clock);
  let isPoisoned = false;
  const underway = new Set<number>();
  const end = (event: number) => {
    if (!isAlive) return;
    if (event === relay.poison) {
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
      if (!waiting.has(event) || underway.has(event) || !caution.mayBegin({ ref })) continue;
      if (caution.verdictOf({ ref })) {
        waiting.delete(event);
        rows.rows.delete(event);
        relay.condemned.push(event);
        caution.end(ref);
        continue;
      }
      underway.add(event);
      if (caution.isOn) await caution.begin([ref]);
      clock.after(ms, () => end(event));
    }
  };
  await caution.open(wasUnclean);
  const dead = new AbortController();
  caution.tryAlone(() => void look(), dead.signal);
  void look();
  await clock.run(lifeMs);
  isAlive = false;
  dead.abort();
  return isPoisoned ? "poisoned" : "killed";
}

/** Starts a relay again and again until its poison ends it no more; gives how many starts it has ended. */
async function startUntilWell(relay: Relay, limit = 40): Promise<number> {
  for (let starts = 0; starts < limit; starts++) {
    if (await live(relay, 20_000, starts > 0) === "killed") return starts;
  }
  return Infinity;
}

const healthy = (count: number, ms: number): [number, number][] =>
  Array.from({ length: count }, (_, index) => [index + 1, ms]);

for (
  const [what, others, most] of [["nothing", 0, 4], ["what is quick", 8, 4], ["what is slow", 3, 4], [
    "much that is slow",
    8,
    6,
  ]] as const
) {
  test(`Caution condemns what ends the relay beside ${what}, and nothing else`, async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const waiting = healthy(others, what === "what is quick" ? 1 : 5_000);
      const relay = relayOf([...waiting, [99, 5]], { poison: 99, clock: new HandClock(1_800_000_000_000, seed) });
      const starts = await startUntilWell(relay);
      assert.ok(starts <= most, `${starts} starts (seed ${seed})`);
      assert.deepEqual([relay.condemned, relay.delivered.length], [[99], others]);
    }
  });
}

test("Caution condemns what ends the relay later than it is tried alone at first, in the end", async () => {
  const relay = relayOf([...healthy(3, 5_000), [99, 1_000]], { poison: 99 });
  assert.ok(await startUntilWell(relay) <= 18);
  assert.deepEqual([relay.condemned, relay.delivered.length], [[99], 3]);
});

const kills: [when: string, ms: (random: () => number) => number, most: number][] = [
  ["any moment within two seconds", (random) => 50 + 1_950 * random(), 0.03],
  ["the same moment", () => 100, 0.05],
  ["any moment within half a second", (random) => 50 + 450 * random(), 0.25],
];

for (const [when, ms, most] of kills) {
  test(`Caution hardly ever condemns what is slow where a relay is killed ten times at ${when}`, async () => {
    const RUNS = 200;
    let condemned = 0;
    for (let seed = 1; seed <= RUNS; seed++) {
      const relay = relayOf(healthy(seed % 3 + 1, 5_000), { clock: new HandClock(1_800_000_000_000, seed) });
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

test("Caution gives its verdict once: what is retried after it is tried again", async () => {
  const { store } = new Rows();
  const ref = refOf(1);
  for (let crash = 0; crash < 2; crash++) {
    await store.begin([ref], true);
    if (crash === 0) await store.countCrash();
  }
  const caution = new Caution(store, new HandClock(0));
  await caution.open(true);
  const { kind, reason } = caution.verdictOf({ ref })!;
  assert.deepEqual([kind, reason], ["dead", "crashed"]);
  caution.end(ref);
  assert.equal(caution.verdictOf({ ref }), undefined);
});
