/** What the SQLite store keeps of alarms. */

import type { StatementSync } from "node:sqlite";
import type { AlarmState } from "../alert.ts";
import type { Clock } from "../clock.ts";
import { isSystem, SYSTEM_SOURCE } from "../system_event.ts";
import type { AlarmStore } from "./alarms.ts";
import type { NewEvent } from "./mod.ts";
import type { SqliteFile } from "./sqlite_file.ts";

/** Types of events are told apart to this many milliseconds in time, so that many events cost few writes. */
const GRAIN_MS = 100;

/** An event that was received longer than this before the last one of its type was received by a clock set back since. */
const LATE_MS = 60_000;

/** Types of which no event came in for longer than this before the oldest event that is kept are forgotten. */
const FORGET_MS = 30 * 86_400_000;

const statements = {
  states: "SELECT key, watched_since, since FROM alarms",
  watch: "INSERT INTO alarms (key, watched_since) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
  forget: "DELETE FROM alarms WHERE key NOT IN (SELECT value FROM json_each(?))",
  turn: "UPDATE alarms SET since = :since WHERE key = :key AND (since IS NULL) <> (:since IS NULL)",

  /** By the index of dead letters: the join is written so that nothing else is looked through. */
  countDead: `SELECT count(*) AS count FROM (SELECT 1 FROM deliveries d CROSS JOIN events e ON e.seq = d.event
    WHERE d.state = 'dead' AND e.source <> '${SYSTEM_SOURCE}' LIMIT ?)`,

  lastReceived: "SELECT name, received_at FROM types",
  noteType: `INSERT INTO types (name, received_at) VALUES (?, ?) ON CONFLICT (name)
    DO UPDATE SET received_at = excluded.received_at
    WHERE excluded.received_at NOT BETWEEN received_at - ${LATE_MS} AND received_at + ${GRAIN_MS - 1}`,
  forgetTypes: "DELETE FROM types WHERE received_at < ?",
} as const;

export class SqliteAlarms implements AlarmStore {
  readonly #file: SqliteFile;
  readonly #clock: Clock;
  readonly #sql: Record<keyof typeof statements, StatementSync>;
  readonly #accept: (event: NewEvent) => unknown;
  /** Types that came in within the transaction that is open, and when. */
  #received = new Map<string, number>();

  /** @param accept Keeps an event within the transaction that is open. */
  constructor(file: SqliteFile, clock: Clock, accept: (event: NewEvent) => unknown) {
    this.#file = file;
    this.#clock = clock;
    this.#sql = file.prepareAll(statements);
    this.#accept = accept;
  }

  async states(): Promise<Map<string, AlarmState>> {
    return this.#file.read(() => this.#states());
  }

  #states(): Map<string, AlarmState> {
    const rows = this.#sql.states.all() as unknown as StateRow[];
    const now = this.#clock.now();
    return new Map(rows.map(({ key, watched_since: watchedSince, since }) => [
      key,
      { watchedSince, since: since === null ? undefined : Math.min(since, now) },
    ]));
  }

  async watch(keys: readonly string[], now: number): Promise<Map<string, AlarmState>> {
    return await this.#file.write("watch for alarms", () => {
      this.#sql.forget.run(JSON.stringify(keys));
      for (const key of keys) this.#sql.watch.run(key, now);
      return this.#states();
    });
  }

  async turn(key: string, since: number | undefined, event: NewEvent): Promise<boolean> {
    return await this.#file.write("store an alarm", () => {
      const { changes } = this.#sql.turn.run({ key, since: since ?? null });
      if (Number(changes) === 0) return false;
      this.#accept(event);
      return true;
    });
  }

  async countDead(limit: number): Promise<number> {
    return this.#file.read(() => (this.#sql.countDead.get(limit) as { count: number }).count);
  }

  async lastReceived(): Promise<Map<string, number>> {
    const rows = this.#file.read(() => this.#sql.lastReceived.all() as unknown as TypeRow[]);
    return new Map(rows.map(({ name, received_at }) => [name, received_at]));
  }

  /** A transaction begins. */
  begin(): void {
    this.#received.clear();
  }

  /** An event was stored in the transaction that is open. */
  noteReceived(event: NewEvent): void {
    if (isSystem(event)) return;
    const before = this.#received.get(event.type) ?? -Infinity;
    const isLate = event.receivedAt < before && event.receivedAt >= before - LATE_MS;
    if (!isLate) this.#received.set(event.type, event.receivedAt);
  }

  /** A transaction ends: one row a type, however many events were stored. */
  end(): void {
    for (const [type, at] of this.#received) this.#sql.noteType.run(type, at);
  }

  /** Forgets types, within the transaction that is open. @param before Events that came in before then are deleted. */
  forgetTypes(before: number): void {
    this.#sql.forgetTypes.run(before - FORGET_MS);
  }
}

interface StateRow {
  key: string;
  watched_since: number;
  since: number | null;
}

interface TypeRow {
  name: string;
  received_at: number;
}
