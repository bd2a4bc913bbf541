/** A transaction that keeps its locks for as long as a test needs them. */

import pg from "pg";
import { inSchema, quotedName } from "../../../lib/store/postgres/sql_text.ts";
import { parsePostgresUrl } from "../../../lib/store/postgres/url.ts";

export interface Holder {
  /** How many sessions of the server wait for a lock, whoever has it. */
  waiting(): Promise<number>;
  /** Keeps what the transaction wrote, and lets go of its locks. */
  commit(): Promise<void>;
}

/**
 * Runs SQL in a transaction that stays open during `work`. What is not committed by then is undone.
 * @param url Of a store. The SQL calls its schema `relay`.
 */
export async function whileHeld(url: string, sql: string, work: (holder: Holder) => Promise<void>): Promise<void> {
  const place = new URL(url);
  place.search = "";
  const client = new pg.Client({ connectionString: place.href });
  await client.connect();
  try {
    await client.query(`BEGIN; ${inSchema(sql, quotedName(parsePostgresUrl(url).schema))}`);
    await work({
      async waiting() {
        // Unlike pg_stat_activity, this view shows what is, also within a transaction that has read it before.
        const { rows: [row] } = await client.query("SELECT count(*)::int AS count FROM pg_locks WHERE NOT granted");
        return row.count;
      },
      commit: async () => void await client.query("COMMIT"),
    });
  } finally {
    await client.end();
  }
}
