/** The admin listener over a store of its own, without a relay around it. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAdmin } from "../../lib/admin/mod.ts";
import { systemClock } from "../../lib/clock.ts";
import { loadConfig } from "../../lib/config/load.ts";
import { Reporter } from "../../lib/duties/report.ts";
import type { Store } from "../../lib/store/mod.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { makeFolder } from "./folder.ts";
import { incomingOf } from "./incoming.ts";
import { configOf } from "./relay.ts";

/** Asks the listener, as from this machine. */
export type Ask = (
  path: string,
  options?: { method?: string; body?: string; signal?: AbortSignal },
) => Promise<Response>;

/**
 * Works with an admin listener whose config has the target `crm`.
 * @param fill Puts something into the store's file before it is opened.
 */
export async function withAdmin(
  work: (ask: Ask, store: Store, stopping: AbortController) => Promise<void>,
  fill: (path: string) => Promise<void> = async () => {},
): Promise<void> {
  const { path: folder, remove } = makeFolder();
  await fill(join(folder, "relay.db"));
  const store = openSqlite(join(folder, "relay.db"), systemClock);
  try {
    const file = join(folder, "relay.config.ts");
    writeFileSync(
      file,
      configOf({ targets: 'crm: http({ url: "http://127.0.0.1:9/" })', routes: '{ on: "**", to: "crm" }' }),
    );
    const loaded = await loadConfig(file);
    const stopping = new AbortController();
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
    const headers = { Host: "127.0.0.1", "Content-Type": "application/x-www-form-urlencoded" };
    const ask: Ask = async (path, options) =>
      await answer(incomingOf(`http://127.0.0.1${path}`, { ...options, headers, client: "127.0.0.1" }));
    await work(ask, store, stopping);
  } finally {
    await store.close();
    remove();
  }
}
