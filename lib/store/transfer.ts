/** How a store is moved: as tables of values, the same for every back end, which are read and written in pages. */

import type { Mark } from "./move.ts";

/** How a column's values are represented: `id` as 16 bytes, `whole` (times and counts) as numbers. */
export type Kind = "whole" | "text" | "bytes" | "id" | "truth";

/** A table that is moved, and how. */
export interface Table {
  name: string;
  /** In their order. Other columns of the back ends are not moved. */
  columns: Readonly<Record<string, Kind>>;
  /** Names of the columns that rows are sorted by; unique for each row, unless `isWhole`. */
  key: readonly string[];
  /** It is small enough to be moved in one page, which replaces what is there. */
  isWhole?: boolean;
  /** The column with most of a row's bytes; the key is then a single column. */
  bytes?: string;
}

export type Value = number | string | boolean | Uint8Array | null;

/** Values in the order of the table's columns; texts have no zero bytes, which not every back end accepts. */
export type Row = Value[];

/** How much is moved at a time: at most this many rows, and this many bytes unless one row has more. */
export interface PageLimits {
  rows: number;
  bytes: number;
}

/** One of the two stores of a move. Each method is one transaction, and throws {@link StoreError}. */
export interface TransferSide {
  /** The store as it is shown to people. */
  readonly shown: string;
  /**
   * Keeps other moves off the store until this is closed.
   * @throws {StoreError} if another move is at work on it.
   */
  hold(): Promise<void>;
  /** @throws {StoreError} if a relay serves the store. A starting relay shows itself before it looks for the mark. */
  refuseServed(): Promise<void>;
  mark(): Promise<Mark | undefined>;
  setMark(mark: Mark | undefined): Promise<void>;
  count(table: Table): Promise<number>;
  /** The key of the last row in key order; `undefined` if there are no rows. */
  last(table: Table): Promise<Row | undefined>;
  /** The rows after a key, or the first ones; all rows of a table that `isWhole`. */
  page(table: Table, after: Row | undefined, limits: PageLimits): Promise<Row[]>;
  /** As {@link TransferSide.page}, with bytes replaced by their SHA-256, so that a comparison need not send them. */
  hashes(table: Table, after: Row | undefined, limits: PageLimits): Promise<Row[]>;
  /** Writes a page, which is durable only after {@link TransferSide.finish}. */
  insert(table: Table, rows: readonly Row[]): Promise<void>;
  /** The sequence up to which events have been observed. */
  observed(): Promise<number>;
  /** Makes the store ready to be served, and everything in it durable. */
  finish(observed: number): Promise<void>;
  close(): Promise<void>;
}

const whole = "whole", text = "text", bytes = "bytes", id = "id", truth = "truth";

/** In the order in which they are moved. What relays report about themselves (runs, members, takeovers) is not. */
export const tables: readonly Table[] = [
  {
    name: "events",
    columns: {
      seq: whole,
      id,
      source: text,
      type: text,
      received_at: whole,
      secret_index: whole,
      headers: text,
      body: bytes,
      problems: text,
    },
    key: ["seq"],
    bytes: "body",
  },
  {
    name: "deliveries",
    columns: {
      event: whole,
      number: whole,
      target: text,
      state: text,
      attempts: whole,
      first_attempt: whole,
      due_at: whole,
      due_set_at: whole,
      reason: text,
      order_key: text,
      revision: whole,
      awaits: whole,
      is_awaited: truth,
      expires_at: whole,
      chain: whole,
      step: whole,
      has_proof: truth,
      receipt: text,
    },
    key: ["event", "number"],
  },
  {
    name: "chains",
    columns: {
      event: whole,
      chain: whole,
      step: whole,
      within_ms: whole,
      until: text,
      began_at: whole,
      next_at: whole,
      is_settled: truth,
    },
    key: ["event", "chain"],
  },
  {
    name: "attempts",
    columns: {
      event: whole,
      number: whole,
      attempt: whole,
      epoch: whole,
      started_at: whole,
      duration_ms: whole,
      outcome: text,
      reason: text,
      detail: text,
      status: whole,
      answer: text,
    },
    key: ["event", "number", "attempt"],
  },
  {
    name: "messages",
    columns: { message: text, path: text, event: whole, number: whole, at: whole },
    key: ["message", "path", "event", "number"],
  },
  {
    name: "receipts",
    columns: { message: text, path: text, status: text, at: whole, heard_at: whole, failure: text, is_fresh: truth },
    key: ["message", "path", "status"],
  },
  {
    name: "notes",
    columns: { event: whole, at: whole, data: bytes, problem: text, outcome: text },
    key: ["event"],
    bytes: "data",
  },
  {
    name: "activity",
    columns: { hour: whole, target: text, state: text, bucket: whole, count: whole },
    key: ["hour", "target", "state", "bucket"],
  },
  {
    name: "refusals",
    columns: { minute: whole, source: text, reason: text, count: whole, last_at: whole },
    key: ["minute", "source", "reason"],
  },
  {
    name: "lanes",
    columns: {
      name: text,
      epoch: whole,
      token: text,
      given_up: truth,
      delivered_at: whole,
      failed_at: whole,
      reason: text,
      open_until: whole,
      throttled_until: whole,
      held_at: whole,
      paused_at: whole,
    },
    key: ["name"],
    isWhole: true,
  },
  { name: "lane_starts", columns: { lane: text, at: whole }, key: ["lane", "at"], isWhole: true },
  {
    name: "underway",
    columns: { event: whole, number: whole, crashes: whole, alone: whole, is_alone: truth, has_survived: truth },
    key: ["event", "number"],
    isWhole: true,
  },
  { name: "alarms", columns: { key: text, watched_since: whole, since: whole }, key: ["key"], isWhole: true },
  { name: "types", columns: { name: text, received_at: whole }, key: ["name"], isWhole: true },
  { name: "clock_steps", columns: { seq: whole, received_at: whole }, key: ["seq"], isWhole: true },
  { name: "retention", columns: { id: whole, time: whole }, key: ["id"], isWhole: true },
  { name: "ended_sessions", columns: { id: text, until: whole }, key: ["id"], isWhole: true },
];

/** How a back end writes the SQL for a page. */
export interface PageSyntax {
  /** Goes before a table's name. */
  prefix: string;
  /** The parameter with this number, from 1. */
  place(number: number): string;
  /** What to select for a column; by default its value. */
  selected?(column: string, kind: Kind): string;
}

/** The SQL for a page's rows, in both back ends: those after a key, each part of which is a parameter. */
export function pageSql(table: Table, isFirst: boolean, { prefix, place, selected }: PageSyntax): string {
  const { name, columns, key } = table;
  const names = Object.entries(columns).map(([column, kind]) => selected?.(column, kind) ?? column).join(", ");
  const order = key.join(", ");
  const from = `FROM ${prefix}${name}`;
  if (table.isWhole) return `SELECT ${names} ${from} ORDER BY ${order}`;
  const start = isFirst ? 0 : key.length;
  const after = isFirst ? "" : `WHERE (${order}) > (${key.map((_, index) => place(index + 1)).join(", ")})`;
  const page = (what: string) => `SELECT ${what} ${from} ${after} ORDER BY ${order} LIMIT ${place(start + 1)}`;
  if (table.bytes === undefined) return page(names);
  // Only sizes are summed, so that no more bytes are read than returned; the first row is always included.
  const sizes = page(`${order} AS place, coalesce(length(${table.bytes}), 0) AS size`);
  return `SELECT ${names} ${from} JOIN
      (SELECT place, sum(size) OVER (ORDER BY place) - size AS before FROM (${sizes}) one) sized ON place = ${order}
    WHERE before < ${place(start + 2)} ORDER BY ${order}`;
}

/** The arguments of {@link pageSql}. */
export function pageArgs(table: Table, after: Row | undefined, limits: PageLimits): Value[] {
  if (table.isWhole) return [];
  return [...(after ?? []), limits.rows, ...(table.bytes === undefined ? [] : [limits.bytes])];
}

export function keyOf({ columns, key }: Table, row: Row): Row {
  const names = Object.keys(columns);
  return key.map((name) => row[names.indexOf(name)]!);
}
