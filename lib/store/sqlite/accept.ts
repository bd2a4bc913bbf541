/** Accepts events: only inserts, without reading or updating anything else. */

import type { StatementSync } from "node:sqlite";
import type { Awaited, NewDelivery, NewEvent } from "../../event.ts";
import { expiryOf } from "../awaiting.ts";
import { chainMembers } from "../chains.ts";
import { storedProblems } from "../rows.ts";
import type { SqliteChains } from "./chains.ts";
import type { SqliteFile } from "./file.ts";

const statements = {
  event: `INSERT INTO events (id, source, type, received_at, secret_index, headers, body, problems)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
  plain: "INSERT INTO deliveries (event, number, target, state, due_at) VALUES (?, ?, ?, 'pending', ?)",
  delivery: `INSERT INTO deliveries
      (event, number, target, state, due_at, due_set_at, order_key, awaits, chain, step, has_proof)
    VALUES (:event, :number, :target, 'pending', :dueAt, :dueSetAt, :orderKey, :awaits, :chain, :step, :hasProof)`,
  awaited: `INSERT INTO deliveries (event, number, target, state, due_at, is_awaited, expires_at)
    VALUES (:event, :number, :lane, 'pending', :now, 1, :expiresAt)`,
} as const;

/** Methods run within the open transaction. */
export class SqliteAccept {
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  readonly #chains: SqliteChains;

  constructor(file: SqliteFile, chains: SqliteChains) {
    this.#chains = chains;
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
    if (deliveries.every(({ orderKey, awaits, chain }) => orderKey === undefined && !awaits && !chain)) {
      deliveries.forEach(({ target }, index) => this.#sql.plain.run(event, first + index, target, now));
      return;
    }
    const awaited = new Map<string, number>();
    const numberOf = ({ lane }: Awaited) => {
      const number = awaited.get(lane) ?? first + deliveries.length + awaited.size;
      awaited.set(lane, number);
      return number;
    };
    const members = chainMembers(deliveries, first);
    deliveries.forEach(({ target, orderKey, awaits }, index) => {
      const number = first + index;
      const member = members[index];
      const waits = member?.after === undefined ? awaits : { patienceMs: member.waitMs };
      this.#sql.delivery.run({
        event,
        number,
        target,
        ...dueOf(now, waits),
        orderKey: orderKey ?? null,
        awaits: member?.after ?? (awaits ? numberOf(awaits) : null),
        chain: member?.chain ?? null,
        step: member?.step ?? null,
        hasProof: member ? Number(member.hasProof) : null,
      });
      if (member?.chain === number) this.#chains.insert({ event, chain: number }, member, now);
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
export function dueOf(
  now: number,
  awaits: Pick<Awaited, "patienceMs"> | undefined,
): { dueAt: number | null; dueSetAt: number | null } {
  if (!awaits) return { dueAt: now, dueSetAt: null };
  return { dueAt: awaits.patienceMs === undefined ? null : now + awaits.patienceMs, dueSetAt: now };
}
