/** A PostgreSQL store as one side of a move. */

import type { Doing } from "../fault.ts";
import { Buffer } from "node:buffer";
import { StoreError } from "../../errors.ts";
import type { Phrase } from "../../locale/phrase.ts";
import { cannot } from "../fault.ts";
import type { Mark } from "../move.ts";
import { type Kind, pageArgs, type PageLimits, pageSql, type Row, type Table, type TransferSide } from "../transfer.ts";
import { Connections, type Transaction } from "./connections.ts";
import { storeError } from "./error.ts";
import { readMark } from "./moves.ts";
import { prepareSchema, versionOf } from "./schema.ts";
import { checkServer } from "./server.ts";
import { quotedName, type SqlValue } from "./sql_text.ts";
import type { PostgresUrl } from "./url.ts";

/** How long a statement may take, in milliseconds: large tables are counted. */
const LIMIT_MS = 600_000;

/** The lock of a move; the numbers of relays and lanes start at 1. */
const HOLD = "SELECT pg_try_advisory_xact_lock(relay.lock_space(), 0) AS is_held";

/** The transaction that holds it may be idle for the whole move. PostgreSQL 17 and later also limit its total time. */
const UNLIMITED = `SELECT set_config(name, '0', true) FROM pg_settings
  WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')`;

/** A relay that serves holds a lock with its own number in the schema's lock space. */
const SERVED = "SELECT EXISTS (SELECT 1 FROM relay.locks() WHERE number <> 0) AS is_served";

/** Advances the sequence of events past the existing ones, needing no right but to use it. */
const ADVANCE = `SELECT count(nextval('relay.events_seq')) FROM generate_series(1,
    greatest((SELECT coalesce(max(seq), 0) FROM relay.events), $1::bigint) -
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM relay.events_seq))`;

const types: Readonly<Record<Exclude<Kind, "bytes">, string>> = {
  whole: "bigint[]",
  text: "text[]",
  id: "uuid[]",
  truth: "boolean[]",
};

/**
 * Opens the store in this database.
 * @param isMade Whether the schema is created if it does not exist.
 * @throws {StoreError} if the database cannot be used, or has no store.
 */
export async function openPostgresTransfer(url: PostgresUrl, isMade: boolean): Promise<TransferSide> {
  const connections = new Connections(url);
  try {
    if (!isMade && await versionIn(connections) === 0) {
      throw new StoreError(
        cannot(({ store }) => store.doingTo.read(url.masked), ({ store }) => store.none),
        ({ store }) => store.checkSchema,
      );
    }
    await prepareSchema(connections);
    return new PostgresTransfer(connections);
  } catch (error) {
    await connections.end();
    throw storeError("openStore", error, url);
  }
}

/**
 * Whether there is a store in this database; creates nothing.
 * @throws {StoreError} if it cannot be used.
 */
export async function isStoreThere(url: PostgresUrl): Promise<boolean> {
  const connections = new Connections(url);
  try {
    return await versionIn(connections) > 0;
  } catch (error) {
    throw storeError("readStore", error, url);
  } finally {
    await connections.end();
  }
}

async function versionIn(connections: Connections): Promise<number> {
  return await connections.transaction(async (transaction) => {
    await checkServer(transaction, connections.url);
    return await versionOf(transaction, connections);
  });
}

class PostgresTransfer implements TransferSide {
  readonly shown: string;
  readonly #connections: Connections;
  readonly #moving: Phrase = ({ store }) => store.doingTo.move(this.shown);
  #letGo = () => {};
  #held: Promise<unknown> = Promise.resolve();
  /** Fails if the session that holds the lock has ended. */
  #checkHeld: () => Promise<unknown> = () => Promise.resolve();

  constructor(connections: Connections) {
    this.#connections = connections;
    this.shown = connections.url.masked;
  }

  /** The lock belongs to a transaction that stays open: even a pooler leaves that its session. */
  async hold(): Promise<void> {
    const done = new Promise<void>((resolve) => this.#letGo = resolve);
    await new Promise<void>((resolve, reject) => {
      this.#held = this.#do("moveStore", async ({ query }) => {
        const [found] = await query<{ is_held: boolean }>(HOLD);
        if (!found!.is_held) throw new StoreError(cannot(this.#moving, ({ store }) => store.move.busy));
        await query(UNLIMITED);
        this.#checkHeld = () => query("SELECT 1");
        resolve();
        await done;
      }).catch(reject);
    });
  }

  async refuseServed(): Promise<void> {
    const rows = await this.#do(
      "readStore",
      ({ query }) => query<{ is_served: boolean }>(SERVED),
    );
    if (!rows[0]!.is_served) return;
    throw new StoreError(cannot(this.#moving, ({ store }) => store.served), ({ store }) => store.stopRelays);
  }

  async mark(): Promise<Mark | undefined> {
    return await this.#do("readStore", ({ query }) => readMark(query));
  }

  async setMark(mark: Mark | undefined): Promise<void> {
    await this.#do("markMoved", async ({ query, run }) => {
      await run("SET LOCAL synchronous_commit = on");
      // Every writer that saw no mark has finished.
      await run("LOCK TABLE relay.moves IN ACCESS EXCLUSIVE MODE");
      await query("DELETE FROM relay.moves");
      if (!mark) return;
      await query("INSERT INTO relay.moves (id, role, move, other, is_done) VALUES (1, $1, $2, $3, $4)", [
        mark.role,
        mark.move,
        mark.other,
        mark.isDone,
      ]);
    });
  }

  async count({ name }: Table): Promise<number> {
    const rows = await this.#do(
      "readStore",
      ({ query }) => query<{ count: number }>(`SELECT count(*) AS count FROM relay.${name}`),
    );
    return rows[0]!.count;
  }

  async last({ name, key }: Table): Promise<Row | undefined> {
    const order = key.map((column) => `${column} DESC`).join(", ");
    const sql = `SELECT ${key.join(", ")} FROM relay.${name} ORDER BY ${order} LIMIT 1`;
    const [row] = await this.#do("readStore", ({ query }) => query<Record<string, Row[number]>>(sql));
    return row && key.map((column) => row[column]!);
  }

  async page(table: Table, after: Row | undefined, limits: PageLimits): Promise<Row[]> {
    return await this.#page(table, after, limits, () => undefined);
  }

  async hashes(table: Table, after: Row | undefined, limits: PageLimits): Promise<Row[]> {
    const hashed = (column: string, kind: Kind) => kind === "bytes" ? `sha256(${column}) AS ${column}` : undefined;
    return await this.#page(table, after, { ...limits, bytes: Number.MAX_SAFE_INTEGER }, hashed);
  }

  async #page(
    table: Table,
    after: Row | undefined,
    limits: PageLimits,
    selected: (column: string, kind: Kind) => string | undefined,
  ): Promise<Row[]> {
    const sql = pageSql(table, after === undefined, {
      prefix: "relay.",
      place: (number) => `$${number}`,
      selected: (column, kind) => selected(column, kind) ?? column,
    });
    const args = pageArgs(table, after, limits) as SqlValue[];
    const rows = await this.#do("readStore", ({ query }) => query<Record<string, Row[number]>>(sql, args));
    const names = Object.keys(table.columns);
    return rows.map((row) => names.map((name) => row[name]!));
  }

  async insert(table: Table, rows: readonly Row[]): Promise<void> {
    await this.#do("copyRows", async ({ query, run }) => {
      await run("SET LOCAL synchronous_commit = off"); // a page that a crash took is written again
      if (table.isWhole) await query(`DELETE FROM relay.${table.name}`);
      await query(insertSql(table), insertArgs(table, rows));
    });
  }

  async observed(): Promise<number> {
    const rows = await this.#do(
      "readStore",
      ({ query }) => query<{ seq: number }>("SELECT seq FROM relay.observed"),
    );
    return rows[0]?.seq ?? 0;
  }

  async finish(observed: number): Promise<void> {
    await this.#do("finishMove", async ({ query, run }) => {
      await run("SET LOCAL synchronous_commit = on"); // puts everything written before on disk too
      await query("UPDATE relay.observed SET seq = $1, seen = $1, mark = $1", [observed]);
      await query(ADVANCE, [observed]);
      // Without statistics, the first plans would be for empty tables. A user who does not own them gets a warning.
      for (const name of ["events", "deliveries", "attempts"]) await run(`ANALYZE relay.${name}`);
    });
  }

  async close(): Promise<void> {
    this.#letGo();
    await this.#held;
    await this.#connections.end();
  }

  async #do<Result>(doing: Doing, work: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    try {
      await this.#checkHeld();
      return await this.#connections.transaction(work, LIMIT_MS);
    } catch (error) {
      throw storeError(doing, error, this.#connections.url);
    }
  }
}

/** Bytes come as one value; each row has the start and length of its own part. */
function insertSql({ name, columns }: Table): string {
  const parameters: string[] = [];
  const parameter = (type: string) => `$${parameters.push(type)}::${type}`;
  const parts = Object.entries(columns).map(([column, kind]) => {
    const quoted = quotedName(column);
    if (kind !== "bytes") return { unnested: [[quoted, parameter(types[kind])]], selected: `r.${quoted}` };
    const all = parameter("bytea");
    const [start, size] = [quotedName(`${column} start`), quotedName(`${column} size`)];
    return {
      unnested: [[start, parameter("int[]")], [size, parameter("int[]")]],
      selected: `substring(${all} FROM r.${start} FOR r.${size})`,
    };
  });
  const unnested = parts.flatMap((part) => part.unnested);
  return `INSERT INTO relay.${name} (${Object.keys(columns).map(quotedName).join(", ")})
    SELECT ${parts.map(({ selected }) => selected).join(", ")}
    FROM unnest(${unnested.map(([, place]) => place).join(", ")}) AS r(${
    unnested.map(([column]) => column).join(", ")
  })`;
}

function insertArgs({ columns }: Table, rows: readonly Row[]): SqlValue[] {
  return Object.values(columns).flatMap((kind, index): SqlValue[] => {
    const values = rows.map((row) => row[index]!);
    if (kind === "id") return [values.map((value) => Buffer.from(value as Uint8Array).toString("hex"))];
    if (kind !== "bytes") return [values as SqlValue];
    let end = 1;
    const sizes = values.map((value) => value === null ? null : (value as Uint8Array).length);
    const starts = sizes.map((size) => (end += size ?? 0) - (size ?? 0));
    return [Buffer.concat(values.filter((value) => value !== null) as Uint8Array[]), starts, sizes];
  });
}
