/** The mark of a PostgreSQL store that is moved, or was. */

import type { Mark } from "../move.ts";

/** Runs a statement, in which the schema's name is `relay`. */
type Query = <Row>(sql: string) => Promise<Row[]>;

export async function readMark(query: Query): Promise<Mark | undefined> {
  return (await query<Mark>(`SELECT role, move, other, is_done AS "isDone" FROM relay.moves`))[0];
}
