/** What a relay says of itself in the store, and what a flood of refusals costs. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { ConfigError } from "../../lib/errors.ts";
import { Told } from "../../lib/locale/told.ts";
import { Reporter } from "../../lib/duties/report.ts";
import { redactor } from "../../lib/secret.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { HandClock, settle } from "../helpers/clock.ts";
import { makeFolder } from "../helpers/folder.ts";
import { T0 } from "../store/samples.ts";

const beginning = { pid: 7, version: "1.2.3", config: "/x/relay.config.ts", targets: [] };

interface Bench {
  path: string;
  store: Store;
  reporter: Reporter;
  clock: HandClock;
  /** How often it wrote to the store. */
  writes(): number;
}

/** A test with a store, and a reporter whose clock is turned by hand. */
function testWith(name: string, work: (bench: Bench) => Promise<void>): void {
  test(name, async () => {
    const folder = makeFolder();
    const path = join(folder.path, "relay.db");
    const clock = new HandClock(T0);
    const store = openSqlite(path, clock);
    let writes = 0;
    const say = store.runs.say.bind(store.runs);
    store.runs.say = (...words) => {
      writes++;
      return say(...words);
    };
    const reporter = new Reporter(store, beginning, clock);
    try {
      await work({ path, store, reporter, clock, writes: () => writes });
    } finally {
      const stopped = reporter.stop();
      await clock.run(10_000);
      await stopped;
      await store.close();
      folder.remove();
    }
  });
}

const HOUR_MS = 3_600_000;

testWith("Reporter says that it runs, that it lives, and that it stopped as it was asked to", async (bench) => {
  const { store, reporter, clock, writes } = bench;
  await reporter.start();
  const started = await store.runs.last();
  assert.deepEqual([started!.pid, started!.since, started!.heardAt, started!.stoppedAt], [7, T0, T0, undefined]);

  reporter.tell({ listeners: [{ name: "listen", url: "http://0.0.0.0:3000" }] });
  await clock.run(10);
  assert.equal((await store.runs.last())!.listeners.length, 1);
  const before = writes();
  await clock.run(60_000);
  const heardAt = (await store.runs.last())!.heardAt - T0;
  assert.ok(heardAt >= 45_000 && heardAt <= 60_010, `${heardAt}`);
  assert.ok(writes() - before <= 4, "a sign of life every quarter of a minute");

  await reporter.stop();
  const stopped = (await store.runs.last())!;
  assert.deepEqual([stopped.since, stopped.stoppedAt], [T0, clock.now()]);
});

testWith("Reporter writes a flood of refusals at once, and tells of them before that", async (bench) => {
  const { store, reporter, clock, writes } = bench;
  await reporter.start();
  for (let count = 0; count < 100_000; count++) {
    clock.set(T0 + count % 3);
    reporter.count("connectvets", count % 4 === 0 ? "signature_missing" : "signature_wrong");
    if (count % 10_000 === 0) await settle();
  }
  const expected = [["signature_wrong", 75_000], ["signature_missing", 25_000]];
  const counts = async () => (await reporter.refused(T0 - HOUR_MS)).map(({ reason, count }) => [reason, count]);
  assert.deepEqual([writes(), await counts()], [1, expected]);
  await reporter.stop();
  assert.deepEqual([writes(), await counts()], [2, expected]);
  assert.deepEqual((await store.runs.refused(T0 - HOUR_MS, clock.now())).map(({ count }) => count), [75_000, 25_000]);
});

testWith("Reporter keeps what a locked store does not take, once", async ({ path, store, reporter, clock }) => {
  await reporter.start();
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  let failures = 0;
  const say = store.runs.say;
  store.runs.say = (...words) => say(...words).catch((error) => Promise.reject((failures++, error)));
  reporter.count("connectvets", "store_failed");
  await clock.run(10_000);
  assert.ok(failures > 0);
  reporter.count("connectvets", "store_failed");
  assert.deepEqual((await reporter.refused(0)).map(({ count }) => count), [2]);
  other.exec("COMMIT");
  other.close();
  await clock.run(10_000);
  assert.equal((await store.runs.refused(0, clock.now()))[0]?.count, 2);
  assert.deepEqual((await reporter.refused(0)).map(({ count }) => count), [2]);
});

testWith("Reporter stops though the store is locked", async ({ path, store, reporter, clock }) => {
  await reporter.start();
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  let isOver = false;
  const say = store.runs.say;
  const words: Promise<unknown>[] = [];
  store.runs.say = (...told) => {
    const word = say(...told).finally(() => isOver = true);
    words.push(word.catch(() => {}));
    return word;
  };
  reporter.count("connectvets", "store_failed");
  await clock.run(2_000);
  assert.ok(words.length > 0);
  const stopped = reporter.stop();
  await clock.run(1_000);
  await stopped;
  assert.equal(isOver, false, "it did not wait for the lock");
  other.close();
  await clock.run(10_000);
  await Promise.all(words);
});

testWith(
  "Reporter tells of refused reloads since the first, with the last one's mistakes, without secrets",
  async (bench) => {
    const { store, reporter, clock } = bench;
    await reporter.start();
    const redact = redactor(["s3cret-value"]);
    reporter.reloadRefused(new ConfigError("/x", [{ path: "a", message: () => "one" }]), redact);
    await clock.run(5_000);
    reporter.reloadRefused(new ConfigError("/x", [{ path: "b", message: () => "got s3cret-value" }]), redact);
    await clock.run(10);
    const { refusedReload } = (await store.runs.last())!;
    assert.deepEqual([refusedReload!.since, refusedReload!.mistakes], [T0, [{ path: "b", message: "got [secret]" }]]);
    const problem = Told.parse(refusedReload!.problem);
    assert.deepEqual([problem.in("en"), problem.in("pt-BR")], [
      "Cannot load /x: 1 mistake",
      "Não foi possível carregar /x: 1 erro",
    ]);
    reporter.reloaded({ config: "/x", targets: [] });
    await clock.run(10);
    assert.equal((await store.runs.last())!.refusedReload, undefined);
  },
);

testWith("Reporter that never began says no last word over another relay's", async ({ store, reporter }) => {
  await reporter.stop();
  assert.equal(await store.runs.last(), undefined);
});
