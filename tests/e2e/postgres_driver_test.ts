/** The driver of PostgreSQL is for relays on PostgreSQL. */

import { test } from "node:test";
import { keepsDriverForDatabases } from "../helpers/postgres/driver.ts";

test("serve evaluates the driver of PostgreSQL for a store there alone", async () => {
  await keepsDriverForDatabases();
});
