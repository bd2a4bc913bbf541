/** What every store does: keeping what vendors tell of messages, and applying it to deliveries. */

import assert from "node:assert/strict";
import { deliveryId, formatId } from "../../lib/id.ts";
import { Told } from "../../lib/locale/told.ts";
import type { HeardReceipt, ReceiptStatus } from "../../lib/receipt.ts";
import type { Store } from "../../lib/store/mod.ts";
import type { FreshReceipt, ReceiptChange } from "../../lib/store/receipts.ts";
import type { It } from "./contract.ts";
import { accept, epochOf, newEvent, record, recordOf, settle, T0, takeOver, turnIn } from "./samples.ts";

const ANA = "whats/+5531999998888";

const failure = { kind: "dead", reason: "recipient_unreachable", detail: Told.of("Error 131026 (WhatsApp)") } as const;

/** Later than what the store's clock shows, unless a test moves that. */
const HEARD_AT = T0 + 2 * 86_400_000;

const idOf = (key: string, number = 1) => formatId(deliveryId(newEvent(key).id, number));

const receipt = (status: HeardReceipt["status"], parts: Partial<HeardReceipt> = {}): HeardReceipt => ({
  message: "wamid.1",
  status,
  at: HEARD_AT,
  ...(status === "failed" && { failure }),
  ...parts,
});

/** The delivery of an event to a recipient: its state, what is shown of its receipts, and each word on it. */
async function shown(store: Store, key: string) {
  const { deliveries: [one] } = (await store.story(newEvent(key).id))!;
  return [one!.state, one!.receipt, one!.receipts.map(({ status }) => status).join(" ")];
}

/** Accepts an event for a recipient, and records that its vendor took this message of it. */
async function taken(store: Store, key: string, message = "wamid.1"): Promise<void> {
  await accept(store, newEvent(key, [ANA]));
  const due = await turnIn(store, ANA);
  await store.receipts.accepted([due.ref], "/whatsapp", message);
  await record(store, [recordOf(due, "delivered")]);
}

/** Applies one receipt. */
const apply = async (store: Store, one: FreshReceipt, shown: ReceiptStatus | null, change?: ReceiptChange) =>
  await store.receipts.apply(await epochOf(store, ANA), [{ ...one, shown, change }], [one]);

export function testReceipts(it: It): void {
  it("receipts.accepted() shows a message as accepted, also after a restart", async (store, reopen) => {
    await taken(store, "1");
    assert.deepEqual(await shown(store, "1"), ["delivered", "accepted", "accepted"]);
    assert.deepEqual(await shown(await reopen(), "1"), ["delivered", "accepted", "accepted"]);
  });

  it("receipts.accepted() keeps one message for all the deliveries that it is of", async (store) => {
    await accept(store, newEvent("1", [ANA]), newEvent("2", [ANA]));
    await store.receipts.accepted([{ event: 1, number: 1 }, { event: 2, number: 1 }], "/whatsapp", "wamid.1");
    assert.equal(await store.receipts.hear("/whatsapp", ["whats"], [receipt("read")]), 1);
    const fresh = await store.receipts.fresh([ANA]);
    assert.deepEqual(fresh.map(({ ref }) => ref.event), [1, 2]);
    const deliveries = fresh.map((one) => ({
      ...one,
      shown: "read" as const,
      change: { state: "delivered" as const },
    }));
    assert.equal(await store.receipts.apply(await epochOf(store, ANA), deliveries, fresh), true);
    for (const key of ["1", "2"]) assert.deepEqual(await shown(store, key), ["delivered", "read", "accepted read"]);
  });

  it("receipts.hear() keeps each word once, in any order, and the best stands", async (store) => {
    await taken(store, "1");
    const rows: [HeardReceipt["status"], number, string][] = [
      ["sent", 1, "sent"],
      ["failed", 1, "failed"],
      ["delivered", 1, "delivered"],
      ["sent", 0, "delivered"],
      ["delivered", 0, "delivered"],
      ["read", 1, "read"],
    ];
    for (const [status, count, best] of rows) {
      assert.equal(await store.receipts.hear("/whatsapp", ["whats"], [receipt(status)]), count, status);
      const fresh = await store.receipts.fresh([ANA]);
      assert.deepEqual(new Set(fresh.map(({ standing }) => standing)), new Set([best]), status);
    }
    const { deliveries: [one] } = (await store.story(newEvent("1").id))!;
    const failed = one!.receipts.find(({ status }) => status === "failed")!;
    assert.deepEqual([failed.reason, String(failed.detail), failed.at], [
      "recipient_unreachable",
      "Error 131026 (WhatsApp)",
      new Date(HEARD_AT).toISOString(),
    ]);
    const fresh = await store.receipts.fresh([ANA]);
    assert.deepEqual(fresh.map(({ status }) => status).toSorted(), ["delivered", "failed", "read", "sent"]);
  });

  it("receipts.hear() finds the delivery by its own id, before an attempt is recorded", async (store) => {
    await accept(store, newEvent("1", [ANA]));
    await store.receipts.hear("/whatsapp", ["whats"], [receipt("sent", { delivery: idOf("1") })]);
    assert.deepEqual(await shown(store, "1"), ["pending", null, "sent"]);
    const [one] = await store.receipts.fresh([ANA]);
    const { delivery, event, lane, state, standing, wasAccepted, isLast, attempts, failures } = one!;
    assert.deepEqual([delivery, event, lane, state, standing, wasAccepted, isLast, attempts, failures], [
      idOf("1"),
      formatId(newEvent("1").id),
      ANA,
      "pending",
      "sent",
      false,
      true,
      0,
      0,
    ]);
  });

  it("receipts of a message that nobody knows yet count once it is accepted", async (store, reopen) => {
    await store.receipts.hear("/whatsapp", ["whats"], [receipt("sent"), receipt("delivered")]);
    assert.deepEqual(await store.receipts.fresh([ANA]), []);
    const next = await reopen();
    await taken(next, "1");
    assert.deepEqual(await shown(next, "1"), ["delivered", "accepted", "accepted sent delivered"]);
    const fresh = await next.receipts.fresh([ANA]);
    assert.deepEqual(fresh.map(({ wasAccepted, isLast }) => [wasAccepted, isLast]), [[true, true], [true, true]]);
  });

  it("receipts.hear() takes nothing for a delivery that is another target's, or of nobody", async (store) => {
    await accept(store, newEvent("1", ["crm"]), newEvent("2", ["whatsapp/+5531999998888"]));
    for (const delivery of [idOf("1"), idOf("2"), idOf("3"), idOf("1", 7), "no id", ""]) {
      await store.receipts.hear("/whatsapp", ["whats"], [receipt("failed", { delivery, message: `m ${delivery}` })]);
    }
    assert.deepEqual(await store.receipts.fresh(["crm", "whatsapp/+5531999998888", ANA]), []);
    assert.deepEqual(await shown(store, "1"), ["pending", null, ""]);
  });

  it("receipts that are told at another path than the target's are of nobody", async (store) => {
    await taken(store, "1");
    assert.equal(await store.receipts.hear("/outro", ["other"], [receipt("read")]), 1);
    assert.deepEqual(await store.receipts.fresh([ANA]), []);
    assert.deepEqual(await shown(store, "1"), ["delivered", "accepted", "accepted"]);
  });

  it("receipts.hear() raises the count of changes where it tells something new", async (store) => {
    await taken(store, "1");
    const before = await store.lanes.changes();
    await store.receipts.hear("/whatsapp", ["whats"], [receipt("sent")]);
    const after = await store.lanes.changes();
    assert.ok(after > before);
    await store.receipts.hear("/whatsapp", ["whats"], [receipt("sent")]);
    assert.equal(await store.lanes.changes(), after);
  });

  it("receipts.apply() changes a delivery, and does so once", async (store) => {
    await taken(store, "1");
    await store.receipts.hear("/whatsapp", ["whats"], [receipt("failed")]);
    const [one] = await store.receipts.fresh([ANA]);
    assert.equal(await apply(store, one!, "failed", { state: "dead", reason: "recipient_unreachable" }), true);
    const { deliveries: [after] } = (await store.story(newEvent("1").id))!;
    assert.deepEqual([after!.state, after!.reason, after!.receipt], ["dead", "recipient_unreachable", "failed"]);
    assert.deepEqual(await store.receipts.fresh([ANA]), []);
    assert.deepEqual((await store.deadGroups({ target: "whats" })).map(({ target, reason }) => [target, reason]), [
      [ANA, "recipient_unreachable"],
    ]);
  });

  it("receipts.apply() opens a delivery again, which is due then, and a newer message begins anew", async (store) => {
    await taken(store, "1");
    await store.receipts.hear("/whatsapp", ["whats"], [receipt("failed")]);
    const [one] = await store.receipts.fresh([ANA]);
    await apply(store, one!, "failed", { state: "pending", reason: "server_failed", dueAt: T0 + 60_000 });
    const due = await turnIn(store, ANA);
    assert.deepEqual([due.attempts, due.reason, due.revision], [1, "server_failed", 1]);
    await store.receipts.accepted([due.ref], "/whatsapp", "wamid.2");
    await record(store, [recordOf(due, "delivered")]);
    assert.deepEqual((await shown(store, "1")).slice(0, 2), ["delivered", "accepted"]);
    await store.receipts.hear("/whatsapp", ["whats"], [receipt("delivered", { message: "wamid.2" })]);
    const [next] = await store.receipts.fresh([ANA]);
    await apply(store, next!, "delivered");
    assert.deepEqual((await shown(store, "1")).slice(0, 2), ["delivered", "delivered"]);
  });

  it(
    "receipts.apply() opens a delivery again for its next attempt, which no new rule of its target brings forward",
    async (store, _, clock) => {
      await taken(store, "1");
      await store.receipts.hear("/whatsapp", ["whats"], [receipt("failed")]);
      const [one] = await store.receipts.fresh([ANA]);
      const dueAt = clock.now() + 3_600_000;
      await apply(store, one!, "failed", { state: "pending", reason: "server_failed", dueAt });
      assert.equal(await store.lanes.recall(await epochOf(store, ANA), clock.now()), 0);
      const { deliveries: [after] } = (await store.story(newEvent("1").id))!;
      assert.equal(after!.nextAttemptAt, new Date(dueAt).toISOString());
    },
  );

  it("receipts of known messages wait for whoever applies them, however long", async (store, _, clock) => {
    await taken(store, "1");
    await store.receipts.hear("/whatsapp", ["whats"], [receipt("failed")]);
    await clock.run(3 * 3_600_000);
    await store.receipts.hear("/whatsapp", ["whats"], [receipt("sent", { message: "of another program" })]);
    assert.deepEqual((await store.receipts.fresh([ANA])).map(({ status }) => status), ["failed"]);
  });

  it("receipts.fresh() gives a receipt for all deliveries of its message, however many there are", async (store) => {
    const keys = Array.from({ length: 60 }, (_, at) => `${at}`);
    await accept(store, ...keys.map((key) => newEvent(key, [ANA])));
    const refs = keys.map((_, at) => ({ event: at + 1, number: 1 }));
    const heard = [];
    for (let at = 0; at < 12; at++) {
      await store.receipts.accepted(refs, "/whatsapp", `wamid.${at}`);
      heard.push(receipt("sent", { message: `wamid.${at}` }));
    }
    await store.receipts.hear("/whatsapp", ["whats"], heard);
    assert.equal((await store.receipts.fresh([ANA])).length, 60 * 12);
  });

  it("receipts.fresh() tells a failure of an earlier message from that of the last one", async (store, _, clock) => {
    await accept(store, newEvent("1", [ANA]));
    const due = await turnIn(store, ANA);
    await store.receipts.accepted([due.ref], "/whatsapp", "wamid.1");
    await clock.run(1_000);
    await store.receipts.accepted([due.ref], "/whatsapp", "wamid.2");
    await store.receipts.hear("/whatsapp", ["whats"], [receipt("failed"), receipt("failed", { message: "wamid.2" })]);
    const fresh = await store.receipts.fresh([ANA]);
    assert.deepEqual(fresh.map(({ message, isLast }) => [message, isLast]).toSorted(), [
      ["wamid.1", false],
      ["wamid.2", true],
    ]);
  });

  it("receipts.apply() leaves all as it is of what was changed since, or of another owner's lane", async (store) => {
    await taken(store, "1");
    await store.receipts.hear("/whatsapp", ["whats"], [receipt("failed")]);
    const [one] = await store.receipts.fresh([ANA]);
    const old = await epochOf(store, ANA);
    await takeOver(store, ANA);
    const change = { state: "dead", reason: "refused" } as const;
    assert.equal(await store.receipts.apply(old, [{ ...one!, shown: "failed", change }], [one!]), false);
    assert.equal(await apply(store, { ...one!, revision: 7 }, "failed", change), false);
    assert.deepEqual((await shown(store, "1")).slice(0, 2), ["delivered", "accepted"]);
    assert.equal((await store.receipts.fresh([ANA])).length, 1);
  });

  it("receipts.fresh() is of the lanes that are asked for", async (store) => {
    await taken(store, "1");
    await store.receipts.hear("/whatsapp", ["whats"], [receipt("sent")]);
    assert.equal((await store.receipts.fresh(["whats", "whats/+5531999997777"])).length, 0);
    assert.equal((await store.receipts.fresh(["x", ANA])).length, 1);
  });

  it("expire() deletes receipts with their events, and those of nobody go within hours", async (store, _, clock) => {
    await taken(store, "1");
    await store.receipts.hear("/whatsapp", ["whats"], [
      receipt("sent"),
      receipt("sent", { message: "of another program" }),
    ]);
    await clock.run(3 * 86_400_000);
    const before = { delivered: clock.now(), dead: clock.now() };
    assert.equal((await store.upkeep.expire(0, before, 100)).deleted, 1);
    assert.equal(await store.receipts.hear("/whatsapp", ["whats"], [receipt("sent")]), 1);
    assert.equal(
      await store.receipts.hear("/whatsapp", ["whats"], [receipt("sent", { message: "of another program" })]),
      1,
    );
  });

  it("a record of an attempt under way does not undo what a receipt has said meanwhile", async (store) => {
    await accept(store, newEvent("1", [ANA]));
    const due = await turnIn(store, ANA);
    await store.receipts.hear("/whatsapp", ["whats"], [receipt("delivered", { delivery: idOf("1") })]);
    const [one] = await store.receipts.fresh([ANA]);
    await apply(store, one!, "delivered", { state: "delivered" });
    await record(store, [recordOf(due, "pending", { dueAt: T0 + 5_000 })]);
    assert.deepEqual((await shown(store, "1")).slice(0, 2), ["delivered", "delivered"]);
    await accept(store, newEvent("2", [ANA]));
    await settle(store, "delivered", ANA);
  });
}
