/** How tests reach a PostgreSQL server: its URL, and queries of their own. */

import { randomBytes } from "node:crypto";
import pg from "pg";
import type { PostgresVersion } from "./programs.ts";

export interface UrlOptions {
  /** Default: the superuser. */
  user?: string;
  /** Default: the superuser's, if this server asks for one. */
  password?: string;
  /** Default: "127.0.0.1". */
  host?: string;
  /** Default: the server's own; another is a proxy's. */
  port?: number;
  /** Default: "postgres". */
  database?: string;
  schema?: string;
  /** Names a schema that no other call names. */
  freshSchema?: boolean;
  /** What else stands behind `?`. */
  params?: Record<string, string>;
}

/** A server as its clients see it. */
export interface Database {
  readonly port: number;
  readonly version: PostgresVersion;
  /** The superuser's password, if the server asks for one. */
  readonly password: string | undefined;
  /** A `postgres://` URL. */
  url(options?: UrlOptions): string;
  /** Runs one statement, or several without parameters, as superuser in a session of its own. */
  query<Row extends pg.QueryResultRow = Record<string, unknown>>(
    sql: string,
    params?: unknown[],
    database?: string,
  ): Promise<Row[]>;
}

export function databaseAt(server: Pick<Database, "port" | "version" | "password">): Database {
  const url = (options: UrlOptions = {}) => urlOf({ password: server.password, port: server.port, ...options });
  return {
    ...server,
    url,
    async query<Row extends pg.QueryResultRow>(sql: string, params?: unknown[], database?: string) {
      const client = new pg.Client({ connectionString: url({ database }), connectionTimeoutMillis: 10_000 });
      client.on("error", () => {}); // the query rejects, too
      try {
        await client.connect();
        const result = await client.query<Row>(sql, params);
        return result.rows;
      } finally {
        await client.end();
      }
    },
  };
}

function urlOf(options: UrlOptions & { port: number }): string {
  const { user = "postgres", password, host = "127.0.0.1", port, database = "postgres" } = options;
  const login = [user, ...password === undefined ? [] : [password]].map(encodeURIComponent).join(":");
  const schema = options.freshSchema ? `relay_${randomBytes(5).toString("hex")}` : options.schema;
  const params = Object.entries({ ...schema === undefined ? {} : { schema }, ...options.params });
  const query = params.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return `postgres://${login}@${host}:${port}/${encodeURIComponent(database)}${query && `?${query}`}`;
}
