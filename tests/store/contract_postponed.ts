/** What every store does: deliveries that their target does not take before a time of day. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Due, Store } from "../../lib/store/mod.ts";
import type { It } from "./contract.ts";
import {
  accept,
  attemptsOf,
  dueIn,
  epochOf,
  keysOf,
  newEvent,
  nextIn,
  record,
  recordOf,
  refOf,
  settle,
  statesOf,
  T0,
  takeOver,
  turnIn,
  turnsIn,
} from "./samples.ts";

const HOUR = 3_600_000;

/** Puts deliveries off that were read, as their owner. */
async function postpone(store: Store, due: readonly Due[], dueAt: number): Promise<boolean> {
  return await store.lanes.postpone(
    await epochOf(store, due[0]!.lane),
    due.map(({ ref, revision }) => ({ ref, revision, dueAt })),
  );
}

export function testPostponed(it: It): void {
  it("postpone() puts deliveries off, and counts no attempt", async (store, reopen, clock) => {
    await accept(store, newEvent("1", ["a", "b"]), newEvent("2"));
    const due = await turnsIn(store);
    assert.deepEqual(due.map(({ putOffAt }) => putOffAt), [undefined, undefined]);
    const at = clock.now();
    assert.equal(await postpone(store, due, at + HOUR), true);
    assert.deepEqual([(await dueIn(store)).due, await nextIn(store)], [[], at + HOUR - T0]);
    assert.deepEqual((await turnIn(store, "b")).ref, { event: 1, number: 2 });
    const after = await reopen();
    assert.deepEqual((await statesOf(after, newEvent("1")))[0], ["pending", 0, null, at + HOUR - T0]);
    clock.pass(HOUR);
    const again = await turnsIn(after);
    assert.deepEqual(
      again.map(({ ref, revision, attempts, dueAt, putOffAt }) => [ref, revision, attempts, dueAt, putOffAt]),
      [
        [{ event: 1, number: 1 }, 0, 0, at + HOUR, at],
        [{ event: 2, number: 1 }, 0, 0, at + HOUR, at],
      ],
    );
    assert.deepEqual(await attemptsOf(after, due[0]!.id), []);
  });

  it("postpone() leaves alone what is done or was changed since it was read", async (store, _reopen, clock) => {
    await accept(store, newEvent("1"), newEvent("2"), newEvent("3"));
    const due = await turnsIn(store);
    await record(store, [recordOf(due[0]!, "delivered")]);
    await store.retry([await refOf(store, newEvent("2"))], clock.now());
    assert.equal(await postpone(store, due, clock.now() + HOUR), true);
    assert.equal((await statesOf(store, newEvent("1")))[0]![0], "delivered");
    assert.deepEqual(keysOf((await dueIn(store)).due), ["2"]);
    assert.deepEqual((await turnIn(store)).putOffAt, undefined);
  });

  it("postpone() of an owner before the last one writes nothing, and says so", async (store, _reopen, clock) => {
    await accept(store, newEvent("1"));
    const due = await turnIn(store);
    const epoch = await epochOf(store, "a");
    await takeOver(store);
    const postponed = [{ ref: due.ref, revision: due.revision, dueAt: clock.now() + HOUR }];
    assert.equal(await store.lanes.postpone(epoch, postponed), false);
    assert.equal((await turnIn(store)).putOffAt, undefined);
  });

  it("postpone() keeps what a delivery awaited and was fetched for it", async (store, _reopen, clock) => {
    const lane = "relay::notes";
    await accept(store, newEvent("1", [], { deliveries: [{ target: "a", awaits: { lane } }] }));
    const fetched = Buffer.from('{"id":"n1","name":"Rex"}');
    await settle(store, "delivered", lane, { outcome: { kind: "delivered", fetched } });
    await postpone(store, [await turnIn(store)], clock.now() + HOUR);
    clock.pass(HOUR);
    const due = await turnIn(store);
    assert.deepEqual([due.awaited, due.event.note?.name], [lane, "Rex"]);
  });

  it("retry() makes due at once what was put off", async (store, _reopen, clock) => {
    await accept(store, newEvent("1"));
    await postpone(store, [await turnIn(store)], clock.now() + HOUR);
    await store.retry([await refOf(store, newEvent("1"))], clock.now());
    const due = await turnIn(store);
    assert.deepEqual([due.putOffAt, due.revision], [undefined, 1]);
  });

  it("bringForward() makes due what a clock that was ahead put off", async (store, _reopen, clock) => {
    const at = clock.now();
    await accept(store, newEvent("1"), newEvent("2"));
    const [one, two] = await turnsIn(store);
    await postpone(store, [one!], at + 9 * HOUR);
    clock.set(at + 2 * HOUR);
    await postpone(store, [two!], at + 3 * HOUR);
    clock.set(at);
    assert.equal(await store.lanes.bringForward(), 1);
    assert.deepEqual([keysOf((await dueIn(store)).due), (await turnIn(store)).putOffAt], [["2"], undefined]);
  });

  it(
    "recall() makes due what was put off until later than that, and no pause after an attempt",
    async (store, _, clock) => {
      const at = clock.now();
      await accept(
        store,
        ...["first", "soon", "retried", "pausing"].map((key) => newEvent(key)),
        newEvent("other", ["b"]),
      );
      const [first, soon, retried, pausing] = await turnsIn(store) as [Due, Due, Due, Due];
      await record(store, [
        recordOf(retried, "pending", { startedAt: at - 500, dueAt: at }),
        recordOf(pausing, "pending", { startedAt: at - 500, dueAt: at + 9 * HOUR }),
      ]);
      await postpone(store, [first, retried], at + 9 * HOUR);
      await postpone(store, [soon], at + HOUR);
      await postpone(store, [await turnIn(store, "b")], at + 9 * HOUR);
      const epoch = await epochOf(store, "a");
      assert.equal(await store.lanes.recall(epoch, at + HOUR), 2);
      const { due, nextAt } = await dueIn(store);
      assert.deepEqual([keysOf(due), nextAt], [["first", "retried"], at + HOUR]);
      assert.deepEqual(due.map(({ dueAt, putOffAt, failures }) => [dueAt, putOffAt, failures]), [
        [at, undefined, 0],
        [at, undefined, 1],
      ]);
      assert.equal(await store.lanes.recall(epoch, at), 1);
      assert.deepEqual([keysOf((await dueIn(store)).due).sort(), await nextIn(store)], [
        ["first", "retried", "soon"],
        at + 9 * HOUR - T0,
      ]);
      await takeOver(store);
      await postpone(store, [first], at + HOUR);
      assert.equal(await store.lanes.recall(epoch, at), 0, "of an owner before the last one");
    },
  );

  it("recall() leaves alone what awaits another delivery, until that has ended", async (store, _reopen, clock) => {
    const lane = "relay::notes";
    const deliveries = [{ target: "a", awaits: { lane, patienceMs: HOUR } }];
    await accept(store, newEvent("1", [], { deliveries, receivedAt: clock.now() }));
    const epoch = await epochOf(store, "a");
    assert.equal(await store.lanes.recall(epoch, clock.now()), 0);
    await settle(store, "delivered", lane, { outcome: { kind: "delivered", fetched: Buffer.from("{}") } });
    await postpone(store, [await turnIn(store)], clock.now() + HOUR);
    assert.equal(await store.lanes.recall(epoch, clock.now()), 1);
    assert.equal((await turnIn(store)).awaited, lane);
  });

  it("recall() goes through any number of deliveries", async (store, _reopen, clock) => {
    const many = Array.from({ length: 4_100 }, (_, index) => newEvent(`${index}`));
    await accept(store, ...many);
    const epoch = await epochOf(store, "a");
    const postponed = many.map((_, index) => ({
      ref: { event: index + 1, number: 1 },
      revision: 0,
      dueAt: clock.now() + HOUR,
    }));
    await store.lanes.postpone(epoch, postponed);
    assert.equal((await dueIn(store)).due.length, 0);
    assert.equal(await store.lanes.recall(epoch, clock.now()), 4_100);
    assert.deepEqual([(await dueIn(store)).due.length, await nextIn(store)], [100, undefined]);
  });
}
