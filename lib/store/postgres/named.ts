/** Which lanes of the PostgreSQL store a name stands for. */

import { lanesNamed } from "../../recipient.ts";
import type { Database } from "./database.ts";

/** The lanes that the name of a target or a lane stands for; itself if there are none. */
export async function lanesOfName(
  database: Pick<Database, "query">,
  name: string | undefined,
): Promise<string[] | undefined> {
  if (name === undefined) return undefined;
  const rows = await database.query<{ name: string }>("readStore", "SELECT name FROM relay.lanes");
  return lanesNamed(name, [name, ...rows.map((row) => row.name)]);
}
