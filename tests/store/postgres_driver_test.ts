/** The driver of PostgreSQL is for relays on PostgreSQL. */

import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { keepsDriverForDatabases } from "../helpers/postgres/driver.ts";

const program = fileURLToPath(new URL("../../main.ts", import.meta.url));
const runtime = process.versions.bun ? [] : ["run", "-A", "--no-check"];

test("serve from source evaluates the driver of PostgreSQL for a store there alone", async () => {
  await keepsDriverForDatabases([process.execPath, ...runtime, program]);
});
