/** Searches through the admin listener end when nobody waits for them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { withAdmin } from "../helpers/admin.ts";

for (const path of ["/api/events?text=x", "/api/deliveries", "/events?search=x", "/dead"]) {
  test(`GET ${path} has the store look no further when the client has gone`, async () => {
    await withAdmin(async (ask, store, stopping) => {
      const gone = new AbortController();
      const signals: AbortSignal[] = [];
      const events = store.events.bind(store);
      store.events = (filter, page) => {
        signals.push(page.signal!);
        return events(filter, page);
      };
      assert.equal((await ask(path, { signal: gone.signal })).status, 200);
      assert.equal((await ask(path)).status, 200);
      assert.deepEqual(signals.map(({ aborted }) => aborted), [false, false]);
      gone.abort();
      assert.deepEqual(signals.map(({ aborted }) => aborted), [true, false]);
      stopping.abort();
      assert.deepEqual(signals.map(({ aborted }) => aborted), [true, true]);
    });
  });
}
