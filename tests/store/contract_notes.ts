/** What every store does: keeping notes, and what was used of the API's limit. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Claimed } from "../../lib/store/mod.ts";
import type { It } from "./contract.ts";
import { claimAll, claimOne, newEvent, recordOf, T0 } from "./samples.ts";

const data = Buffer.from('{"name":"Rex"}');

export function testNotes(it: It): void {
  it("notes.keep() keeps a note with its event, in place of what was kept, across a restart", async (store, reopen) => {
    await store.accept([newEvent("1"), newEvent("2")]);
    const [{ ref }] = await claimAll(store) as [Claimed];
    assert.equal(await store.notes.get(ref.event), undefined);
    await store.notes.keep(ref.event, { at: T0, problem: "It answered 404" });
    assert.deepEqual(await store.notes.get(ref.event), { at: T0, data: undefined, problem: "It answered 404" });
    await store.notes.keep(ref.event, { at: T0 + 1, data });
    const after = await reopen();
    const kept = (await after.notes.get(ref.event))!;
    assert.deepEqual({ ...kept, data: Buffer.from(kept.data!) }, { at: T0 + 1, data, problem: undefined });
    const [one, two] = [await after.story(newEvent("1").id), await after.story(newEvent("2").id)];
    assert.deepEqual(Buffer.from(one!.details!.data!), data);
    assert.equal(two!.details, undefined);
  });

  it("notes.keep() keeps nothing for an event that is gone, and what is kept goes with the event", async (store) => {
    await store.notes.keep(7, { at: T0, data });
    assert.equal(await store.notes.get(7), undefined);
    await store.accept([newEvent("1")]);
    const claimed = await claimOne(store);
    await store.notes.keep(claimed.ref.event, { at: T0, data });
    await store.record([recordOf(claimed, "delivered")]);
    const ages = { delivered: T0 + 1, dead: T0 + 1 };
    assert.equal((await store.expire(0, ages, 10)).deleted, 1);
    assert.equal(await store.notes.get(claimed.ref.event), undefined);
  });

  it(
    "notes.use() tells what an account used of late, and for how long it is held, across a restart",
    async (store, reopen) => {
      assert.deepEqual(await store.notes.use("x", 0), { requests: [], heldUntil: undefined });
      await store.notes.request("x", T0 + 5, 0);
      await store.notes.request("x", T0 + 3, 0);
      await store.notes.request("y", T0 + 4, 0);
      await store.notes.hold("x", T0 + 30_000, T0);
      await store.notes.hold("x", T0 + 60_000, T0);
      const after = await reopen();
      assert.deepEqual(await after.notes.use("x", T0), { requests: [T0 + 3, T0 + 5], heldUntil: T0 + 60_000 });
      assert.deepEqual(await after.notes.use("x", T0 + 4), { requests: [T0 + 5], heldUntil: T0 + 60_000 });
      await after.notes.request("y", T0 + 9, T0 + 5);
      assert.deepEqual((await after.notes.use("x", 0)).requests, [T0 + 5]);
      assert.deepEqual((await after.notes.use("y", 0)).requests, [T0 + 9]);
    },
  );
}
