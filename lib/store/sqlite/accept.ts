/** Accepts events: only inserts, without reading or updating anything else. */

import type { StatementSync } from "node:sqlite";
import type { Awaited, NewDelivery, NewEvent } from "../../event.ts";
import { expiryOf } from "../awaiting.ts";
import { storedProblems } from "../rows.ts";
import type { SqliteFile } from "./file.ts";

const statements = {
  event: `INSERT INTO events (id, source, type, received_at, secret_index, headers, body, problems)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
  plain: "INSERT INTO deliveries (event, number, target, state, due_at) VALUES (?, ?, ?, 'pending', ?)",
  delivery: `INSERT INTO deliveries (event, number, target, state, due_at, due_set_at, order_key, awaits)
    VALUES (:event, :number, :target, 'pending', :dueAt, :dueSetAt, :orderKey, :awaits)`,
  awaited: `INSERT INTO deliveries (event, number, target, state, due_at, is_awaited, expires_at)
    VALUES (:event, :number, :lane, 'pending', :now, 1, :expiresAt)`,
} as const;

/** Methods run within the open transaction. */
export class SqliteAccept {
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  constructor(file: SqliteFile) {
    this.#sql = file.prepareAll(statements);
  }

  /** Returns the event's sequence; `undefined` if it is already stored. */
  accept(event: NewEvent): number | undefined {
    const { changes, lastInsertRowid } = this.#sql.event.run(
      event.id,
      event.source,
      event.type,
      event.receivedAt,
      event.secretIndex,
      JSON.stringify(event.headers),
      event.body,
      storedProblems(event.problems),
    );
    if (Number(changes) === 0) return undefined;
    const seq = Number(lastInsertRowid);
    this.insert(seq, 1, event.deliveries, event.receivedAt);
    return seq;
  }

  /** Adds deliveries from this number on to an event, due now. Those that they await get the numbers after them. */
  insert(event: number, first: number, deliveries: readonly NewDelivery[], now: number): void {
    // Most events have only plain deliveries, which are inserted directly.
    if (deliveries.every(({ orderKey, awaits }) => orderKey === undefined && !awaits)) {
      deliveries.forEach(({ target }, index) => this.#sql.plain.run(event, first + index, target, now));
      return;
    }
    const awaited = new Map<string, number>();
    const numberOf = ({ lane }: Awaited) => {
      const number = awaited.get(lane) ?? first + deliveries.length + awaited.size;
      awaited.set(lane, number);
      return number;
    };
    deliveries.forEach(({ target, orderKey, awaits }, index) => {
      const number = first + index;
      this.#sql.delivery.run({
        event,
        number,
        target,
        ...dueOf(now, awaits),
        orderKey: orderKey ?? null,
        awaits: awaits ? numberOf(awaits) : null,
      });
    });
    for (const [lane, number] of awaited) {
      const all = deliveries.flatMap(({ awaits }) => awaits?.lane === lane ? [awaits] : []);
      this.insertAwaited(event, number, lane, now, expiryOf(all, now));
    }
  }

  insertAwaited(event: number, number: number, lane: string, now: number, expiresAt: number | null): void {
    this.#sql.awaited.run({ event, number, lane, now, expiresAt });
  }
}

/** The due time of a delivery that begins now, as rows have it. */
export function dueOf(now: number, awaits: Awaited | undefined): { dueAt: number | null; dueSetAt: number | null } {
  if (!awaits) return { dueAt: now, dueSetAt: null };
  return { dueAt: awaits.patienceMs === undefined ? null : now + awaits.patienceMs, dueSetAt: now };
}
