/** Alarms: when they begin and end, that each is told once, and that looking for them is cheap. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { alarmData, alarmSince, type Alert, alertOf, keyOf } from "../../lib/alert.ts";
import { KnownTimes, lookForAlarms, startAlarms } from "../../lib/duties/alarms.ts";
import type { Refusal } from "../../lib/refusal.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { makeFolder } from "../helpers/folder.ts";
import { accept, newEvent, settleAll, T0, turnsIn } from "../store/samples.ts";

const dead = (limit: number, to = "plantao"): Alert => ({ dead: limit, to });
const silent = (pattern = "note.*", forMs = 60_000, to = "plantao"): Alert => ({ silent: pattern, forMs, to });

const refused = (limit: number, withinMs = 600_000, to = "plantao"): Alert => ({ refused: limit, withinMs, to });

const nothing = { dead: 0, lastReceived: new Map(), refused: new Map(), knownForMs: () => 0 };
const state = { watchedSince: T0 };

test("alarmSince() tells of dead letters from the number on that the alert says", () => {
  const at = (count: number, since?: number) =>
    alarmSince(dead(3), { ...state, since }, { ...nothing, dead: count }, T0 + 9);
  assert.deepEqual([at(0), at(2), at(3), at(4)], [undefined, undefined, T0 + 9, T0 + 9]);
  assert.deepEqual([at(3, T0), at(2, T0)], [T0, undefined], "it goes on since it began");
});

test("alarmSince() counts silence from the last event of the pattern, or from when watching began", () => {
  const at = (ms: number, received: [string, number][], since?: number) =>
    alarmSince(silent(), { ...state, since }, { ...nothing, lastReceived: new Map(received) }, T0 + ms);
  assert.deepEqual([at(59_999, []), at(60_000, [])], [undefined, T0]);
  assert.equal(at(60_000, [["note.failed", T0 - 5]]), T0, "one from before does not shorten it");
  const received: [string, number][] = [["note.failed", T0 + 10], ["note.completed", T0 + 5], ["other.x", T0 + 50_000]];
  assert.deepEqual([at(60_009, received), at(60_010, received)], [undefined, T0 + 10]);
  assert.deepEqual([at(90_000, received, T0 + 3), at(60_009, received, T0 + 3)], [T0 + 3, undefined]);
});

test("alarmSince() tells of refused requests from the number on that the alert says, until there are none", () => {
  const at = (count: number, since?: number) =>
    alarmSince(refused(3), { ...state, since }, { ...nothing, refused: new Map([[600_000, count], [1, 99]]) }, T0 + 9);
  assert.deepEqual([at(0), at(2), at(3)], [undefined, undefined, T0 + 9]);
  assert.deepEqual([at(3, T0), at(1, T0), at(0, T0)], [T0, T0, undefined], "fewer are not none");
});

test("alarmSince() counts silence by the time that has passed, where the clock was set back since", () => {
  const ahead = T0 + 36_000_000;
  const seen = (knownMs: number) => ({
    ...nothing,
    lastReceived: new Map([["note.x", ahead]]),
    knownForMs: () => knownMs,
  });
  const at = (knownMs: number) => alarmSince(silent(), { watchedSince: ahead }, seen(knownMs), T0);
  assert.deepEqual([at(0), at(59_999), at(60_000.4)], [undefined, undefined, T0 - 60_000]);
});

test("keyOf() tells alerts apart by all that they say, and alertOf() reads it", () => {
  const alerts = [
    dead(1),
    dead(2),
    dead(1, "b"),
    silent(),
    silent("note.**"),
    silent("note.*", 1),
    silent("note.*", 1, "b"),
    refused(1),
    refused(2),
    refused(1, 60_000),
    refused(1, 60_000, "b"),
  ];
  assert.equal(new Set(alerts.map(keyOf)).size, alerts.length);
  assert.deepEqual(alerts.map((alert) => alertOf(keyOf(alert))), alerts);
  assert.equal(alertOf('["newer",1,"b"]'), undefined);
});

test("alarmData() gives what a message says", () => {
  const since = "2026-01-02T03:04:05.678Z";
  assert.deepEqual(alarmData(dead(2), T0), { alarm: "dead", limit: 2, since });
  assert.deepEqual(alarmData(refused(5), T0), { alarm: "refused", limit: 5, withinMs: 600_000, since });
  assert.deepEqual(alarmData(silent(), T0), { alarm: "silent", pattern: "note.*", forMs: 60_000, since });
});

interface Bench {
  path: string;
  store: Store;
  /** Looks for alarms of these alerts so many milliseconds after `T0`. */
  look(alerts: readonly Alert[], ms: number): Promise<boolean>;
  /** What was told so far: type, target, and since when it is so. */
  told(): Promise<string[]>;
  /** Goes on as a program that is started anew. */
  reopen(): Promise<void>;
}

/** A test with a store of its own. */
function testWithStore(name: string, work: (bench: Bench) => Promise<void>): void {
  test(name, async () => {
    const folder = makeFolder();
    const path = join(folder.path, "relay.db");
    const clock = new HandClock(T0 + 86_400_000); // later than all that a test does
    const bench: Bench = {
      path,
      store: openSqlite(path, clock),
      look: (alerts, ms) => isTold(lookForAlarms(bench.store, alerts, T0 + ms, new KnownTimes(clock))),
      async told() {
        const { events } = await bench.store.stored({ type: "relay.**" }, { limit: 100 });
        const stories = await Promise.all(events.map(async ({ seq, event }) => ({
          seq,
          payload: JSON.parse(new TextDecoder().decode(event.body)),
          targets: (await bench.store.events({ type: event.type }, { limit: 100 })).events
            .find(({ id }) => id === event.id)!.deliveries.map(({ target }) => target),
        })));
        return stories.map(({ payload, targets }) =>
          `${payload.event.split(".").at(-1)} ${targets} ${Date.parse(payload.data.since) - T0}`
        );
      },
      async reopen() {
        await bench.store.close();
        bench.store = openSqlite(path, clock);
      },
    };
    try {
      await work(bench);
    } finally {
      await bench.store.close();
      folder.remove();
    }
  });
}

/** Whether somebody is told. */
const isTold = async (told: Promise<string[]>) => (await told).length > 0;

/** Stores events for `crm` and makes them dead. */
async function bury(store: Store, ...keys: string[]): Promise<void> {
  await accept(store, ...keys.map((key) => newEvent(key, ["crm"])));
  await settleAll(store, "dead", "crm");
}

async function retryAll(store: Store): Promise<void> {
  await store.retry(await store.dead({ target: "crm", reason: "server_failed" }, { limit: 99 }), T0);
}

testWithStore("lookForAlarms() names the targets and reasons of dead letters as the alarm begins", async (bench) => {
  await bury(bench.store, "1", "2");
  await bench.look([dead(1)], 5);
  const { events } = await bench.store.stored({ type: "relay.**" }, { limit: 9 });
  const { data } = JSON.parse(new TextDecoder().decode(events[0]!.event.body));
  assert.deepEqual(data.dead, [{
    target: "crm",
    reason: "server_failed",
    count: 2,
    since: new Date(T0).toISOString(),
  }]);
});

testWithStore("lookForAlarms() tells of dead letters once when they begin and once when they end", async (bench) => {
  const alerts = [dead(2)];
  assert.equal(await bench.look(alerts, 0), false);
  await bury(bench.store, "1");
  assert.equal(await bench.look(alerts, 1), false);
  await bury(bench.store, "2");
  assert.equal(await bench.look(alerts, 2), true);
  await bury(bench.store, "3", "4", "5");
  assert.equal(await bench.look(alerts, 3), false);
  await bench.reopen();
  assert.equal(await bench.look(alerts, 4), false);
  await retryAll(bench.store);
  assert.equal(await bench.look(alerts, 5), true);
  assert.equal(await bench.look(alerts, 6), false);
  assert.equal((await turnsIn(bench.store, "plantao")).length, 1, "the end waits for the beginning");
  assert.deepEqual(await bench.told(), ["begin plantao 2", "end plantao 2"]);
  await settleAll(bench.store, "dead", "crm");
  await bench.look(alerts, 7);
  assert.deepEqual((await bench.told()).at(-1), "begin plantao 7");
});

testWithStore("lookForAlarms() needs only to read while nothing changes", async (bench) => {
  await bury(bench.store, "1");
  const alerts = [dead(1), dead(2), silent()];
  for (const ms of [0, 0]) await bench.look(alerts, ms); // the second one observes what the first one told
  const other = new DatabaseSync(bench.path);
  try {
    other.exec("BEGIN IMMEDIATE");
    assert.equal(await bench.look(alerts, 1), false);
  } finally {
    other.close();
  }
});

testWithStore("lookForAlarms() raises no alarm for a message of its own that is dead", async (bench) => {
  const alerts = [dead(1), dead(2)];
  await bury(bench.store, "1");
  await bench.look(alerts, 0);
  await settleAll(bench.store, "dead", "plantao");
  await bench.look(alerts, 1);
  assert.deepEqual(await bench.told(), ["begin plantao 0"]);
});

testWithStore("lookForAlarms() tells of silence, of its end, and of the next one", async (bench) => {
  const alerts = [silent("note.*", 1_000)];
  const receive = (key: string, ms: number, type = "note.failed") =>
    accept(bench.store, newEvent(key, [], { receivedAt: T0 + ms, type }));
  await bench.look(alerts, 0);
  await bench.look(alerts, 999);
  assert.deepEqual(await bench.told(), []);
  await bench.look(alerts, 1_000);
  await receive("other", 1_100, "order.paid");
  await bench.look(alerts, 5_000);
  await bench.reopen();
  await bench.look(alerts, 6_000);
  assert.deepEqual(await bench.told(), ["begin plantao 0"]);
  await receive("1", 6_500);
  await bench.look(alerts, 6_600);
  assert.deepEqual(await bench.told(), ["begin plantao 0", "end plantao 0"]);
  await bench.look(alerts, 7_499);
  await bench.look(alerts, 7_500);
  assert.deepEqual((await bench.told()).slice(2), ["begin plantao 6500"]);
});

testWithStore("lookForAlarms() counts silence on across a restart", async (bench) => {
  const alerts = [silent("note.*", 1_000)];
  await bench.look(alerts, 0);
  await bench.reopen();
  await bench.look(alerts, 900);
  await bench.look(alerts, 1_000);
  assert.deepEqual(await bench.told(), ["begin plantao 0"]);
});

testWithStore(
  "lookForAlarms() tells of refused requests, of which and that none is refused any more",
  async (bench) => {
    const alerts = [refused(5, 60_000)];
    const run = { pid: 1, version: "1", since: T0, config: "c", listeners: [], targets: [] };
    const refuse = (ms: number, count: number, reason: Refusal = "signature_wrong") =>
      bench.store.runs.say({ ...run, heardAt: T0 + ms }, [{ source: "s", reason, count, lastAt: T0 + ms }]);
    await bench.look(alerts, 0);
    await refuse(1_000, 4);
    await refuse(1_500, 90, "rate_limited");
    assert.equal(await bench.look(alerts, 2_000), false, "a rate limit does what the config asks");
    await refuse(40_000, 1, "body_invalid");
    assert.equal(await bench.look(alerts, 40_500), true);
    await bench.reopen();
    await refuse(99_000, 1);
    assert.equal(await bench.look(alerts, 120_000), false, "there are fewer, not none");
    assert.equal(await bench.look(alerts, 158_999), false);
    assert.equal(await bench.look(alerts, 159_000), true);
    assert.deepEqual(await bench.told(), ["begin plantao 40500", "end plantao 40500"]);
    const { events } = await bench.store.stored({ type: "relay.alarm.*" }, { limit: 2 });
    const [begin, end] = events.map(({ event }) => JSON.parse(new TextDecoder().decode(event.body)).data);
    assert.deepEqual(begin.refused, [
      { source: "s", reason: "signature_wrong", count: 4 },
      { source: "s", reason: "body_invalid", count: 1 },
    ]);
    assert.equal(end.refused, undefined);
  },
);

testWithStore("lookForAlarms() does not take its own messages for events", async (bench) => {
  const alerts = [silent("**", 1_000), dead(1)];
  await bench.look(alerts, 0);
  await bury(bench.store, "1");
  await bench.look(alerts, 1_000);
  await bench.look(alerts, 1_500);
  assert.deepEqual((await bench.told()).sort(), ["begin plantao 0", "begin plantao 1000"]);
});

testWithStore(
  "lookForAlarms() forgets an alert that is gone without a word, and begins anew with it",
  async (bench) => {
    await bury(bench.store, "1");
    await bench.look([dead(1), silent()], 0);
    await bench.look([silent()], 1);
    await bench.look([], 2);
    assert.deepEqual(await bench.store.alarms.states(), new Map());
    assert.deepEqual(await bench.told(), ["begin plantao 0"]);
    await bench.look([dead(1, "equipe"), silent()], 3);
    assert.deepEqual(await bench.told(), ["begin plantao 0", "begin equipe 3"]);
    await bench.look([dead(1, "equipe"), silent()], 60_002);
    assert.equal((await bench.told()).length, 2, "the silence counts from when it was watched again");
  },
);

testWithStore(
  "lookForAlarms() tells of silence in time, and not too early, whichever way the clock is set",
  async (bench) => {
    const clock = new HandClock(T0);
    const known = new KnownTimes(clock);
    const alerts = [silent("note.*", 60_000)];
    const look = (ms: number) => {
      clock.pass(ms);
      return isTold(lookForAlarms(bench.store, alerts, clock.now(), known));
    };
    await look(0);
    for (const years of [10 / 24 / 365, 20, -20]) {
      clock.set(T0 + years * 365 * 86_400_000);
      await accept(bench.store, newEvent(`${years}`, [], { receivedAt: clock.now() }));
      assert.equal(await look(0), false);
      clock.set(T0 + 5);
      if (years < 0) await accept(bench.store, newEvent("right", [], { receivedAt: clock.now() }));
      assert.equal(await look(59_999), false, `${years}`);
      assert.equal(await look(1), true, `${years}`);
      await accept(bench.store, newEvent(`${years} ends`, [], { receivedAt: clock.now() }));
      assert.equal(await look(1), true, `${years}`);
    }
  },
);

testWithStore("startAlarms() looks again and again, follows the config, and goes on after a failure", async (bench) => {
  let alerts: Alert[] = [];
  let woken = 0;
  let failures = 0;
  const failing = {
    states: () => ++failures < 3 ? Promise.reject(new Error("the disk is away")) : bench.store.alarms.states(),
  };
  const alarms = new Proxy(bench.store.alarms, {
    get: (real, name) => name in failing ? failing[name as "states"] : Reflect.get(real, name).bind(real),
  });
  const store = new Proxy(bench.store, {
    get: (real, name) => name === "alarms" ? alarms : Reflect.get(real, name).bind(real),
  });
  const clock = new HandClock(T0);
  const stop = startAlarms(store, () => alerts, (target) => [target], () => woken++, clock);
  await bury(bench.store, "1");
  alerts = [dead(1)];
  await clock.run(10_000);
  assert.equal(woken, 1);
  await retryAll(bench.store);
  await clock.run(10_000);
  assert.equal(woken, 2);
  await stop();
  const told = (await bench.told()).map((text) => text.replace(/ \d+$/, ""));
  assert.deepEqual(told, ["begin plantao", "end plantao"]);
});
