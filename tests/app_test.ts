/** The relay as a whole: how it stops. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startApp } from "../lib/app.ts";
import { systemClock } from "../lib/clock.ts";
import { loadConfig } from "../lib/config/load.ts";
import { openStore } from "../lib/store_place.ts";
import { makeFolder } from "./helpers/folder.ts";
import { configOf } from "./helpers/relay.ts";
import { until } from "./helpers/wait.ts";

test("stop() accepts no more from the first moment on, though the store does not answer", async () => {
  const folder = makeFolder();
  try {
    const file = join(folder.path, "relay.config.ts");
    writeFileSync(
      file,
      configOf({ targets: 'crm: http({ url: "http://127.0.0.1:1" })', routes: '{ on: "**", to: "crm" }' }),
    );
    let isAsked = false;
    let isSilent = false;
    const app = await startApp(await loadConfig(file), async (loaded) => {
      const store = await openStore(loaded);
      const changes = store.lanes.changes.bind(store.lanes);
      store.lanes.changes = async () => {
        isAsked = isSilent;
        if (isSilent) await systemClock.sleep(3_000);
        return await changes();
      };
      return store;
    });
    const { port } = app.addresses[0]!;
    const answers = () => fetch(`http://127.0.0.1:${port}/`).then((one) => one.text()).then(() => true, () => false);
    assert.equal(await answers(), true);
    isSilent = true;
    await until("a look for changes", () => isAsked);
    const stopped = app.stop();
    await until("the end of the listener", async () => !await answers(), 2_000);
    await stopped;
  } finally {
    folder.remove();
  }
});
