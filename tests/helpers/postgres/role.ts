/** Roles of a PostgreSQL server. */

import pg from "pg";
import type { Database } from "./database.ts";

/** The roles' password, of which most characters have a meaning in a URL. */
export const PASSWORD = "p@ss/wörd:%#? ";

/** Makes a role that may sign in, and no more. @param name As SQL has it. */
export async function makeRole(postgres: Database, name: string): Promise<void> {
  await postgres.query(`CREATE ROLE ${name} LOGIN PASSWORD ${pg.escapeLiteral(PASSWORD)}`);
}
