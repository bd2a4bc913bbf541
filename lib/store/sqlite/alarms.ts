/** What the SQLite store keeps about alarms. */

import type { StatementSync } from "node:sqlite";
import type { AlarmState } from "../../alert.ts";
import type { Clock } from "../../clock.ts";
import type { NewEvent } from "../../event.ts";
import { SYSTEM_SOURCE } from "../../system_event.ts";
import { type AlarmRow, alarmStatesOf, lastReceivedOf, type TypeRow } from "../alarm_rows.ts";
import type { AlarmStore } from "../alarms.ts";
import type { SqliteAccept } from "./accept.ts";
import type { SqliteFile } from "./file.ts";
import { isTarget } from "./statements.ts";

const statements = {
  states: "SELECT key, watched_since, since FROM alarms",
  watch: "INSERT INTO alarms (key, watched_since) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
  forget: "DELETE FROM alarms WHERE key NOT IN (SELECT value FROM json_each(?))",
  turn: "UPDATE alarms SET since = :since WHERE key = :key AND (since IS NULL) <> (:since IS NULL)",

  /** Uses the index of dead letters; the join is written so that nothing else is scanned. */
  countDead: `SELECT count(*) AS count FROM (SELECT 1 FROM deliveries d CROSS JOIN events e ON e.seq = d.event
    WHERE d.state = 'dead' AND ${isTarget("d.target")} AND e.source <> '${SYSTEM_SOURCE}' LIMIT ?)`,

  lastReceived: "SELECT name, received_at FROM types",
} as const;

export class SqliteAlarms implements AlarmStore {
  readonly #file: SqliteFile;
  readonly #clock: Clock;
  readonly #sql: Record<keyof typeof statements, StatementSync>;
  readonly #accept: SqliteAccept;

  constructor(file: SqliteFile, clock: Clock, accept: SqliteAccept) {
    this.#file = file;
    this.#clock = clock;
    this.#sql = file.prepareAll(statements);
    this.#accept = accept;
  }

  async states(): Promise<Map<string, AlarmState>> {
    return this.#file.read(() => this.#states());
  }

  #states(): Map<string, AlarmState> {
    return alarmStatesOf(this.#sql.states.all() as unknown as AlarmRow[], this.#clock.now());
  }

  async watch(keys: readonly string[], now: number): Promise<Map<string, AlarmState>> {
    return await this.#file.write("checkAlarms", () => {
      this.#sql.forget.run(JSON.stringify(keys));
      for (const key of keys) this.#sql.watch.run(key, now);
      return this.#states();
    });
  }

  async turn(key: string, since: number | undefined, event: NewEvent): Promise<boolean> {
    return await this.#file.write("storeAlarm", () => {
      const { changes } = this.#sql.turn.run({ key, since: since ?? null });
      if (Number(changes) === 0) return false;
      this.#accept.accept(event);
      return true;
    });
  }

  async countDead(limit: number): Promise<number> {
    return this.#file.read(() => (this.#sql.countDead.get(limit) as { count: number }).count);
  }

  async lastReceived(): Promise<Map<string, number>> {
    return lastReceivedOf(this.#file.read(() => this.#sql.lastReceived.all() as unknown as TypeRow[]));
  }
}
