/** Stores that hold something of everything, to be moved. */

import { Buffer } from "node:buffer";
import type { PageLimits, Row, TransferSide, Value } from "../../lib/store/transfer.ts";
import { type Kind, tables } from "../../lib/store/transfer.ts";

/** So few that each table takes several pages. */
export const SMALL: PageLimits = { rows: 7, bytes: 3_000 };

/** How many rows each table gets. */
const ROWS = 40;

const words: Readonly<Record<string, readonly string[]>> = {
  state: ["pending", "delivered", "dead"],
  until: ["delivered", "read", "delivered"],
  receipt: ["sent", "delivered", "read"],
  outcome: ["delivered", "retry", "dead"],
  status: ["failed", "sent", "read"],
  problems: ['["Z"]', '["é", "a\\"{},"]', "[]"],
};

/** Columns that tell a row from others: they grow with it. */
const first = new Set(["seq", "event", "hour", "minute", "name", "lane", "id", "message"]);

/** Puts rows into every table of a store; of the columns that may be empty, every third is. */
export async function fill(side: TransferSide, rows = ROWS): Promise<void> {
  for (const table of tables) {
    const required = new Set([...table.key, ...requiredOf[table.name] ?? []]);
    const all = Array.from(
      { length: table.name === "retention" ? 1 : rows },
      (_, index): Row =>
        Object.entries(table.columns).map(([column, kind], place): Value => {
          if (!required.has(column) && (index + place) % 3 === 0) return null;
          return valueOf(table.name, column, kind, index);
        }),
    );
    await side.insert(table, all);
  }
}

/** What may not be empty beside the key. */
const requiredOf: Readonly<Record<string, readonly string[]>> = {
  events: ["id", "source", "type", "received_at", "secret_index", "headers", "body"],
  deliveries: ["target", "state", "attempts", "first_attempt", "revision", "is_awaited"],
  chains: ["step", "within_ms", "until", "began_at", "is_settled"],
  attempts: ["started_at", "duration_ms", "outcome"],
  notes: ["at"],
  receipts: ["at", "heard_at", "is_fresh"],
  activity: ["count"],
  refusals: ["count", "last_at"],
  lanes: ["epoch", "given_up"],
  lane_starts: ["at"],
  underway: ["crashes", "alone", "has_survived"],
  alarms: ["watched_since"],
  types: ["received_at"],
  clock_steps: ["received_at"],
  retention: ["time"],
  ended_sessions: ["until"],
};

function valueOf(table: string, column: string, kind: Kind, index: number): Value {
  const number = index + 1;
  if (kind === "id") return new Uint8Array(Buffer.from(String(number * 7919).padStart(32, "0"), "hex"));
  if (kind === "bytes") return new Uint8Array(Buffer.alloc(index % 5 === 0 ? 2_500 : index, index));
  if (kind === "truth") return index % 2 === 0;
  if (kind === "whole") {
    if (first.has(column)) return table === "retention" ? 1 : number;
    return column.endsWith("_at") || column === "time" ? 1_700_000_000_000 + index : index % 11;
  }
  const text = words[column]?.[index % 3];
  if (text !== undefined) return text;
  // In the order of bytes, capitals come first, and what is beyond ASCII last.
  return `${["é", "Z", "a", "\u{1f600}", 'a\\"{},'][index % 5]}${first.has(column) || column === "key" ? number : ""}`;
}
