/** Retrying by ids: what the id of an event stands for, and that of a delivery. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { parseId } from "../../lib/id.ts";
import { retryIds } from "../../lib/operator/retry.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { makeFolder } from "../helpers/folder.ts";
import { accept, newEvent, settle, T0 } from "../store/samples.ts";

test("retryIds() leaves a step that has not begun alone, unless it is named itself", async () => {
  const folder = makeFolder();
  const store = openSqlite(join(folder.path, "relay.db"), new HandClock(T0));
  const targetsOf = (all: { target: string }[]) => all.map(({ target }) => target);
  try {
    const deliveries = ["a", "b", "c"].map((target, index) => ({
      target,
      chain: { chain: 0, step: index + 1, withinMs: 600_000, until: "delivered" as const, hasProof: false },
    }));
    const event = newEvent("1", [], { deliveries });
    await accept(store, event);
    await settle(store, "dead", "a", { startedAt: T0 });
    const first = await retryIds(store, [event.id], T0);
    assert.deepEqual([targetsOf(first.retried), targetsOf(first.untouched)], [["a", "b"], ["c"]]);
    const { deliveries: [, , last] } = (await store.story(event.id))!;
    assert.deepEqual(targetsOf((await retryIds(store, [parseId(last!.id)!], T0)).retried), ["c"]);
    assert.equal((await store.story(event.id))!.deliveries[2]!.chain!.isWaiting, false);
  } finally {
    await store.close();
    folder.remove();
  }
});
