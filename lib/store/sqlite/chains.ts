/** Chains in the SQLite store: which step has begun, which one is next, and which ones are not needed any more. */

import type { StatementSync } from "node:sqlite";
import type { ChainStep } from "../../event.ts";
import type { ChainChanges } from "../chains.ts";
import type { DeliveryRef } from "../delivery.ts";
import type { SqliteFile } from "./file.ts";
import { unparkHead } from "./statements.ts";

/** Chains that are looked at together, of those whose next step begins. */
const MOST = 500;

const isOfChain = "event = :event AND number >= :chain AND chain = :chain";

const statements = {
  insert: "INSERT INTO chains (event, chain, step, within_ms, until, began_at, next_at) VALUES (?, ?, 1, ?, ?, ?, ?)",
  chain: "SELECT step, within_ms, until, next_at, is_settled FROM chains WHERE event = ? AND chain = ?",
  chainOf: "SELECT chain FROM deliveries WHERE event = ? AND number = ?",
  due: `SELECT event, chain FROM chains WHERE next_at <= ? ORDER BY next_at LIMIT ${MOST}`,

  isSatisfied: `SELECT 1 FROM deliveries WHERE ${isOfChain} AND state = 'delivered'
    AND iif(has_proof, receipt IN ('read', :until), :until = 'delivered')`,
  isOpen: `SELECT 1 FROM deliveries WHERE ${isOfChain} AND step = :step AND state <> 'dead'`,
  isTimeUp: `SELECT 1 FROM deliveries WHERE ${isOfChain} AND step = :step AND state = 'pending' AND due_at <= :now`,

  skip: `UPDATE deliveries SET state = 'skipped', due_at = NULL, due_set_at = NULL, reason = NULL, awaits = NULL,
      revision = revision + 1
    WHERE ${isOfChain} AND state = 'pending' RETURNING target, step, order_key`,
  unparkHead,
  settle: "UPDATE chains SET is_settled = 1, next_at = NULL WHERE event = ? AND chain = ?",

  begin: `UPDATE deliveries SET due_at = :now, due_set_at = NULL, awaits = NULL, revision = revision + 1
    WHERE ${isOfChain} AND step > :begun AND step <= :step AND state = 'pending' RETURNING target`,
  wait: `UPDATE deliveries SET due_at = :nextAt, due_set_at = :now
    WHERE ${isOfChain} AND step = :step + 1 AND state = 'pending' RETURNING target`,
  isLast: "UPDATE chains SET next_at = NULL WHERE event = ? AND chain = ?",
  begun: "UPDATE chains SET step = :step, began_at = :now, next_at = :nextAt WHERE event = :event AND chain = :chain",
} as const;

interface ChainRow {
  step: number;
  within_ms: number;
  until: ChainStep["until"];
  next_at: number | null;
  is_settled: number;
}

/** A chain: its event's sequence, and the number of its first delivery. */
interface ChainRef {
  event: number;
  chain: number;
}

/** Methods run within the open transaction. */
export class SqliteChains {
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  constructor(file: SqliteFile) {
    this.#sql = file.prepareAll(statements);
  }

  /** Adds the chain of an inserted first step, which begins now. */
  insert({ event, chain }: ChainRef, { withinMs, until }: Pick<ChainStep, "withinMs" | "until">, now: number): void {
    this.#sql.insert.run(event, chain, withinMs, until, now, now + withinMs);
  }

  /** The chain that a delivery is of, if any. */
  of({ event, number }: DeliveryRef): ChainRef | undefined {
    const row = this.#sql.chainOf.get(event, number) as { chain: number | null } | undefined;
    return row?.chain == null ? undefined : { event, chain: row.chain };
  }

  /** Chains whose next step begins by now, some of them if there are many. */
  due(now: number): ChainRef[] {
    return this.#sql.due.all(now) as unknown as ChainRef[];
  }

  /**
   * Draws the consequences of any change of a chain's delivery, be it of its state or of its receipt: if a step
   * satisfies the chain, whatever still waits or is tried of it is skipped; if all deliveries of the step that began
   * last are dead, the next one begins. May be called at any time, and does nothing twice.
   */
  settle(ref: ChainRef, now: number, changes: ChainChanges): void {
    const row = this.#open(ref);
    if (!row) return;
    const { step, until } = row;
    if (this.#sql.isSatisfied.get({ ...chainOf(ref), until })) this.#skip(ref, step, now, changes);
    else if (!this.#sql.isOpen.get({ ...chainOf(ref), step })) this.begin(ref, step + 1, now, changes);
  }

  /** Begins the chain's next step if its time has come and nothing has satisfied the chain. */
  beginInTime(ref: ChainRef, now: number, changes: ChainChanges): void {
    this.settle(ref, now, changes);
    const row = this.#open(ref);
    if (!row) return;
    // Its deliveries may be due sooner, if a clock that was ahead had set their time.
    const isTimeUp = (row.next_at ?? Infinity) <= now ||
      this.#sql.isTimeUp.get({ ...chainOf(ref), step: row.step + 1, now });
    if (isTimeUp) this.begin(ref, row.step + 1, now, changes);
  }

  /** Begins the steps up to this one that have not begun; the time of the step after it runs from now on. */
  begin(ref: ChainRef, step: number, now: number, changes: ChainChanges): void {
    const row = this.#open(ref);
    if (!row || step <= row.step) return;
    const begun = this.#sql.begin.all({ ...chainOf(ref), begun: row.step, step, now }) as unknown as Lane[];
    if (begun.length === 0) { // there is no such step
      this.#sql.isLast.run(ref.event, ref.chain);
      return;
    }
    const nextAt = now + row.within_ms;
    const timed = this.#sql.wait.all({ ...chainOf(ref), step, now, nextAt }) as unknown as Lane[];
    for (const { target } of [...begun, ...timed]) changes.released.add(target);
    this.#sql.begun.run({ ...chainOf(ref), step, now, nextAt: timed.length > 0 ? nextAt : null });
  }

  #open({ event, chain }: ChainRef): ChainRow | undefined {
    const row = this.#sql.chain.get(event, chain) as unknown as ChainRow | undefined;
    return row?.is_settled === 0 ? row : undefined;
  }

  #skip(ref: ChainRef, begun: number, now: number, { released, outdated }: ChainChanges): void {
    this.#sql.settle.run(ref.event, ref.chain);
    for (const { target, step, order_key: orderKey } of this.#sql.skip.all(chainOf(ref)) as unknown as SkippedRow[]) {
      if (step <= begun || orderKey !== null) outdated.add(target);
      if (orderKey === null) continue;
      this.#sql.unparkHead.run({ target, orderKey, at: now });
      released.add(target);
    }
  }
}

/** Without the other columns of a row: a statement takes no parameters but its own. */
function chainOf({ event, chain }: ChainRef): { event: number; chain: number } {
  return { event, chain };
}

interface Lane {
  target: string;
}

interface SkippedRow extends Lane {
  step: number;
  order_key: string | null;
}
