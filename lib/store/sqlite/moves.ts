/** The mark of a SQLite store that is being moved, or has been. */

import type { DatabaseSync } from "node:sqlite";
import type { Mark } from "../move.ts";

export function readMark(db: DatabaseSync): Mark | undefined {
  const row = db.prepare("SELECT role, move, other, is_done FROM moves").get();
  if (!row) return undefined;
  return {
    role: row.role as Mark["role"],
    move: String(row.move),
    other: String(row.other),
    isDone: row.is_done === 1,
  };
}
