/** Notes in the SQLite store. */

import type { StatementSync } from "node:sqlite";
import { type Clock, dueTime, latestBy } from "../clock.ts";
import type { KeptNote, NoteStore, NoteUse } from "./notes.ts";
import { keptNote, type NoteRow } from "./rows.ts";
import type { SqliteFile } from "./sqlite_file.ts";

const statements = {
  get: "SELECT at, data, problem FROM notes WHERE event = ?",
  keep: `INSERT INTO notes (event, at, data, problem)
    SELECT :event, :at, :data, :problem WHERE EXISTS (SELECT 1 FROM events WHERE seq = :event)
    ON CONFLICT (event) DO UPDATE SET at = excluded.at, data = excluded.data, problem = excluded.problem`,
  requests: "SELECT at FROM note_requests WHERE account = ? AND at >= ? ORDER BY at",
  correct: "UPDATE note_requests SET at = :now WHERE at > :latest",
  held: "SELECT until, set_at FROM note_holds WHERE account = ?",
  request: "INSERT INTO note_requests (account, at) VALUES (?, ?)",
  forget: "DELETE FROM note_requests WHERE at < ?",
  hold: `INSERT INTO note_holds (account, until, set_at) VALUES (?, ?, ?)
    ON CONFLICT (account) DO UPDATE SET until = excluded.until, set_at = excluded.set_at`,
} as const;

export class SqliteNotes implements NoteStore {
  readonly #file: SqliteFile;
  readonly #clock: Clock;
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  constructor(file: SqliteFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
    this.#sql = file.prepareAll(statements);
  }

  async get(event: number): Promise<KeptNote | undefined> {
    return this.#file.read(() => {
      const row = this.#sql.get.get(event) as unknown as NoteRow | undefined;
      return row && keptNote(row);
    });
  }

  async keep(event: number, { at, data, problem }: KeptNote): Promise<void> {
    await this.#file.write("keep a note", () => {
      this.#sql.keep.run({ event, at, data: data ?? null, problem: problem ?? null });
    });
  }

  async use(account: string, since: number): Promise<NoteUse> {
    return await this.#file.write("read the use of the API", () => {
      const now = this.#clock.now();
      this.#sql.correct.run({ now, latest: latestBy(now) });
      const requests = this.#sql.requests.all(account, since) as { at: number }[];
      const held = this.#sql.held.get(account) as { until: number; set_at: number | null } | undefined;
      const heldUntil = held && dueTime(held.until, held.set_at ?? 0, now);
      return { requests: requests.map(({ at }) => at), heldUntil };
    });
  }

  async request(account: string, at: number, forget: number): Promise<void> {
    await this.#file.write("remember a request for a note", () => {
      this.#sql.forget.run(forget);
      this.#sql.request.run(account, at);
    });
  }

  async hold(account: string, until: number, setAt: number): Promise<void> {
    await this.#file.write("remember a pause of the API", () => {
      this.#sql.hold.run(account, until, setAt);
    });
  }
}
