/**
 * A relay's own session, in which it holds its locks and hears what operators change: a direct connection that ends
 * when the relay is silent.
 */

import type { Client } from "pg";
import { StoreError } from "../../errors.ts";
import { VERSION } from "../../version.ts";
import { answerTypes } from "./answer_types.ts";
import { APPLICATION, clientConfig, verifyWritable } from "./connections.ts";
import { errorOfState, isDown } from "./error.ts";
import { inSchema, quotedName, sent, type SqlValue } from "./sql_text.ts";
import { hasNoTls } from "./tls.ts";
import type { PostgresHost, PostgresUrl } from "./url.ts";

/** The server ends a session after this much silence, in milliseconds, and frees its locks. */
const SILENCE_MS = 20_000;

/** Longest time of one of the session's statements on the server, in milliseconds. */
const STATEMENT_MS = 4_000;

export class Session {
  readonly #url: PostgresUrl;
  readonly #onLost: () => void;
  readonly #onTold: () => void;
  #client?: Client;
  /** The server process that the connection was made to, as the server reported it. */
  #pid?: number;

  /**
   * @param onLost Called as soon as an open session has ended.
   * @param onTold Called when a channel that the session listens to has a notification.
   */
  constructor(url: PostgresUrl, onLost: () => void, onTold: () => void) {
    this.#url = url;
    this.#onLost = onLost;
    this.#onTold = onTold;
  }

  get isOpen(): boolean {
    return this.#client !== undefined;
  }

  /** The server process of the last open session. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** Opens a session. @param name Name of the relay. Throws the driver's errors. */
  async open(name: string): Promise<void> {
    const { direct, hosts } = this.#url;
    let first: { error: unknown } | undefined;
    for (const host of direct ? [direct] : hosts) {
      try {
        return await this.#openAt(host, name);
      } catch (error) {
        first ??= { error };
        if (!isDown(error)) break;
      }
    }
    throw first!.error;
  }

  async #openAt(host: PostgresHost, name: string): Promise<void> {
    let client: Client;
    try {
      client = await this.#connect(host, name, false);
    } catch (error) {
      if (this.#url.sslmode !== "prefer" || !hasNoTls(error)) throw error;
      client = await this.#connect(host, name, true);
    }
    const { processID: pid } = client as unknown as { processID: number };
    try {
      this.#checkDirect((await client.query("SELECT pg_backend_pid() AS pid")).rows, pid); // before any settings
      await client.query(`SET idle_session_timeout = ${SILENCE_MS}`);
      await client.query(`SET statement_timeout = ${STATEMENT_MS}`);
      await new Promise<void>((resolve, reject) =>
        verifyWritable(client, (error) => error ? reject(error) : resolve())
      );
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    this.#client = client;
    this.#pid = pid;
    client.once("end", () => this.#lose(client));
  }

  async #connect(host: PostgresHost, name: string, isPlain: boolean): Promise<Client> {
    const { Client, types } = (await import("pg")).default;
    const client = new Client({
      ...clientConfig(this.#url, host, isPlain),
      application_name: sessionName(name),
      types: answerTypes(types),
    });
    client.on("error", () => this.#lose(client));
    client.on("notification", this.#onTold);
    await client.connect();
    return client;
  }

  /** Renames the session on the server to this name, which may not be the one wanted. Throws the driver's errors. */
  async rename(name: string): Promise<void> {
    await this.#ask("rename", "SELECT set_config('application_name', $1, false)", [sessionName(name)]);
  }

  #lose(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    client.end().catch(() => {});
    this.#onLost();
  }

  /**
   * Calls a function of the schema, each row of which has the server process as `pid`. A failed call ends the session.
   * Throws the driver's errors.
   * @throws {StoreError} if there is a pooler in between, which gives every statement another session.
   */
  async call<Row extends { pid: number }>(name: string, args: readonly SqlValue[]): Promise<Row[]> {
    const places = args.map((_, index) => `$${index + 1}`).join(", ");
    const text = inSchema(`SELECT * FROM relay.${name}(${places})`, quotedName(this.#url.schema));
    return await this.#ask<Row>(name, text, args, (rows) => this.#checkDirect(rows, this.#pid));
  }

  /** @param name By which the server knows the prepared statement. */
  async #ask<Row>(name: string, text: string, args: readonly SqlValue[], check = (_: Row[]) => {}): Promise<Row[]> {
    const client = this.#client;
    if (!client) throw errorOfState("08003", ({ store }) => store.server.lost);
    try {
      const { rows } = await client.query({ name, text, values: args.map(sent) });
      check(rows);
      return rows;
    } catch (error) {
      this.#lose(client);
      throw error;
    }
  }

  /** @param own The server process that the connection was made to, as the server reported it. */
  #checkDirect(rows: readonly { pid: number }[], own: number | undefined): void {
    if (rows.every(({ pid }) => pid === own)) return;
    throw new StoreError(
      ({ store: { server } }) => server.cannotLock(this.#url.masked, server.pooler),
      ({ store }) => store.server.nameDirect,
    );
  }

  /** Ends the session, and its locks with it, whether or not the server can be reached. */
  leave(): void {
    if (this.#client) this.#lose(this.#client);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end();
  }
}

/** The session's name in the server's lists, as people see it. */
function sessionName(relay: string): string {
  return `${APPLICATION} ${relay} ${VERSION}`;
}
