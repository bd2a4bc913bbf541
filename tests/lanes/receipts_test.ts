/** An owner of lanes applies receipts: what a vendor tells of a message later counts as an answer would have. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictOf } from "../../lib/lanes/receipts.ts";
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
  standing: parts.status ?? "failed",
  wasAccepted: true,
  isLast: true,
  ref: { event: 1, number: 1 },
  delivery: "d",
  event: "e",
  type: "note.failed",
  source: "clinic",
  lane: "a",
  state: "delivered",
  reason: null,
  shown: "accepted",
  revision: 0,
  attempts: 1,
  failures: 1,
  ...parts,
});

const retry = { scheduleMs: [1_000, 60_000], jitter: 0 };

/** What these receipts mean: what is shown, and the change. */
function verdict(...all: Partial<FreshReceipt>[]) {
  const { shown, change } = verdictOf(all.map(fresh), retry, T0, 0);
  return change ? [shown, change] : [shown];
}

test("verdictOf() ends a delivery whose message arrived, however its attempt seemed to end", () => {
  assert.deepEqual(verdict({ status: "delivered" }), ["delivered"]);
  assert.deepEqual(verdict({ status: "read", shown: "delivered" }), ["read"]);
  assert.deepEqual(verdict({ status: "read", state: "dead" }), ["read", { state: "delivered" }]);
  assert.deepEqual(verdict({ status: "delivered", state: "pending" }), ["delivered", { state: "delivered" }]);
  assert.deepEqual(verdict({ status: "delivered", state: "skipped" }), ["delivered"]);
  assert.deepEqual(verdict({ status: "delivered", isLast: false, state: "pending" }), [
    "delivered",
    { state: "delivered" },
  ]);
});

test("verdictOf() never lowers what is shown", () => {
  assert.deepEqual(verdict({ status: "sent", standing: "read", shown: "read" }), ["read"]);
  assert.deepEqual(verdict({ status: "delivered", shown: "read" }), ["read"]);
  assert.deepEqual(verdict({ failure: dead, standing: "delivered", shown: "accepted" }), ["delivered"]);
  assert.deepEqual(verdict({ failure: dead, shown: "read" }), ["read"]);
  assert.deepEqual(verdict({ status: "sent", standing: "failed", shown: "failed" }), [null]);
});

test("verdictOf() takes what was sent for delivered where the answer to the attempt was never kept", () => {
  assert.deepEqual(verdict({ status: "sent" }), ["sent"]);
  assert.deepEqual(verdict({ status: "sent", state: "pending" }), ["sent", { state: "delivered" }]);
  const unanswered = { status: "sent", wasAccepted: false } as const;
  assert.deepEqual(verdict({ ...unanswered, state: "pending" }), ["sent", { state: "delivered" }]);
  assert.deepEqual(verdict({ ...unanswered, state: "pending", shown: "failed" }), ["sent", { state: "delivered" }]);
  assert.deepEqual(verdict({ ...unanswered, state: "dead" }), ["sent"]);
  assert.deepEqual(verdict({ status: "sent", isLast: false }), [null]);
});

test("verdictOf() opens or kills a delivery whose last message failed, by its schedule", () => {
  assert.deepEqual(verdict({ failure: dead }), ["failed", { state: "dead", reason: "recipient_unreachable" }]);
  const again = { state: "pending", reason: "server_failed", dueAt: T0 + 1_000 };
  assert.deepEqual(verdict({ failure: passing }), ["failed", again]);
  assert.deepEqual(verdict({ failure: passing, failures: 0, state: "pending" }), ["failed", again]);
  assert.deepEqual(verdict({ failure: { ...passing, pauseMs: 5_000 } }), ["failed", { ...again, dueAt: T0 + 5_000 }]);
  assert.deepEqual(verdict({ failure: passing, failures: 2 }), ["failed", { ...again, dueAt: T0 + 60_000 }]);
  assert.deepEqual(verdict({ failure: passing, failures: 3 }), ["failed", { state: "dead", reason: "server_failed" }]);
  assert.deepEqual(verdict({ failure: dead, state: "dead" }), ["failed"]);
  assert.deepEqual(verdict({ failure: dead, isLast: false, shown: "delivered" }), ["delivered"]);
  assert.deepEqual(verdict({ failure: dead, isLast: false }), [null]);
});

test("verdictOf() judges all receipts of a delivery at once, in whatever order they came", () => {
  const all: Partial<FreshReceipt>[] = [
    { failure: passing, standing: "read" },
    { status: "read", standing: "read" },
    { status: "sent", standing: "read" },
  ];
  assert.deepEqual(verdict(...all), ["read"]);
  assert.deepEqual(verdict(...all.toReversed()), ["read"]);
  const two = [{ failure: dead, message: "1", isLast: false }, { status: "delivered", message: "2" }] as const;
  assert.deepEqual(verdict(...two), ["delivered"]);
  assert.deepEqual(
    verdict({ failure: passing, standing: "failed" }, { status: "sent", standing: "failed" })[0],
    "failed",
  );
});

test("verdictOf() has a message outside the window sent again at once, as one of another kind, and later by the schedule", () => {
  const closed = { kind: "retry", reason: "window_closed", detail: Told.of("Error 131047") } as const;
  assert.deepEqual(verdict({ failure: closed }), ["failed", { state: "pending", reason: "window_closed", dueAt: T0 }]);
  const later = { state: "pending", reason: "window_closed", dueAt: T0 + 60_000 };
  assert.deepEqual(verdict({ failure: closed, failures: 2 }), ["failed", later]);
  assert.deepEqual(verdict({ failure: closed, failures: 3 }), ["failed", { state: "dead", reason: "window_closed" }]);
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

test("Owner waits with receipts of an attempt under way until its answer is recorded", async () => {
  await withOwner(scripted({ takesMs: 5_000 }), async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(1_000);
    const delivery = formatId(deliveryId(newEvent("1").id, 1));
    await hear(bench, { delivery, status: "delivered" });
    assert.deepEqual(await shown(bench, "1"), ["pending", 0, null]);
    await bench.clock.run(5_000);
    assert.deepEqual(await shown(bench, "1"), ["delivered", 1, "delivered"]);
    assert.equal(bench.made.length, 1);
  });
});

test("Owner makes no second attempt where a receipt tells that the first, which seemed to fail, arrived", async () => {
  await withOwner(scripted({ answer: () => failed, takesMs: 5_000 }), async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(1_000);
    const delivery = formatId(deliveryId(newEvent("1").id, 1));
    await hear(bench, { message: "unknown", delivery, status: "sent" });
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

test("Owner gives up by the schedule what fails outside the window again and again", async () => {
  const closed = { kind: "dead", reason: "window_closed", detail: Told.of("Error 131047") } as const;
  const judgeLate = () => ({ ...closed, kind: "retry" }) as const;
  await withOwner(scripted({ parts: { judgeLate } }), async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(10);
    for (const attempt of [1, 2, 3]) {
      await hear(bench, { message: `1.${attempt}`, status: "failed", failure: closed });
      await bench.clock.run(61_000);
    }
    assert.deepEqual(await shown(bench, "1"), ["dead", 3, "failed"]);
    assert.equal(bench.made.length, 3);
  }, { retry: { scheduleMs: [1_000, 60_000], jitter: 0 } });
});

test("Owner leaves receipts alone that were told at another path than the target's", async () => {
  await withOwner(scripted(), async (bench) => {
    await bench.accept(["1"]);
    await bench.clock.run(10);
    await bench.store.receipts.hear("/outro", ["a"], [{ message: "1.1", status: "failed", at: T0, failure: dead }]);
    bench.owner.refresh();
    await bench.clock.run(1);
    assert.deepEqual(await shown(bench, "1"), ["delivered", 1, "accepted"]);
    assert.deepEqual(await bench.store.receipts.fresh(["a"]), []);
  });
});

test("Owner applies many receipts of one delivery", async () => {
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
