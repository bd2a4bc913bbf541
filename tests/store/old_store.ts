/** Stores as the program before left them: made by its own schema, with rows as it wrote them. */

import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { newEvent, T0 } from "./samples.ts";

/** The schema of each version, the first one first; without the rows that a step copies. */
const schemas = [
  ["001_initial"],
  ["002_targets"],
  ["003_operator"],
  ["004_alarms"],
  ["005_notes"],
  ["006_runs"],
  ["007_clock"],
  ["008_sessions"],
  ["009_lanes", "009_lanes_copied"],
];

/** The last version before lanes, and the first one with them. */
export const LANDED = 8;
export const LANES = 9;

type Value = string | number | Uint8Array | null;

/** A row by the names of its columns. */
export type Row = Record<string, Value>;

/** Makes a store of a version, and lets `fill` put rows into it. */
export function makeOld(
  path: string,
  version: number,
  fill: (insert: (table: string, row: Row) => void) => void,
): void {
  const db = new DatabaseSync(path);
  try {
    db.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; BEGIN");
    for (const name of schemas.slice(0, version).flat()) {
      db.exec(readFileSync(new URL(`../../lib/store/sqlite/sql/${name}.sql`, import.meta.url), "utf8"));
    }
    fill((table, row) => {
      const names = Object.keys(row);
      db.prepare(`INSERT INTO ${table} (${names}) VALUES (${names.map(() => "?")})`).run(...Object.values(row));
    });
    db.exec(`PRAGMA user_version = ${version}; COMMIT`);
  } finally {
    db.close();
  }
}

/** The row of an event of this key; its sequence is given, since holes may be left. */
export function eventRow(seq: number, key: string, parts: Row = {}): Row {
  const { id, body } = newEvent(key);
  const headers = '{"Content-Type":"application/json"}';
  return {
    seq,
    id,
    source: "clinic",
    type: "note.failed",
    received_at: T0,
    secret_index: 0,
    headers,
    body,
    ...parts,
  };
}

/** Everything that a store holds, table by table. */
export function dump(path: string): unknown {
  const db = new DatabaseSync(path);
  try {
    const tables = db.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").all() as {
      name: string;
      sql: string;
    }[];
    return [
      Number(db.prepare("PRAGMA user_version").get()!.user_version),
      tables.map(({ sql }) => sql),
      ...tables.filter(({ sql }) => sql?.startsWith("CREATE TABLE")).map(({ name }) =>
        db.prepare(`SELECT * FROM ${name}`).all().map((row) => ({ ...row }))
      ),
    ];
  } finally {
    db.close();
  }
}
