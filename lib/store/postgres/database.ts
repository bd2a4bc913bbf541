/** The database of a PostgreSQL store, as the parts of the store call it. */

import { cannot, type Doing } from "../fault.ts";
import type { Clock } from "../../clock.ts";
import { sayError, StoreError } from "../../errors.ts";
import { Connections } from "./connections.ts";
import { isBusy, isConflict, isUnheard, storeError } from "./error.ts";
import { prepareSchema, removeOld } from "./schema.ts";
import { ServerTime } from "./server_time.ts";
import type { SqlValue } from "./sql_text.ts";
import type { PostgresUrl } from "./url.ts";

/** How often a transaction is repeated after a conflict with others. */
const MAX_RETRIES = 3;

/** Connects on the first call. Methods throw {@link StoreError}. */
export class Database {
  readonly url: PostgresUrl;
  /** The server's clock, as far as it is known. */
  readonly time: Clock;
  /** The time that calls pass: `NULL`, for which the server uses its own clock, or the time of a test's clock. */
  readonly at: () => number | null;
  /** The machine's clock, to measure durations and to wait. */
  readonly #clock: Clock;
  readonly #connections: Connections;
  readonly #server?: ServerTime;
  /** Whether the schema is created if it does not exist. */
  readonly #isMade: boolean;
  #prepared?: Promise<void>;
  /** Since when no call has come through, by the machine's clock; `undefined` while calls do. */
  #unheardSince?: number;

  /** @param time A clock to use instead of the server's, for tests. */
  constructor(url: PostgresUrl, clock: Clock, time?: Clock, isMade = true) {
    this.url = url;
    this.#isMade = isMade;
    this.#clock = clock;
    this.#connections = new Connections(url);
    if (!time) this.#server = new ServerTime(clock);
    this.time = time ?? this.#server!;
    this.at = time ? () => time.now() : () => null;
  }

  /** For how many milliseconds no call has come through; `undefined` while calls do. */
  get unheardMs(): number | undefined {
    return this.#unheardSince === undefined ? undefined : this.#clock.monotonic() - this.#unheardSince;
  }

  /** Asks for the server's time, which is used from then on, and finds out whether calls come through. */
  async askTime(): Promise<void> {
    await this.query("readStore", "SELECT relay.now_ms() AS now");
  }

  /**
   * Calls a function of the schema, in its own transaction and one round trip. One that returns `now` in its first row
   * tells the server's time.
   * @param doing What this is for, for the error.
   */
  async call<Row>(doing: Doing, name: string, args: readonly SqlValue[]): Promise<Row[]> {
    const places = args.map((_, index) => `$${index + 1}`).join(", ");
    return await this.query<Row>(doing, `SELECT * FROM relay.${name}(${places})`, args);
  }

  /** Runs a statement, in which the schema is called `relay`, as {@link Database.call} does. */
  async query<Row>(doing: Doing, sql: string, args: readonly SqlValue[] = []): Promise<Row[]> {
    return await this.#do(doing, async () => {
      const sentAt = this.#clock.monotonic();
      const rows = await this.#connections.query<Row>(sql, args);
      const now = (rows[0] as { now?: unknown } | undefined)?.now;
      if (typeof now === "number") this.#server?.learn(now, sentAt);
      return rows;
    });
  }

  /** Does work that needs only this machine, and reports its errors as a store does. */
  told<Result>(doing: Doing, work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw new StoreError(cannot(doing, sayError(error))); // another batch may succeed
    }
  }

  /**
   * Checks that the server can have a store, and creates or upgrades the schema, once. Every other call does this
   * first.
   */
  async prepare(): Promise<void> {
    this.#prepared ??= prepareSchema(this.#connections, undefined, this.#isMade);
    try {
      await this.#prepared;
    } catch (error) {
      this.#prepared = undefined;
      throw storeError("openStore", error, this.url);
    }
  }

  /** As {@link removeOld}. */
  async removeOld(): Promise<boolean> {
    return await this.#do("removeOld", () => removeOld(this.#connections));
  }

  async #do<Result>(doing: Doing, work: () => Promise<Result>): Promise<Result> {
    await this.prepare();
    for (let retries = 0;; retries++) {
      try {
        const result = await work();
        this.#unheardSince = undefined;
        return result;
      } catch (error) {
        this.#note(error);
        if (!isConflict(error) || retries === MAX_RETRIES) throw storeError(doing, error, this.url);
      }
    }
  }

  #note(error: unknown): void {
    if (isBusy(error)) return; // which says nothing about the server
    this.#unheardSince = isUnheard(error) ? this.#unheardSince ?? this.#clock.monotonic() : undefined;
  }

  async close(): Promise<void> {
    await this.#connections.end();
  }
}
