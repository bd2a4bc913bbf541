/** What both back ends do with the receipts of a chain's deliveries, each by its own entry point. */

import assert from "node:assert/strict";
import type { ChainStep, NewEvent } from "../../lib/event.ts";
import type { Store } from "../../lib/store/mod.ts";
import { accept, newEvent, record, recordOf, settle, T0, turnIn } from "./samples.ts";

export interface ReceiptBench {
  store: Store;
  /** Writes down what a receipt says of a delivery of the first event, and settles its chain, in one transaction. */
  receive(number: number, receipt: string): Promise<void>;
}

/** An event of these targets, one after the other, of which those in capitals give receipts. */
function chained(targets: string[], until: ChainStep["until"]): NewEvent {
  const deliveries = targets.map((name, index) => {
    const hasProof = name !== name.toLowerCase();
    return { target: name.toLowerCase(), chain: { chain: 0, step: index + 1, withinMs: 600_000, until, hasProof } };
  });
  return newEvent("1", [], { deliveries });
}

const states = async (store: Store) =>
  (await store.story(newEvent("1").id))!.deliveries.map(({ state, chain }) => chain!.isWaiting ? "waits" : state);

const delivered = (store: Store, lane: string) => settle(store, "delivered", lane, { startedAt: T0 });

/** Each proves one thing of receipts; the store's clock shows T0. */
export const receiptTests: Readonly<Record<string, (bench: ReceiptBench) => Promise<void>>> = {
  "ends a chain with the receipt that tells of the arrival, and with none before": async ({ store, receive }) => {
    await accept(store, chained(["A", "b"], "delivered"));
    await delivered(store, "a");
    for (const receipt of ["accepted", "sent", "failed"]) {
      await receive(1, receipt);
      assert.deepEqual(await states(store), ["delivered", "waits"], receipt);
    }
    await receive(1, "delivered");
    assert.deepEqual(await states(store), ["delivered", "skipped"]);
    await receive(1, "delivered");
    assert.deepEqual(await states(store), ["delivered", "skipped"], "twice as once");
  },
  "takes what was read for delivered": async ({ store, receive }) => {
    await accept(store, chained(["A", "b"], "delivered"));
    await delivered(store, "a");
    await receive(1, "read");
    assert.deepEqual(await states(store), ["delivered", "skipped"]);
  },
  "waits for reading where the chain asks for that": async ({ store, receive }) => {
    await accept(store, chained(["A", "b", "C"], "read"));
    await delivered(store, "a");
    await receive(1, "delivered");
    assert.deepEqual(await states(store), ["delivered", "waits", "waits"]);
    await store.retry([{ event: 1, number: 3 }], T0);
    await delivered(store, "b");
    await delivered(store, "c");
    assert.deepEqual(
      await states(store),
      ["delivered", "delivered", "delivered"],
      "none of them says that it was read",
    );
    await receive(3, "read");
    assert.deepEqual(await states(store), ["delivered", "delivered", "delivered"]);
  },
  "skips a later step that is tried when a late receipt comes": async ({ store, receive }) => {
    await accept(store, chained(["A", "b", "c"], "delivered"));
    await delivered(store, "a");
    await store.retry([{ event: 1, number: 2 }], T0);
    const due = await turnIn(store, "b");
    const changes = await store.lanes.changes();
    await receive(1, "delivered");
    assert.deepEqual(await states(store), ["delivered", "skipped", "skipped"]);
    assert.ok(await store.lanes.changes() >= changes);
    assert.equal((await record(store, [recordOf(due, "delivered")]))[0]!.fate, "history");
  },
  "begins the next step once a receipt has made the delivery dead": async ({ store, receive }) => {
    await accept(store, chained(["A", "b"], "delivered"));
    await settle(store, "dead", "a", { startedAt: T0 });
    await receive(1, "failed");
    assert.deepEqual(await states(store), ["dead", "pending"]);
  },
};
