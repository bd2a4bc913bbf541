/** What every store does: raising the count of changes by which owners learn what an operator asked for. */

import assert from "node:assert/strict";
import { systemEvent } from "../../lib/system_event.ts";
import type { Store } from "../../lib/store/mod.ts";
import type { It } from "./contract.ts";
import { accept, begin, dueIn, epochOf, newEvent, record, recordOf, settle, T0, takeOver, turnIn } from "./samples.ts";

/** By how much this raises the count. */
async function raised(store: Store, work: () => Promise<unknown>): Promise<number> {
  const before = await store.lanes.changes();
  await work();
  return await store.lanes.changes() - before;
}

export function testChanges(it: It): void {
  it("changes() is raised by every verb of an operator, also across a restart", async (store, reopen) => {
    await accept(store, newEvent("1"));
    const { ref } = await turnIn(store);
    const verbs: [string, (store: Store) => Promise<unknown>][] = [
      ["retry", (on) => on.retry([ref], T0)],
      ["redeliver", (on) => on.redeliver([{ seq: 1, deliveries: [{ target: "b" }] }], T0)],
      ["send", (on) => on.send(newEvent("2"))],
      ["pause", (on) => on.pause("a", T0)],
      ["resume", (on) => on.resume("a")],
    ];
    for (const [name, act] of verbs) assert.ok(await raised(store, () => act(store)) > 0, name);
    const count = await store.lanes.changes();
    assert.equal(await (await reopen()).lanes.changes(), count);
  });

  it("changes() is raised by nothing that a relay does on its own", async (store, _reopen, clock) => {
    const count = await raised(store, async () => {
      await accept(store, newEvent("1", ["a:rex"]), newEvent("2", ["a:rex"]), newEvent("3", ["b"]), newEvent("4", []));
      const { epoch } = await takeOver(store);
      const [head] = (await dueIn(store)).due;
      await begin(store, [head!]);
      await store.lanes.park(epoch, ["rex"]);
      await store.lanes.unpark(epoch);
      await record(store, [recordOf(head!, "pending", { wasBegun: true })], { openUntil: T0 + 9 });
      await store.lanes.hold([{ epoch, hold: {} }]);
      const { ref, revision } = await turnIn(store, "b");
      await store.lanes.await(await epochOf(store, "b"), [{ ref, revision, awaits: { lane: "relay::notes" } }]);
      await settle(store, "delivered", "relay::notes");
      await settle(store, "dead", "b");
      await store.lanes.countCrash(["a", "b"]);
      await store.lanes.forgetUnderway(["a", "b"]);
      await store.lanes.bringForward();
      await store.alarms.watch(["one"], T0);
      await store.alarms.turn(
        "one",
        T0,
        systemEvent("relay.alarm.begin", ["a"], { alarm: "dead", limit: 1, since: "" }, T0),
      );
      await store.upkeep.observe();
      await store.upkeep.expire(0, { delivered: clock.now(), dead: clock.now() }, 9);
      await store.upkeep.keepRetention(T0);
      await store.upkeep.shrink();
      await store.probe(0);
      await store.serve();
      await store.lanes.giveUp([epoch]);
      await store.targets();
    });
    assert.equal(count, 0);
  });
}
