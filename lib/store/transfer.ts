/** What a store is moved by: its tables as values, the same for every back end, which are read and written in pages. */

import type { Mark } from "./move.ts";

/** How a column's values are given: `id` as 16 bytes, `whole` as numbers: times and counts. */
export type Kind = "whole" | "text" | "bytes" | "id" | "truth";

/** A table that is carried over, and how. */
export interface Table {
  name: string;
  /** In their order; those that the back ends have beside them stay behind. */
  columns: Readonly<Record<string, Kind>>;
  /** Names of the columns by which rows follow each other; each row's are its own, unless `isWhole`. */
  key: readonly string[];
  /** It is so small that it is carried over in one page, which replaces what is there. */
  isWhole?: boolean;
  /** The column with most of a row's bytes; the key is one column then. */
  bytes?: string;
}

export type Value = number | string | boolean | Uint8Array | null;

/** Values in the order of the table's columns; texts without zero bytes, which not every back end takes. */
export type Row = Value[];

/** How much is carried at a time: no more rows, and no more bytes unless one row has them. */
export interface PageLimits {
  rows: number;
  bytes: number;
}

/** One of the two stores of a move. Each method is one transaction, and throws {@link StoreError}. */
export interface TransferSide {
  /** The store as people are shown it. */
  readonly shown: string;
  /**
   * Keeps other moves away from the store until this is closed.
   * @throws {StoreError} if one is at work on it.
   */
  hold(): Promise<void>;
  /** @throws {StoreError} if a relay serves the store. A relay that starts looks for the mark after it has said that it is there. */
  refuseServed(): Promise<void>;
  mark(): Promise<Mark | undefined>;
  setMark(mark: Mark | undefined): Promise<void>;
  count(table: Table): Promise<number>;
  /** The last row's key, in the order of the key; `undefined` without rows. */
  last(table: Table): Promise<Row | undefined>;
  /** The rows after a key, or the first ones. Of a table that `isWhole`, all. */
  page(table: Table, after: Row | undefined, limits: PageLimits): Promise<Row[]>;
  /** As {@link TransferSide.page}, with the SHA-256 of bytes in their place, which a database need not send to be compared. */
  hashes(table: Table, after: Row | undefined, limits: PageLimits): Promise<Row[]>;
  /** Writes a page, and is done as durably as {@link TransferSide.finish} makes it. */
  insert(table: Table, rows: readonly Row[]): Promise<void>;
  /** Up to which event everything was taken into account that is remembered of events. */
  observed(): Promise<number>;
  /** Makes the store ready to be served, everything in it durable. */
  finish(observed: number): Promise<void>;
  close(): Promise<void>;
}

const whole = "whole", text = "text", bytes = "bytes", id = "id", truth = "truth";

/** In the order in which they are carried. What relays say of themselves (runs, members, takeovers) stays behind. */
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
    },
    key: ["event", "number"],
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

/** How a back end writes the SQL of a page. */
export interface PageSyntax {
  /** What stands before a table's name. */
  prefix: string;
  /** The parameter of this number, from 1. */
  place(number: number): string;
  /** What is selected of a column; by default its value. */
  selected?(column: string, kind: Kind): string;
}

/** The SQL of a page's rows: those after a key of which each part is a parameter, in both back ends. */
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
  // Sizes alone are summed up, so that no more bytes are read than are given; the first row always goes.
  const sizes = page(`${order} AS place, coalesce(length(${table.bytes}), 0) AS size`);
  return `SELECT ${names} ${from} JOIN
      (SELECT place, sum(size) OVER (ORDER BY place) - size AS before FROM (${sizes}) one) sized ON place = ${order}
    WHERE before < ${place(start + 2)} ORDER BY ${order}`;
}

/** What {@link pageSql} takes. */
export function pageArgs(table: Table, after: Row | undefined, limits: PageLimits): Value[] {
  if (table.isWhole) return [];
  return [...(after ?? []), limits.rows, ...(table.bytes === undefined ? [] : [limits.bytes])];
}

/** The key of a row. */
export function keyOf({ columns, key }: Table, row: Row): Row {
  const names = Object.keys(columns);
  return key.map((name) => row[names.indexOf(name)]!);
}
