/** Connections to the server of a PostgreSQL store: a few, to the one of its hosts that accepts writes. */

import type { ClientBase, ClientConfig, CustomTypesConfig, Pool, PoolClient, QueryConfig } from "pg";
import { answerTypes } from "./answer_types.ts";
import { errorOfState, isBusy, isDown, isLost } from "./error.ts";
import { inSchema, quotedName, sent, type SqlValue } from "./sql_text.ts";
import { hasNoTls, tlsOf } from "./tls.ts";
import type { PostgresHost, PostgresUrl } from "./url.ts";

/** How long it may take to make a connection, or for one to become free, in milliseconds. */
const CONNECT_MS = 3_000;

/** How long a statement may take, in milliseconds, by the relay's clock. */
export const QUERY_MS = 5_000;

/** How much earlier the server ends a statement, in milliseconds, so that it writes nothing that nobody waits for. */
const SERVER_LEAD_MS = 500;

/** Most connections at a time. */
const MAX_CONNECTIONS = 6;

/** How long an idle connection is kept, in milliseconds. */
const IDLE_MS = 30_000;

/** An open transaction. */
export interface Transaction {
  /** Runs a statement; rows are keyed by the names of their columns. */
  query<Row>(sql: string, args?: readonly SqlValue[]): Promise<Row[]>;
  /** Runs many statements at once, without parameters or results. */
  run(sql: string): Promise<void>;
}

/** Options that the driver accepts but its types lack. */
interface DriverOptions {
  queryMode: "extended";
  query_timeout: number;
}

/** The application name of a relay's connections. */
export const APPLICATION = "relay";

/** Connections are made when they are needed. Methods throw the driver's errors. */
export class Connections {
  readonly url: PostgresUrl;
  /** The schema's name, quoted. */
  readonly schema: string;
  readonly #texts = new Map<string, { name: string; text: string }>();
  #types?: CustomTypesConfig;
  #pool?: Pool;
  /** The host that the pool is for. */
  #index = 0;
  /** The host said that it has no TLS, where TLS is not required. */
  #isPlain = false;
  #isClosed = false;

  constructor(url: PostgresUrl) {
    this.url = url;
    this.schema = quotedName(url.schema);
  }

  /** Runs one statement, which is its own transaction. */
  async query<Row>(sql: string, args: readonly SqlValue[] = []): Promise<Row[]> {
    return await this.#use((client) => this.#run<Row>(client, sql, args, QUERY_MS));
  }

  /**
   * Runs several statements in one transaction.
   * @param limitMs How long each of them may take.
   */
  async transaction<Result>(work: (transaction: Transaction) => Promise<Result>, limitMs = QUERY_MS): Promise<Result> {
    return await this.#use(async (client) => {
      await client.query(simple("BEGIN", QUERY_MS));
      try {
        if (limitMs !== QUERY_MS) {
          await client.query(simple(`SET LOCAL statement_timeout = ${limitMs}`, QUERY_MS));
        }
        const result = await work({
          query: (sql, args = []) => this.#run(client, sql, args, limitMs),
          run: async (sql) => void await client.query(simple(inSchema(sql, this.schema), limitMs)),
        });
        await client.query(simple("COMMIT", QUERY_MS));
        return result;
      } catch (error) {
        if (!isLost(error)) await client.query(simple("ROLLBACK", QUERY_MS));
        throw error;
      }
    });
  }

  async #run<Row>(client: PoolClient, sql: string, args: readonly SqlValue[], limitMs: number): Promise<Row[]> {
    const { name, text } = this.#prepared(sql);
    const config: QueryConfig & DriverOptions = {
      text,
      values: args.map(sent),
      types: this.#types,
      queryMode: "extended",
      query_timeout: limitMs,
    };
    // A pooler gives the next statement to another session, with other prepared statements.
    if (this.url.direct === undefined) config.name = name;
    return (await client.query(config)).rows as Row[];
  }

  #prepared(sql: string): { name: string; text: string } {
    const known = this.#texts.get(sql);
    if (known) return known;
    const made = { name: `relay_${this.#texts.size}`, text: inSchema(sql, this.schema) };
    this.#texts.set(sql, made);
    return made;
  }

  async #use<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result> {
    const { client, pool } = await this.#connect();
    let isBroken = false;
    try {
      return await work(client);
    } catch (error) {
      isBroken = isLost(error);
      throw error;
    } finally {
      client.release(isBroken);
      // The other connections lead to the same server over the same network.
      if (isBroken) this.#leave(pool, false);
    }
  }

  /** Tries each host once, starting with the one used last. */
  async #connect(): Promise<{ client: PoolClient; pool: Pool }> {
    let first: { error: unknown } | undefined;
    for (let tries = 0; tries < this.url.hosts.length; tries++) {
      const pool = await this.#current();
      try {
        return { client: await pool.connect(), pool };
      } catch (error) {
        if (this.url.sslmode === "prefer" && hasNoTls(error)) {
          if (this.#pool === pool) { // otherwise another call has found it too
            this.#isPlain = true;
            this.#leave(pool, false);
          }
          tries--;
          continue;
        }
        if (isBusy(error) && this.#pool !== pool) { // it was left meanwhile, and serves no waiting call
          tries--;
          continue;
        }
        first ??= { error };
        if (!isDown(error) || isBusy(error)) break; // busy is not down, and other connections would add to the load
        this.#leave(pool, true);
      }
    }
    throw first!.error;
  }

  async #current(): Promise<Pool> {
    if (this.#isClosed) throw new Error("the store is closed");
    const { Pool, types } = (await import("pg")).default;
    this.#types ??= answerTypes(types as CustomTypesConfig);
    return this.#pool ??= this.#newPool(Pool, this.url.hosts[this.#index]!);
  }

  #newPool(Driver: typeof Pool, host: PostgresHost): Pool {
    const pool = new Driver({
      ...clientConfig(this.url, host, this.#isPlain),
      max: MAX_CONNECTIONS,
      idleTimeoutMillis: IDLE_MS,
      allowExitOnIdle: true,
      // PgBouncer has no such parameter.
      ...(this.url.direct === undefined ? { statement_timeout: QUERY_MS - SERVER_LEAD_MS } : {}),
      ...(this.url.hosts.length > 1 ? { verify: verifyWritable } : {}),
    });
    pool.on("error", () => {}); // on an idle connection: the pool has dropped it
    pool.on("connect", (client) => client.on("error", () => {})); // on a connection in use: its statement fails
    return pool;
  }

  /** Stops using this pool's connections; those in use end by themselves. @param isNext Moves on to the next host. */
  #leave(pool: Pool, isNext: boolean): void {
    if (this.#pool !== pool) return;
    this.#pool = undefined;
    if (isNext) {
      this.#index = (this.#index + 1) % this.url.hosts.length;
      this.#isPlain = false;
    }
    pool.end().catch(() => {});
  }

  /** Ends all connections when they have finished their work. */
  async end(): Promise<void> {
    this.#isClosed = true;
    await this.#pool?.end();
    this.#pool = undefined;
  }
}

/** What a connection to a host needs. @param isPlain The server said that it has no TLS, where TLS is not required. */
export function clientConfig(url: PostgresUrl, host: PostgresHost, isPlain: boolean): ClientConfig {
  const { user, password = "", database, sslmode } = url;
  return {
    ...host,
    user,
    password: () => password, // a function, or the driver looks for a password elsewhere
    database,
    ssl: sslmode === "prefer" && isPlain ? false : tlsOf(url, host),
    application_name: APPLICATION,
    query_timeout: QUERY_MS,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
  };
}

function simple(text: string, limitMs: number): QueryConfig {
  return Object.assign({ text }, { query_timeout: limitMs });
}

/** With several hosts, only one that accepts writes is used: a standby is passed over for the next host. */
export function verifyWritable(client: ClientBase, done: (error?: Error) => void): void {
  client
    .query("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS is_read_only")
    .then(
      ({ rows: [row] }) =>
        done(row.is_read_only ? errorOfState("25006", ({ warnings }) => warnings.database.readOnly) : undefined),
      done,
    );
}
