/** A SQLite store as one side of a move. */

import { createHash } from "node:crypto";
import type { Clock } from "../../clock.ts";
import type { Mark } from "../move.ts";
import {
  type Kind,
  pageArgs,
  type PageLimits,
  pageSql,
  type Row,
  type Table,
  type TransferSide,
  type Value,
} from "../transfer.ts";
import { type FileOptions, SqliteFile } from "./file.ts";

/** What SQLite returns and takes. */
type Cell = number | string | Uint8Array | null;

/**
 * Opens the store in this file, which is created if it does not exist.
 * @throws {StoreError} if it cannot be opened, or is from a newer version of the program.
 */
export function openSqliteTransfer(path: string, clock: Clock, options: FileOptions = {}): TransferSide {
  return new SqliteTransfer(new SqliteFile(path, clock, { ...options, isMove: true }));
}

class SqliteTransfer implements TransferSide {
  readonly shown: string;
  readonly #file: SqliteFile;

  constructor(file: SqliteFile) {
    this.#file = file;
    this.shown = file.path;
  }

  async hold(): Promise<void> {
    this.#file.hold();
  }

  /** {@link SqliteTransfer.hold} takes the lock that a serving relay would hold. */
  async refuseServed(): Promise<void> {}

  async mark(): Promise<Mark | undefined> {
    return this.#file.mark();
  }

  async setMark(mark: Mark | undefined): Promise<void> {
    await this.#file.write("markMoved", () => {
      this.#run("DELETE FROM moves");
      if (!mark) return;
      const { role, move, other, isDone } = mark;
      this.#run(
        "INSERT INTO moves (id, role, move, other, is_done) VALUES (1, ?, ?, ?, ?)",
        role,
        move,
        other,
        +isDone,
      );
    });
  }

  async count({ name }: Table): Promise<number> {
    return this.#all(`SELECT count(*) AS count FROM ${name}`)[0]!.count as number;
  }

  async last({ name, key }: Table): Promise<Row | undefined> {
    const order = key.map((column) => `${column} DESC`).join(", ");
    const [row] = this.#all(`SELECT ${key.join(", ")} FROM ${name} ORDER BY ${order} LIMIT 1`);
    return row && key.map((column) => row[column]!);
  }

  async page(table: Table, after: Row | undefined, limits: PageLimits): Promise<Row[]> {
    const sql = pageSql(table, after === undefined, { prefix: "", place: () => "?" });
    const columns = Object.entries(table.columns);
    return this.#all(sql, ...pageArgs(table, after, limits).map(cellOf))
      .map((row) => columns.map(([name, kind]) => valueOf(row[name]!, kind)));
  }

  async hashes(table: Table, after: Row | undefined, limits: PageLimits): Promise<Row[]> {
    const kinds = Object.values(table.columns);
    const hashed = (value: Value, index: number) =>
      kinds[index] === "bytes" && value !== null
        ? new Uint8Array(createHash("sha256").update(value as Uint8Array).digest())
        : value;
    return (await this.page(table, after, limits)).map((row) => row.map(hashed));
  }

  async insert({ name, columns, isWhole }: Table, rows: readonly Row[]): Promise<void> {
    const names = Object.keys(columns);
    const insert = this.#file.prepare(`INSERT INTO ${name} (${names.join(", ")}) VALUES (${names.map(() => "?")})`);
    await this.#file.write("copyRows", () => {
      if (isWhole) this.#run(`DELETE FROM ${name}`);
      for (const row of rows) insert.run(...row.map(cellOf));
    }, true); // a page that a power cut took is written again
  }

  async observed(): Promise<number> {
    return (this.#all("SELECT seq FROM observed")[0]?.seq ?? 0) as number;
  }

  async finish(observed: number): Promise<void> {
    // This commit flushes the disk, and with it all earlier ones.
    await this.#file.write("finishMove", () => {
      // The last event's sequence is used again once that event is deleted.
      this.#run(
        "INSERT OR REPLACE INTO observed (id, seq) SELECT 1, min(?, coalesce(max(seq), 0)) FROM events",
        observed,
      );
    });
  }

  async close(): Promise<void> {
    this.#file.close();
  }

  #all(sql: string, ...args: Cell[]): Record<string, Cell>[] {
    return this.#file.read(() => this.#file.prepare(sql).all(...args)) as Record<string, Cell>[];
  }

  #run(sql: string, ...args: Cell[]): void {
    this.#file.prepare(sql).run(...args);
  }
}

function cellOf(value: Value): Cell {
  return typeof value === "boolean" ? Number(value) : value;
}

function valueOf(cell: Cell, kind: Kind): Value {
  if (cell === null) return null;
  if (kind === "truth") return cell !== 0;
  return typeof cell === "string" ? cell.replaceAll("\0", "\ufffd") : cell;
}
