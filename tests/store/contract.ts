/** What every store does: a suite that each back end runs. This file: accepting and handing out. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { deliveryId, formatId } from "../../lib/id.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Store } from "../../lib/store/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { testClock } from "./contract_clock.ts";
import { testOperator } from "./contract_operator.ts";
import { testAlarms } from "./contract_alarms.ts";
import { testNotes } from "./contract_notes.ts";
import { testRuns } from "./contract_runs.ts";
import { testSessions } from "./contract_sessions.ts";
import { testOutcomes } from "./contract_outcomes.ts";
import { testTargets } from "./contract_targets.ts";
import { backlogOf, claimAll, claimOne, eventOf, keysOf, LEASE, newEvent, recordOf, T0 } from "./samples.ts";

const A_DAY_MS = 86_400_000;

/** An empty store, open. */
export interface StoreBench {
  store: Store;
  /** Opens the same store, as a program does that is started anew; the store that was open is closed before. */
  reopen(): Promise<Store>;
  /** Removes it. Closes nothing. */
  remove(): Promise<void>;
}

/** Declares one test of the suite; `reopen` closes the store and opens it again. */
export type It = (
  what: string,
  work: (store: Store, reopen: () => Promise<Store>, clock: HandClock) => Promise<void>,
) => void;

/** Runs the suite. @param make Opens a store with nothing in it, which has this clock. */
export function testStore(name: string, make: (clock: Clock) => Promise<StoreBench>): void {
  const it: It = (what, work) =>
    test(`${name} ${what}`, async () => {
      const clock = new HandClock(T0 + A_DAY_MS); // later than all that a test does that leaves it alone
      const bench = await make(clock);
      let open: Store | undefined = bench.store;
      try {
        await work(bench.store, async () => {
          await open?.close();
          open = undefined;
          return open = await bench.reopen();
        }, clock);
      } finally {
        await open?.close();
        await bench.remove();
      }
    });

  testHandingOut(it);
  testOutcomes(it);
  testTargets(it);
  testAlarms(it);
  testNotes(it);
  testRuns(it);
  testOperator(it);
  testClock(it);
  testSessions(it);
}

function testHandingOut(it: It): void {
  it("accept() tells new from duplicate, in one batch and across batches", async (store) => {
    assert.deepEqual(await store.accept([newEvent("1"), newEvent("2"), newEvent("1")]), [
      "stored",
      "stored",
      "duplicate",
    ]);
    assert.deepEqual(await store.accept([newEvent("2"), newEvent("3")]), ["duplicate", "stored"]);
    assert.deepEqual(await store.accept([]), []);
    assert.equal(await backlogOf(store), 3);
  });

  it("accept() changes nothing of an event that is there", async (store) => {
    await store.accept([newEvent("1", ["a"])]);
    await store.accept([newEvent("1", ["b", "c"], { type: "other", problems: ["late"] })]);
    const view = await eventOf(store, newEvent("1").id);
    assert.deepEqual([view!.type, view!.problems, view!.deliveries.map(({ target }) => target)], ["note.failed", [], [
      "a",
    ]]);
  });

  it("accept() writes all of a batch or nothing", async (store) => {
    const broken = newEvent("2", ["a"], { type: null as unknown as string });
    await assert.rejects(store.accept([newEvent("1"), broken, newEvent("3")]));
    assert.equal(await backlogOf(store), 0);
    assert.equal(await eventOf(store, newEvent("1").id), undefined);
    assert.deepEqual(await claimAll(store), []);
    assert.deepEqual(await store.accept([newEvent("1")]), ["stored"], "what failed can be sent again");
  });

  it("accept() leaves no event whose delivery cannot be written", async (store) => {
    const broken = newEvent("1", ["a"], { deliveries: [{ target: "a" }, { target: null as unknown as string }] });
    await assert.rejects(store.accept([broken]));
    assert.equal(await eventOf(store, broken.id), undefined);
    assert.equal(await backlogOf(store), 0);
  });

  it("claim() hands out the event as it was received", async (store) => {
    const body = new Uint8Array(Array.from({ length: 512 }, (_, index) => index % 256));
    const headers = { "Content-Type": "application/json; charset=utf-8", "X-ConnectVets-Signature": "sha256=ab" };
    const event = newEvent("1", ["a", "b"], { type: "nota.é.🐕", body, headers, secretIndex: 1 });
    await store.accept([event]);
    const claimed = await claimOne(store, "b");
    assert.equal(claimed.id, formatId(deliveryId(event.id, 2)));
    assert.deepEqual([claimed.target, claimed.attempts, claimed.failures], ["b", 0, 0]);
    const { body: kept, ...rest } = claimed.event;
    assert.deepEqual(rest, { id: formatId(event.id), source: "clinic", type: "nota.é.🐕", receivedAt: T0, headers });
    assert.deepEqual(Buffer.from(kept), Buffer.from(body));
  });

  it("claim() keeps an empty body's neighbours apart, and large bodies whole", async (store) => {
    const large = new Uint8Array(2 ** 20).fill(0x20);
    await store.accept([newEvent("1", ["a"], { body: new Uint8Array() }), newEvent("2", ["b"], { body: large })]);
    assert.equal((await claimOne(store, "a")).event.body.byteLength, 0);
    assert.deepEqual(Buffer.from((await claimOne(store, "b")).event.body), Buffer.from(large));
  });

  it("claim() keeps each target's limit and hands nothing out twice", async (store) => {
    await store.accept(["1", "2", "3", "4"].map((key) => newEvent(key, ["a", "b", "c"])));
    const first = await store.claim([{ target: "a", limit: 2 }, { target: "b", limit: 3 }], T0, LEASE);
    assert.deepEqual(first.map(({ target }) => target), ["a", "a", "b", "b", "b"]);
    const second = await store.claim([{ target: "a", limit: 9 }, { target: "b", limit: 9 }], T0, LEASE);
    assert.deepEqual(second.map(({ target }) => target), ["a", "a", "b"]);
    assert.equal(new Set([...first, ...second].map(({ id }) => id)).size, 8);
    assert.deepEqual(await store.claim([{ target: "a", limit: 9 }, { target: "z", limit: 9 }], T0, LEASE), []);
    assert.deepEqual(await store.claim([], T0, LEASE), []);
    assert.equal(await backlogOf(store), 12);
  });

  it("claim() hands out by due time, then in the order of acceptance", async (store) => {
    const at = (key: string, ms: number) => newEvent(key, ["a"], { receivedAt: T0 + ms });
    await store.accept([at("third", 20), at("second", 10), at("first", 0), at("fourth", 20), at("later", 21)]);
    assert.deepEqual(keysOf(await store.claim([{ target: "a", limit: 1 }], T0 + 20, LEASE)), ["first"]);
    assert.deepEqual(keysOf(await claimAll(store, "a", T0 + 20)), ["second", "third", "fourth"]);
    assert.deepEqual(keysOf(await claimAll(store, "a", T0 + 21)), ["later"]);
  });

  it("claim() hands out deliveries of one order key one after the other", async (store) => {
    await store.accept(["1", "2", "3"].map((key) => newEvent(key, ["a:rex"])));
    const [first, ...more] = await claimAll(store);
    assert.deepEqual([keysOf([first!]), more], [["1"], []]);
    assert.equal(await store.nextDue("a"), undefined, "none whose turn it is");
    await store.record([recordOf(first!, "pending", T0 + 5_000)]);
    assert.deepEqual(await claimAll(store), [], "a retry that waits keeps the others waiting");
    assert.equal(await store.nextDue("a"), T0 + 5_000);
    const retried = await claimOne(store, "a", T0 + 5_000);
    assert.deepEqual(keysOf([retried]), ["1"]);
    await store.record([recordOf(retried, "dead")]);
    const second = await claimOne(store, "a", T0 + 5_000);
    assert.deepEqual(keysOf([second]), ["2"], "a dead one lets the next go");
    await store.release([second.ref], T0);
    assert.deepEqual(keysOf([await claimOne(store)]), ["2"]);
    await store.record([recordOf(second, "delivered")]);
    assert.deepEqual(keysOf([await claimOne(store, "a", T0 + 5_000)]), ["3"]);
  });

  it("claim() lets an order key hold up no other key, no other target and nothing without one", async (store) => {
    await store.accept([
      newEvent("1", ["a:rex", "b:rex"]),
      newEvent("2", ["a:rex", "b"]),
      newEvent("3", ["a:fifi"]),
      newEvent("4"),
    ]);
    assert.deepEqual(keysOf(await claimAll(store)), ["1", "3", "4"]);
    assert.deepEqual(keysOf(await claimAll(store, "b")), ["1", "2"]);
  });

  it("claim() keeps the order of acceptance within an order key, whatever is due first", async (store) => {
    await store.accept([newEvent("1", ["a:rex"], { receivedAt: T0 + 10 }), newEvent("2", ["a:rex"])]);
    assert.deepEqual(await claimAll(store), []);
    assert.equal(await store.nextDue("a"), T0 + 10);
    assert.deepEqual(keysOf(await claimAll(store, "a", T0 + 10)), ["1"]);
  });
}
