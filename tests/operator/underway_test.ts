/** What a running relay has under way, as its pages and its API show it. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { deliveryId, formatId, parseId } from "../../lib/id.ts";
import { showUnderway } from "../../lib/operator/underway.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import type { Store } from "../../lib/store/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { makeFolder } from "../helpers/folder.ts";
import { accept, newEvent, T0 } from "../store/samples.ts";

const events = ["1", "2", "3", "4"].map((key) => newEvent(key, ["a", "b"]));
const idOf = (key: number) => formatId(events[key - 1]!.id);

/** Shows a store of four events for two targets, of which these deliveries to `a` are under way. */
async function withUnderway(keys: number[], work: (shown: Store) => Promise<void>): Promise<void> {
  const folder = makeFolder();
  const store = openSqlite(join(folder.path, "relay.db"), new HandClock(T0));
  try {
    await accept(store, ...events);
    const underway = await Promise.all(keys.map(async (key) => {
      const { seq, deliveries: [one] } = (await store.story(parseId(idOf(key))!))!;
      return { id: one!.id, lane: one!.target, event: seq };
    }));
    // What is fetched for an event is under way in a lane of its own.
    const fetched = underway.map(({ event }) => ({
      id: formatId(deliveryId(newEvent("1").id, 9)),
      lane: "relay::notes",
      event,
    }));
    await work(showUnderway(store, () => [...underway, ...fetched]));
  } finally {
    await store.close();
    folder.remove();
  }
}

const idsOf = ({ events }: { events: { id: string }[] }) => events.map(({ id }) => id);

test("showUnderway() shows what is under way as in flight, and counts it so", async () => {
  await withUnderway([1, 3], async (shown) => {
    const { deliveries } = (await shown.story(parseId(idOf(3))!))!;
    assert.deepEqual(deliveries.map(({ target, state, nextAttemptAt }) => [target, state, nextAttemptAt === null]), [
      ["a", "in_flight", true],
      ["b", "pending", false],
    ]);
    assert.deepEqual((await shown.targets()).map(({ name, pending, inFlight }) => [name, pending, inFlight]), [
      ["a", 2, 2],
      ["b", 4, 0],
    ]);
    assert.deepEqual(idsOf(await shown.events({ target: "a", state: "pending" }, { limit: 9 })), [idOf(4), idOf(2)]);
    assert.equal((await shown.events({ state: "pending" }, { limit: 9 })).events.length, 4, "each waits for b");
  });
});

test("showUnderway() lists what is in flight page by page, the newest first, as far as it fits the filter", async () => {
  await withUnderway([1, 2, 4], async (shown) => {
    const first = await shown.events({ state: "in_flight" }, { limit: 2 });
    assert.deepEqual(idsOf(first), [idOf(4), idOf(2)]);
    const second = await shown.events({ state: "in_flight" }, { limit: 2, before: first.next });
    assert.deepEqual([idsOf(second), second.next], [[idOf(1)], undefined]);
    assert.deepEqual(idsOf(await shown.events({ state: "in_flight", target: "b" }, { limit: 9 })), []);
    assert.deepEqual(idsOf(await shown.events({ state: "in_flight", text: '"key":"2"' }, { limit: 9 })), [idOf(2)]);
  });
});
