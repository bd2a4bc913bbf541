/** What the PostgreSQL store keeps about sessions. */

import type { Session, SessionStore } from "../sessions.ts";
import type { Database } from "./database.ts";

const statements = {
  end: `WITH forgotten AS (DELETE FROM relay.ended_sessions WHERE until <= $3)
    INSERT INTO relay.ended_sessions (id, until) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`,
  isEnded: "SELECT EXISTS (SELECT 1 FROM relay.ended_sessions WHERE id = $1) AS is_ended",
} as const;

export class PostgresSessions implements SessionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async end({ id, until }: Session, now: number): Promise<void> {
    await this.#database.query("signOut", statements.end, [id, until, now]);
  }

  async isEnded(id: string): Promise<boolean> {
    const [row] = await this.#database.query<{ is_ended: boolean }>("readStore", statements.isEnded, [id]);
    return row!.is_ended;
  }
}
