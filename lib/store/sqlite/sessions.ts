/** What the SQLite store keeps about sessions. */

import type { StatementSync } from "node:sqlite";
import type { Session, SessionStore } from "../sessions.ts";
import type { SqliteFile } from "./file.ts";

const statements = {
  end: "INSERT INTO ended_sessions (id, until) VALUES (?, ?) ON CONFLICT (id) DO NOTHING",
  forget: "DELETE FROM ended_sessions WHERE until <= ?",
  find: "SELECT 1 FROM ended_sessions WHERE id = ?",
} as const;

export class SqliteSessions implements SessionStore {
  readonly #file: SqliteFile;
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  constructor(file: SqliteFile) {
    this.#file = file;
    this.#sql = file.prepareAll(statements);
  }

  async end({ id, until }: Session, now: number): Promise<void> {
    await this.#file.write("signOut", () => {
      this.#sql.forget.run(now);
      this.#sql.end.run(id, until);
    });
  }

  async isEnded(id: string): Promise<boolean> {
    return this.#file.read(() => this.#sql.find.get(id) !== undefined);
  }
}
