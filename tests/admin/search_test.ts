/** Searches through the admin listener end when nobody waits for them. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createAdmin } from "../../lib/admin/mod.ts";
import { systemClock } from "../../lib/clock.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { Reporter } from "../../lib/duties/report.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { incomingOf } from "../helpers/incoming.ts";
import { makeFolder } from "../helpers/folder.ts";
import { configOf } from "../helpers/relay.ts";

for (const path of ["/api/events?text=x", "/api/deliveries", "/events?search=x", "/dead"]) {
  test(`GET ${path} has the store look no further when the client has gone`, async () => {
    const { path: folder, remove } = makeFolder();
    const store = openSqlite(join(folder, "relay.db"), systemClock);
    try {
      const file = join(folder, "relay.config.ts");
      writeFileSync(
        file,
        configOf({ targets: 'crm: http({ url: "http://127.0.0.1:9/" })', routes: '{ on: "**", to: "crm" }' }),
      );
      const loaded = await loadConfig(file);
      const gone = new AbortController();
      const stopping = new AbortController();
      const signals: AbortSignal[] = [];
      const events = store.events.bind(store);
      store.events = (filter, page) => {
        signals.push(page.signal!);
        return events(filter, page);
      };
      const answer = createAdmin({
        store,
        reporter: new Reporter(store, { pid: 1, version: "1", config: file, targets: [] }, systemClock),
        probe: () => store.probe(0),
        loaded: () => loaded,
        warnings: () => [],
        token: () => undefined,
        host: "127.0.0.1",
        shared: () => undefined,
        wake() {},
        stopping: stopping.signal,
      });
      const ask = (signal?: AbortSignal) =>
        answer(incomingOf(`http://127.0.0.1${path}`, { signal, headers: { Host: "127.0.0.1" }, client: "127.0.0.1" }));
      assert.equal((await ask(gone.signal)).status, 200);
      assert.equal((await ask()).status, 200);
      assert.deepEqual(signals.map(({ aborted }) => aborted), [false, false]);
      gone.abort();
      assert.deepEqual(signals.map(({ aborted }) => aborted), [true, false]);
      stopping.abort();
      assert.deepEqual(signals.map(({ aborted }) => aborted), [true, true]);
    } finally {
      await store.close();
      remove();
    }
  });
}
