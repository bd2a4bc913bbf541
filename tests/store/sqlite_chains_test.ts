/** Receipts of a chain's deliveries in the SQLite store. */

import { join } from "node:path";
import { test } from "node:test";
import { SqliteChains } from "../../lib/store/sqlite/chains.ts";
import { SqliteFile } from "../../lib/store/sqlite/file.ts";
import { openSqlite } from "../../lib/store/sqlite/mod.ts";
import { HandClock } from "../helpers/clock.ts";
import { makeFolder } from "../helpers/folder.ts";
import { receiptTests } from "./chain_receipts.ts";
import { T0 } from "./samples.ts";

for (const [what, work] of Object.entries(receiptTests)) {
  test(`SqliteChains.settle() ${what}`, async () => {
    const folder = makeFolder();
    const path = join(folder.path, "relay.db");
    const clock = new HandClock(T0);
    const store = openSqlite(path, clock);
    const file = new SqliteFile(path, clock, {});
    const chains = new SqliteChains(file);
    const note = file.prepare("UPDATE deliveries SET receipt = ? WHERE event = 1 AND number = ?");
    try {
      await work({
        store,
        receive: (number, receipt) =>
          file.write("recordAttempts", () => {
            note.run(receipt, number);
            const changes = { released: new Set<string>(), outdated: new Set<string>() };
            chains.settle(chains.of({ event: 1, number })!, clock.now(), changes);
          }),
      });
    } finally {
      file.close();
      await store.close();
      folder.remove();
    }
  });
}
