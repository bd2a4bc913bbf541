/** Ownership among relays that share a store, in simulated time: one owner at a time, and soon another one. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Claims } from "../../lib/lanes/claims.ts";
import { ownerOf } from "../../lib/lanes/rendezvous.ts";
import type { HeldLane, Member } from "../../lib/store/members.ts";
import { HandClock } from "../helpers/clock.ts";
import { T0 } from "../store/samples.ts";
import { LockService, type Made, Relay } from "./lock_service.ts";

const LANES = ["a", "b", "c", "d", "e", "relay::duties"];

const memberOf = (number: number, lanes = LANES, isLeaving = false): Member => ({
  number,
  name: `relay-${number}`,
  token: `${number}`,
  version: "1",
  lanes,
  isLeaving,
});

test("ownerOf() spreads lanes over relays, and moves few as one comes", () => {
  const lanes = Array.from({ length: 300 }, (_, index) => `target ${index}`);
  const members = [1, 2, 3].map((number) => memberOf(number, lanes));
  const counts = members.map((one) => lanes.filter((lane) => ownerOf(lane, members) === one).length);
  assert.ok(counts.every((count) => count > 60), `${counts}`);
  const more = [...members, memberOf(4, lanes)];
  const moved = lanes.filter((lane) => ownerOf(lane, members) !== ownerOf(lane, more));
  assert.ok(moved.every((lane) => ownerOf(lane, more)!.number === 4));
  assert.ok(moved.length < 120, `${moved.length}`);
});

test("ownerOf() chooses who names the lane and stays, and for what nobody names any more, any", () => {
  const members = [memberOf(1, ["a"]), memberOf(2, ["b"]), memberOf(3, ["a", "b"], true)];
  assert.equal(ownerOf("a", members)?.number, 1);
  assert.equal(ownerOf("b", members)?.number, 2);
  assert.equal(ownerOf("c", members), undefined);
  assert.ok([1, 2].includes(ownerOf("relay::connectvets x", members)!.number));
  assert.equal(ownerOf("a", []), undefined);
});

test("Claims keeps a lane that was taken over twice, as after a machine slept meanwhile, and no other epoch of it", () => {
  const clock = new HandClock(T0);
  const claims = new Claims(clock, "own");
  const me = { number: 1, name: "one", token: "own", version: "1", lanes: ["a"], isLeaving: false };
  const row = { epoch: { lane: "a", number: 1, token: "before" }, isGivenUp: true };
  const meet = () => {
    const sent = { monotonic: clock.monotonic(), now: clock.now() };
    return claims.learn({ me: 1, members: [me], held: new Map([["a", row]]) }, claims.word(["a"], false), sent).take;
  };
  assert.deepEqual(meet(), [row.epoch]);
  clock.pass(20_000);
  assert.deepEqual([claims.expire(), meet()], [["a"], [row.epoch]]);
  const epoch = { lane: "a", number: 2, token: "own" };
  assert.deepEqual([claims.taken("a", epoch), claims.taken("a", { ...epoch })], [true, true]);
  assert.equal(claims.taken("a", { ...epoch, number: 3 }), false);
  assert.deepEqual([claims.owned, claims.mayBegin("a")], [["a"], true]);
});

test("Claims of a relay that is stopped take again, to give up, what they could not take over to the end", () => {
  const clock = new HandClock(T0);
  const claims = new Claims(clock, "own");
  const epoch = (number: number, token: string) => ({ lane: "a", number, token });
  const meet = (isLeaving: boolean, row: HeldLane) => {
    const members = [memberOf(1, ["a"], isLeaving), memberOf(2, ["a"], !isLeaving)];
    const sent = { monotonic: clock.monotonic(), now: clock.now() };
    return claims.learn({ me: 1, members, held: new Map([["a", row]]) }, claims.word(["a"], isLeaving), sent);
  };
  assert.deepEqual(meet(false, { epoch: epoch(1, "before"), isGivenUp: true }).take, [epoch(1, "before")]);
  claims.notTaken("a"); // the database took it down all the same
  const row = { epoch: epoch(2, "own"), isGivenUp: false };
  assert.deepEqual(meet(true, row).take, [row.epoch]);
  assert.equal(claims.taken("a", epoch(3, "own")), true);
  assert.deepEqual(meet(true, { epoch: epoch(3, "own"), isGivenUp: false }).giveUp, [epoch(3, "own")]);
  assert.equal(claims.left(epoch(3, "own")), true);
  assert.deepEqual(claims.word(["a"], true).release, ["a"]);
});

test("Claims let go of what they could not take over to the end, and no config names any more", () => {
  const clock = new HandClock(T0);
  const claims = new Claims(clock, "own");
  const meet = (lanes: string[], row: HeldLane) => {
    const sent = { monotonic: clock.monotonic(), now: clock.now() };
    const members = [memberOf(1, lanes), memberOf(2, [])];
    return claims.learn({ me: 1, members, held: new Map([["a", row]]) }, claims.word(lanes, false), sent).take;
  };
  meet(["a"], { epoch: { lane: "a", number: 1, token: "before" }, isGivenUp: true });
  claims.notTaken("a");
  assert.deepEqual(meet([], { epoch: { lane: "a", number: 2, token: "own" }, isGivenUp: false }), []);
  assert.deepEqual(claims.word([], false).release, ["a"]);
});

/** Relays that were started together, and have met. */
async function cluster(count: number, seed = 1): Promise<{ clock: HandClock; service: LockService; relays: Relay[] }> {
  const clock = new HandClock(T0, seed);
  const service = new LockService(clock);
  const relays = Array.from({ length: count }, (_, index) => new Relay(service, index + 1, LANES));
  for (const relay of relays) start(relay);
  await clock.run(5_000);
  return { clock, service, relays };
}

function start(relay: Relay): void {
  relay.start().catch(() => {}); // it is cut off, as is seen
}

/** When an attempt of these relays began next in a lane. */
function nextIn(lane: string, relays: readonly Relay[], time: number): number {
  const made = relays.flatMap((one) => one.made).filter((one) => one.lane === lane && one.from >= time);
  return Math.min(...made.map(({ from }) => from));
}

/** The longest that a lane waited for its next attempt. */
function longestFrom(relays: readonly Relay[], time: number): number {
  return Math.max(...LANES.map((lane) => nextIn(lane, relays, time) - time));
}

function assertOneOwner(relays: readonly Relay[]): void {
  const byLane = Map.groupBy(relays.flatMap((one) => one.made), ({ lane }) => lane);
  for (const made of byLane.values()) {
    made.sort((one, other) => one.from - other.from);
    made.reduce<Made | undefined>((before, one) => {
      const isClear = !before || one.from >= before.to;
      assert.ok(isClear, `${JSON.stringify(before)} overlaps ${JSON.stringify(one)}`);
      return one;
    }, undefined);
  }
}

test("relays share the lanes among them, each of which has one owner", async () => {
  const { clock, relays } = await cluster(3);
  await clock.run(60_000);
  const owned = relays.map(({ membership }) => membership.view.owned);
  assert.deepEqual(owned.flat().sort(), [...LANES].sort());
  assert.ok(owned.every((lanes) => lanes.length > 0), JSON.stringify(owned));
  assert.deepEqual(relays[0]!.membership.view.members.map(({ name }) => name), ["server-1", "server-2", "server-3"]);
  assertOneOwner(relays);
});

test("lanes of a relay that is stopped begin elsewhere as soon as nothing is under way", async () => {
  const { clock, service, relays } = await cluster(3);
  await clock.run(20_000);
  const [first, ...others] = relays;
  const lanes = first!.membership.view.owned;
  let stoppedAt = Infinity;
  first!.membership.stop(60_000).then(() => stoppedAt = clock.monotonic());
  await clock.run(30_000);
  for (const lane of lanes) {
    const lastEnd = Math.max(...first!.made.filter((one) => one.lane === lane).map(({ to }) => to));
    const next = Math.min(
      ...others.flatMap(({ made }) => made).filter((one) => one.lane === lane).map(({ from }) => from),
    );
    assert.ok(next >= lastEnd && next - lastEnd < 1_500, `${lane}: ${lastEnd}, ${next}`);
  }
  assert.ok(stoppedAt < Infinity);
  assert.deepEqual(service.locksOf(first!), [], "it holds no lock when it has stopped");
  assertOneOwner(relays);
});

test("a relay that is stopped lets go of its locks before it ends, whenever that is", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { clock, service, relays } = await cluster(1, seed);
    const [one] = relays;
    one!.mostMs = 30;
    one!.wayMs = 40;
    await clock.run(20_000);
    let held: string[] | undefined;
    one!.membership.stop(60_000).then(() => held = service.locksOf(one!));
    await clock.run(5_000);
    assert.deepEqual(held, [], `seed ${seed}`);
  }
});

test("a relay that is stopped does not wait for a database that does not answer", async () => {
  const { clock, relays } = await cluster(2);
  await clock.run(20_000);
  relays[0]!.isCut = true;
  await clock.run(10_000);
  const at = clock.monotonic();
  let stoppedAt = Infinity;
  relays[0]!.membership.stop(60_000).then(() => stoppedAt = clock.monotonic());
  await clock.run(5_000);
  assert.ok(stoppedAt - at <= 1_100, `${stoppedAt - at}`);
});

test("a relay that is cut off while it stops aborts what is under way before another one begins", async () => {
  const { clock, service, relays } = await cluster(2);
  await clock.run(20_000);
  const [one] = relays;
  one!.mostMs = 300_000;
  await clock.run(20_000);
  one!.membership.stop(120_000, new Promise(() => {}));
  await clock.run(1_000);
  one!.isCut = true;
  service.end(one!);
  await clock.run(60_000);
  assertOneOwner(relays);
});

test("lanes of a relay that was killed begin elsewhere within 17 s", async () => {
  const { clock, relays } = await cluster(3);
  await clock.run(20_000);
  const [first, ...others] = relays;
  const lanes = first!.membership.view.owned;
  first!.kill();
  const at = clock.monotonic();
  await clock.run(20_000);
  for (const lane of lanes) assert.ok(nextIn(lane, others, at) <= at + 16_500, lane);
  assertOneOwner(relays);
});

test("lanes of a relay that is killed again and again as soon as it is back go on elsewhere", async () => {
  const { clock, service, relays } = await cluster(2);
  await clock.run(20_000);
  const lanes = relays[0]!.membership.view.owned;
  assert.ok(lanes.length > 0);
  const at = clock.monotonic();
  const all = [...relays];
  for (let one = relays[0]!, round = 0; round < 6; round++) {
    one.kill();
    await clock.run(200);
    all.push(one = new Relay(service, 1, LANES, `start ${round}`));
    start(one);
    await clock.run(9_800);
  }
  for (const lane of lanes) {
    assert.ok(nextIn(lane, all, at) <= at + 17_000, `${lane} after ${nextIn(lane, all, at) - at} ms`);
    assert.ok(nextIn(lane, all, at + 20_000) < at + 60_000, `${lane} stands still`);
  }
  assertOneOwner(all);
});

test("a relay whose session the server ended without its knowing aborts before another one begins", async () => {
  const { clock, service, relays } = await cluster(3);
  await clock.run(20_000);
  const [first, ...others] = relays;
  const lanes = first!.membership.view.owned;
  for (const one of relays) one.mostMs = 60_000;
  await clock.run(20_000);
  first!.isCut = true;
  service.end(first!);
  const at = clock.monotonic();
  await clock.run(20_000);
  for (const lane of lanes) assert.ok(nextIn(lane, others, at) <= at + 16_500, lane);
  await clock.run(60_000);
  assertOneOwner(relays);
});

for (
  const [what, fault, mend] of [
    ["stopped", (one: Relay) => one.clock.stop(), (one: Relay) => one.clock.goOn()],
    ["cut off from the database", (one: Relay) => one.isCut = true, (one: Relay) => one.isCut = false],
    ["deaf to the database", (one: Relay) => one.isDeaf = true, (one: Relay) => one.isDeaf = false],
  ] as const
) {
  test(`lanes of a relay that is ${what} begin elsewhere within 37 s, and it begins nothing when it is back`, async () => {
    const { clock, relays } = await cluster(3);
    await clock.run(20_000);
    const [first] = relays;
    const lanes = first!.membership.view.owned;
    assert.ok(lanes.length > 0);
    first!.mostMs = 500;
    await clock.run(20_000);
    fault(first!);
    const at = clock.monotonic();
    await clock.run(60_000);
    if (what !== "deaf to the database") {
      for (const lane of lanes) {
        assert.ok(nextIn(lane, relays.slice(1), at) <= at + 37_000, lane);
      }
    }
    const late = first!.made.filter(({ from }) => from > at + 9_000);
    assert.deepEqual(late, [], "it began something though it had heard nothing for 9 s");
    mend(first!);
    await clock.run(60_000);
    const all = relays.flatMap(({ membership }) => membership.view.owned);
    assert.deepEqual(all.sort(), [...LANES].sort());
    assertOneOwner(relays);
  });
}

test("a relay whose session ends goes on at the same epoch if nobody took its lanes", async () => {
  const { clock, service, relays } = await cluster(1);
  await clock.run(20_000);
  const before = structuredClone([...service.rows.values()]);
  relays[0]!.loseSession();
  await clock.run(30_000);
  assert.deepEqual([...service.rows.values()], before);
  const gap = longestFrom(relays, 20_000 + 5_000);
  assert.ok(gap < 16_500, `${gap}`);
  assertOneOwner(relays);
});

test("a relay leaves a lane alone that another one has taken over, as its row says", async () => {
  const { clock, service, relays } = await cluster(1);
  await clock.run(20_000);
  service.own([service.rows.get("a")!.epoch], "another owner");
  const at = clock.monotonic();
  await clock.run(30_000);
  const next = nextIn("a", relays, at + 1_100);
  assert.ok(next - at >= 15_000 && next - at <= 17_000, `${next - at}`);
});

test("relays that all lost their sessions go on at once, whoever of them is back first", async () => {
  const { clock, service, relays } = await cluster(3);
  await clock.run(20_000);
  const [first, ...others] = relays;
  const lanes = first!.membership.view.owned;
  assert.ok(lanes.length > 0);
  for (const one of relays) {
    one.mostMs = 200;
    one.isCut = true;
    service.end(one);
  }
  await clock.run(6_000);
  for (const one of others) one.isCut = false;
  await clock.run(7_500);
  first!.isCut = false;
  const at = clock.monotonic();
  await clock.run(30_000);
  for (const lane of lanes) {
    assert.ok(nextIn(lane, relays, at) <= at + 9_000, `${lane}: ${nextIn(lane, relays, at) - at}`);
  }
  assertOneOwner(relays);
});

test("relays whose database is restarted keep their lanes, and what is under way, whoever of them is back first", async () => {
  const { clock, service, relays } = await cluster(3);
  await clock.run(20_000);
  const before = relays.map(({ membership }) => membership.view.owned);
  const epochs = new Map([...service.rows].map(([lane, { epoch }]) => [lane, epoch]));
  for (const one of relays) {
    one.isRefused = true;
    one.loseSession();
  }
  await clock.run(3_000);
  for (const one of relays) {
    one.isRefused = false;
    await clock.run(500);
  }
  await clock.run(20_000);
  assert.deepEqual(relays.map(({ membership }) => membership.view.owned), before);
  assert.deepEqual(new Map([...service.rows].map(([lane, { epoch }]) => [lane, epoch])), epochs);
});

test("a relay that is alone goes on at once when its database is back after a minute", async () => {
  const { clock, relays } = await cluster(1);
  await clock.run(20_000);
  relays[0]!.isCut = true;
  await clock.run(60_000);
  relays[0]!.isCut = false;
  const at = clock.monotonic();
  await clock.run(20_000);
  assert.ok(longestFrom(relays, at) < 8_000, `${longestFrom(relays, at)}`);
  assertOneOwner(relays);
});

test("a relay that cannot hold a session does not try without a pause", async () => {
  const { clock, relays } = await cluster(1);
  const [one] = relays;
  one!.isRefused = true;
  const before = one!.meetings;
  await clock.run(10_000);
  assert.ok(one!.meetings - before <= 12, `${one!.meetings - before} in 10 s`);
  one!.isRefused = false;
  await clock.run(2_000);
  assert.deepEqual([...one!.membership.view.owned].sort(), [...LANES].sort());
});

test("a relay that sees no other one looks for what others accepted, as one may have just before it was gone", async () => {
  const { clock, relays } = await cluster(2);
  relays[0]!.kill();
  await clock.run(1_500);
  assert.equal(relays[1]!.membership.view.members.length, 1);
  const before = relays[1]!.wakes;
  await clock.run(60_000);
  assert.ok(relays[1]!.wakes - before >= 55, `${relays[1]!.wakes - before} in a minute`);
});

test("lanes that could not be given up go on when they fall to their relay again", async () => {
  const { clock, service, relays } = await cluster(1);
  await clock.run(20_000);
  relays[0]!.cannotGiveUp = true;
  const second = new Relay(service, 2, LANES);
  start(second);
  await clock.run(20_000);
  assert.deepEqual(second.membership.view.owned, []);
  second.kill();
  await clock.run(2_000);
  relays[0]!.cannotGiveUp = false;
  const at = clock.monotonic();
  await clock.run(20_000);
  for (const lane of LANES) assert.ok(nextIn(lane, relays, at) < at + 16_500, lane);
  assertOneOwner([...relays, second]);
});

test("relays whose configs differ leave no lane without an owner, and none with two", async () => {
  const { clock, service, relays } = await cluster(2);
  relays[0]!.lanes = ["a", "b", "new", "relay::duties"];
  relays[0]!.membership.changed();
  const third = new Relay(service, 3, ["c", "newest"]);
  start(third);
  await clock.run(60_000);
  const all = [...relays, third].flatMap(({ membership }) => membership.view.owned);
  assert.deepEqual(all.sort(), [...LANES, "new", "newest"].sort());
  assertOneOwner([...relays, third]);
});

test("whatever happens to relays, no lane has two owners, and each has one again soon after", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const { clock, service, relays } = await cluster(3, seed);
    const all = [...relays];
    for (let step = 0; step < 25; step++) {
      const index = Math.floor(clock.random() * relays.length);
      const one = relays[index]!;
      const chance = clock.random();
      if (chance < 0.2) one.clock.stop();
      else if (chance < 0.4) one.clock.goOn();
      else if (chance < 0.5) one.isCut = true;
      else if (chance < 0.6) one.isDeaf = true;
      else if (chance < 0.65) service.end(one);
      else if (chance < 0.75) one.isCut = one.isDeaf = false;
      else if (chance < 0.85) one.loseSession();
      else {
        if (chance < 0.93) one.kill();
        else one.membership.stop(5_000).then(() => one.kill());
        relays[index] = new Relay(service, all.length + 1, LANES);
        all.push(relays[index]!);
        start(relays[index]!);
      }
      await clock.run(clock.random() * 20_000);
    }
    for (const one of relays) {
      one.isCut = one.isDeaf = false;
      one.clock.goOn();
    }
    await clock.run(75_000);
    assertOneOwner(all);
    const there = relays.filter((one) => service.isThere(one));
    const owned = there.flatMap(({ membership }) => membership.view.owned);
    if (there.length > 0) assert.deepEqual(owned.sort(), [...LANES].sort(), `seed ${seed}`);
  }
});
