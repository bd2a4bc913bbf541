/** An owner of lanes applies receipts: what a vendor tells of a message later counts as an answer would have. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { changeOf } from "../../lib/lanes/receipts.ts";
import { Told } from "../../lib/locale/told.ts";
import { deliveryId, formatId } from "../../lib/id.ts";
import type { HeardReceipt } from "../../lib/receipt.ts";
import type { FreshReceipt } from "../../lib/store/receipts.ts";
import type { ReceiptEndpoint } from "../../lib/targets/receipt_endpoint.ts";
import { newEvent, T0 } from "../store/samples.ts";
import { type Bench, failed, type Script, withOwner } from "./bench.ts";

const PATH = "/whatsapp";
const receipts: ReceiptEndpoint = { path: PATH, allow: "POST", secrets: [], read: () => ({ kind: "method" }) };

const dead = { kind: "dead", reason: "recipient_unreachable", detail: Told.of("Error 131026") } as const;
const passing = { kind: "retry", reason: "server_failed", detail: Told.of("Error 131000") } as const;

const fresh = (parts: Partial<FreshReceipt>): FreshReceipt => ({
  path: PATH,
  message: "m",
  status: "failed",
  isLast: true,
  ref: { event: 1, number: 1 },
  delivery: "d",
  event: "e",
  type: "note.failed",
  source: "clinic",
  lane: "a",
  state: "delivered",
  best: "failed",
  revision: 0,
  attempts: 1,
  failures: 1,
  ...parts,
});

test("changeOf() ends a delivery whose message arrived, and leaves one that has ended so", () => {
  const change = (parts: Partial<FreshReceipt>) => changeOf(fresh(parts), { scheduleMs: [], jitter: 0 }, T0, 0);
  assert.deepEqual(change({ status: "sent", state: "pending" }), { state: "delivered" });
  assert.deepEqual(change({ status: "read", state: "dead" }), { state: "delivered" });
  assert.equal(change({ status: "sent", state: "dead" }), undefined);
  assert.equal(change({ status: "delivered", state: "delivered" }), undefined);
});

test("changeOf() opens or kills one whose message failed, unless it arrived, or a newer message is out", () => {
  const retry = { scheduleMs: [1_000, 60_000], jitter: 0 };
  const change = (parts: Partial<FreshReceipt>) => changeOf(fresh(parts), retry, T0, 0);
  assert.deepEqual(change({ failure: dead }), { state: "dead", reason: "recipient_unreachable" });
  const again = { state: "pending", reason: "server_failed", dueAt: T0 + 1_000 };
  assert.deepEqual(change({ failure: passing }), again);
  assert.deepEqual(change({ failure: { ...passing, pauseMs: 5_000 } }), { ...again, dueAt: T0 + 5_000 });
  assert.deepEqual(change({ failure: passing, failures: 2 }), { ...again, dueAt: T0 + 60_000 });
  assert.deepEqual(change({ failure: passing, failures: 3 }), { state: "dead", reason: "server_failed" });
  assert.deepEqual(change({ failure: passing, failures: 0, state: "pending" }), again);
  assert.equal(change({ failure: dead, best: "delivered" }), undefined);
  assert.equal(change({ failure: dead, isLast: false }), undefined);
  assert.equal(change({ failure: dead, state: "dead" }), undefined);
});

/** A target whose attempts each make a message with the number of the attempt. */
const scripted = (parts: Script = {}): Record<string, Script> => ({
  a: {
    answer: ({ attempt, key }) => ({ kind: "delivered", message: `${key}.${attempt}` }),
    ...parts,
    parts: { receipts, ...parts.parts },
  },
});

async function hear(bench: Bench, ...heard: Partial<HeardReceipt>[]): Promise<void> {
  const all = heard.map((one): HeardReceipt => ({ message: "1.1", status: "sent", at: bench.clock.now(), ...one }));
  await bench.store.receipts.hear(PATH, ["a"], all);
  bench.owner.refresh();
  await bench.clock.run(1);
}

/** How the delivery of an event is: its state, attempts, and receipt. */
async function shown(bench: Bench, key: string) {
  const { deliveries: [one] } = (await bench.store.story(newEvent(key).id))!;
  return [one!.state, one!.attempts, one!.receipt];
}

test("Owner keeps which message was accepted, and shows what becomes of it", async () => {
  await withOwner(scripted(), async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(10);
    assert.deepEqual(await shown(bench, "1"), ["delivered", 1, "accepted"]);
    await hear(bench, { status: "delivered" });
    assert.deepEqual(await shown(bench, "1"), ["delivered", 1, "delivered"]);
    assert.deepEqual(await bench.store.receipts.fresh(["a"]), []);
  });
});

test("Owner keeps no message of a target without receipts", async () => {
  await withOwner(scripted({ parts: { receipts: undefined } }), async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(10);
    assert.deepEqual(await shown(bench, "1"), ["delivered", 1, null]);
  });
});

test("Owner tries again what failed late, by the schedule and with a new set of words, until it is given up", async () => {
  await withOwner(scripted(), async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(10);
    for (const attempt of [1, 2]) {
      await hear(bench, { message: `1.${attempt}`, status: "failed", failure: passing });
      assert.deepEqual(await shown(bench, "1"), ["pending", attempt, "failed"]);
      await bench.clock.run(1_100);
      assert.deepEqual(await shown(bench, "1"), ["delivered", attempt + 1, "accepted"]);
      assert.equal(bench.made.at(-1)!.delivery.lastReason, "server_failed");
    }
    await hear(bench, { message: "1.3", status: "failed", failure: passing });
    assert.deepEqual(await shown(bench, "1"), ["dead", 3, "failed"]);
  }, { retry: { scheduleMs: [1_000, 1_000], jitter: 0 } });
});

test("Owner ends an attempt under way whose message is known to have arrived, and makes no second one", async () => {
  let answered = 0;
  const answer = () => answered++ === 0 ? failed : { kind: "delivered" } as const;
  await withOwner(scripted({ answer, takesMs: 5_000 }), async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(1_000);
    const delivery = formatId(deliveryId(newEvent("1").id, 1));
    await hear(bench, { message: "unknown", delivery, status: "delivered" });
    assert.deepEqual((await shown(bench, "1"))[0], "delivered");
    await bench.clock.run(60_000);
    assert.equal(bench.made.length, 1);
    assert.deepEqual((await shown(bench, "1"))[0], "delivered");
  });
});

test("Owner applies what was heard while no relay ran", async () => {
  await withOwner(scripted(), async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(10);
    await bench.stop();
    await bench.store.receipts.hear(PATH, ["a"], [{ message: "1.1", status: "failed", at: T0, failure: dead }]);
    await bench.store.close();
    await bench.start();
    bench.owner.refresh(); // as the watch does at its first poll
    await bench.clock.run(10);
    assert.deepEqual(await shown(bench, "1"), ["dead", 1, "failed"]);
  });
});

test("Owner holds the lane where a late failure asks for a pause", async () => {
  await withOwner(scripted(), async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(10);
    await hear(bench, { status: "failed", failure: { ...passing, pauseMs: 60_000 } });
    await bench.accept(["2"]);
    await bench.clock.run(30_000);
    assert.deepEqual(bench.keys(), ["1"]);
    await bench.clock.run(60_000);
    assert.deepEqual(bench.keys().toSorted(), ["1", "1", "2"]);
  });
});

test("Owner asks the target what a late failure means for it", async () => {
  const closed = { kind: "dead", reason: "window_closed", detail: Told.of("Error 131047") } as const;
  const judgeLate = () => ({ ...closed, kind: "retry" }) as const;
  await withOwner(scripted({ parts: { judgeLate } }), async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(10);
    await hear(bench, { status: "failed", failure: closed });
    await bench.clock.run(100);
    assert.deepEqual([(await shown(bench, "1"))[1], bench.made.at(-1)!.delivery.lastReason], [2, "window_closed"]);
  });
});

test("Owner applies many receipts of one delivery, one after the other", async () => {
  await withOwner(scripted(), async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(10);
    await hear(bench, { status: "failed", failure: dead }, { status: "sent" }, { status: "delivered" }, {
      status: "read",
    });
    assert.deepEqual(await shown(bench, "1"), ["delivered", 1, "read"]);
    assert.deepEqual(await bench.store.receipts.fresh(["a"]), []);
  });
});
