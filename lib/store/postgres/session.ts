/**
 * The one session of a relay's own, in which it holds its locks and is told of what operators change: a direct connection
 * that ends when the relay is silent.
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

/** The server ends a session that is silent for this long, and frees its locks, in milliseconds. */
const SILENCE_MS = 20_000;

/** A statement of the session takes no longer on the server, in milliseconds. */
const STATEMENT_MS = 4_000;

export class Session {
  readonly #url: PostgresUrl;
  readonly #onLost: () => void;
  readonly #onTold: () => void;
  #client?: Client;
  /** The server process that was connected to, as the server said. */
  #pid?: number;

  /**
   * @param onLost Called as soon as a session that was open has ended.
   * @param onTold Called when a channel tells something that the session listens to.
   */
  constructor(url: PostgresUrl, onLost: () => void, onTold: () => void) {
    this.#url = url;
    this.#onLost = onLost;
    this.#onTold = onTold;
  }

  get isOpen(): boolean {
    return this.#client !== undefined;
  }

  /** Of the server process of the session that was open last. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** Opens a session. @param name Of the relay. Throws what the driver does. */
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
      this.#checkDirect((await client.query("SELECT pg_backend_pid() AS pid")).rows, pid); // before anything is set there
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

  /** Has the server call the session by the relay's name, which may be another than was wanted. Throws what the driver does. */
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
   * Calls a function of the schema; each of its rows has the server process as `pid`. One that fails ends the session.
   * Throws what the driver does.
   * @throws {StoreError} if a pooler stands between, which gives every statement another session.
   */
  async call<Row extends { pid: number }>(name: string, args: readonly SqlValue[]): Promise<Row[]> {
    const places = args.map((_, index) => `$${index + 1}`).join(", ");
    const text = inSchema(`SELECT * FROM relay.${name}(${places})`, quotedName(this.#url.schema));
    return await this.#ask<Row>(name, text, args, (rows) => this.#checkDirect(rows, this.#pid));
  }

  /** @param name By which the server knows the statement once it was prepared. */
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

  /** @param own Of the server process that was connected to, as the server said. */
  #checkDirect(rows: readonly { pid: number }[], own: number | undefined): void {
    if (rows.every(({ pid }) => pid === own)) return;
    throw new StoreError(
      ({ store: { server } }) => server.cannotLock(this.#url.masked, server.pooler),
      ({ store }) => store.server.nameDirect,
    );
  }

  /** Ends the session, and its locks with it, whether the server is heard or not. */
  leave(): void {
    if (this.#client) this.#lose(this.#client);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end();
  }
}

/** What people see of the session in the server's lists. */
function sessionName(relay: string): string {
  return `${APPLICATION} ${relay} ${VERSION}`;
}
