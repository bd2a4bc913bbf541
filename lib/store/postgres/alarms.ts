/** What the PostgreSQL store keeps about alarms. */

import type { AlarmState } from "../../alert.ts";
import type { NewEvent } from "../../event.ts";
import { SYSTEM_SOURCE } from "../../system_event.ts";
import { type AlarmRow, alarmStatesOf, lastReceivedOf, type TypeRow } from "../alarm_rows.ts";
import type { AlarmStore } from "../alarms.ts";
import { eventColumns } from "./columns.ts";
import type { Database } from "./database.ts";

const statements = {
  states: "SELECT key, watched_since, since FROM relay.alarms ORDER BY key",
  lastReceived: "SELECT name, received_at FROM relay.types",
} as const;

export class PostgresAlarms implements AlarmStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async states(): Promise<Map<string, AlarmState>> {
    return this.#statesOf(await this.#database.query<AlarmRow>("readStore", statements.states));
  }

  #statesOf(rows: readonly AlarmRow[]): Map<string, AlarmState> {
    return alarmStatesOf(rows, this.#database.time.now());
  }

  async watch(keys: readonly string[], now: number): Promise<Map<string, AlarmState>> {
    return this.#statesOf(await this.#database.call<AlarmRow>("checkAlarms", "watch", [keys, now]));
  }

  async turn(key: string, since: number | undefined, event: NewEvent): Promise<boolean> {
    const doing = "storeAlarm";
    const { args } = this.#database.told(doing, () => eventColumns([event]));
    const [row] = await this.#database.call<{ was_turned: boolean }>(doing, "turn_alarm", [
      key,
      since,
      this.#database.at(),
      ...args,
    ]);
    return row!.was_turned;
  }

  async countDead(limit: number): Promise<number> {
    const args = [limit, SYSTEM_SOURCE];
    const [row] = await this.#database.call<{ count: number }>("readStore", "count_dead", args);
    return row!.count;
  }

  async lastReceived(): Promise<Map<string, number>> {
    const rows = await this.#database.query<TypeRow>("readStore", statements.lastReceived);
    return lastReceivedOf(rows);
  }
}
