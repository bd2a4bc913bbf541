/** What the database of a config's store is, for `relay check` and the start of `relay serve`. */

import { systemClock } from "../clock.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { DatabaseReport } from "../store/postgres/report.ts";
import { storePlace } from "../store_place.ts";

/** How long a database has to say what it is, in milliseconds: whether the config is sound does not depend on it. */
const WAIT_MS = 4_000;

/** Never rejects; `undefined` for a store in a file. */
export async function databaseReport(loaded: LoadedConfig): Promise<DatabaseReport | undefined> {
  const place = storePlace(loaded);
  if ("file" in place) return undefined;
  const { reportOn } = await import("../store/postgres/report.ts");
  return await reportOn(place.database, systemClock, WAIT_MS);
}
