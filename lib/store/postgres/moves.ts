/** The mark of a PostgreSQL store that is being moved, or has been. */

import type { Mark } from "../move.ts";

/** Runs a statement, in which the schema is called `relay`. */
type Query = <Row>(sql: string) => Promise<Row[]>;

export async function readMark(query: Query): Promise<Mark | undefined> {
  return (await query<Mark>(`SELECT role, move, other, is_done AS "isDone" FROM relay.moves`))[0];
}
