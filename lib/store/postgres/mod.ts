/** A store in a PostgreSQL database, which several relays may share. */

import { hostname } from "node:os";
import { type Clock, within } from "../../clock.ts";
import type { Batch, Store, Written } from "../mod.ts";
import { type Mark, refusalOf } from "../move.ts";
import { PostgresAlarms } from "./alarms.ts";
import { eventColumns } from "./columns.ts";
import { Database } from "./database.ts";
import { errorOfState, isDown, storeError } from "./error.ts";
import { PostgresLanes } from "./lanes.ts";
import { PostgresMembers } from "./members.ts";
import { readMark } from "./moves.ts";
import { PostgresOperator } from "./operator.ts";
import { PostgresReceipts } from "./receipts.ts";
import { recordColumns, recordedOf, type WrittenRow } from "./record.ts";
import { PostgresRuns } from "./runs.ts";
import { PostgresSessions } from "./sessions.ts";
import { PostgresUpkeep } from "./upkeep.ts";
import { parsePostgresUrl, type PostgresUrl } from "./url.ts";

/** How long to wait for a database that is down or starting when a relay begins to serve, in milliseconds. */
const START_WAIT_MS = 20_000;

/** Most bytes that the server's disk is checked to have room for. */
const MAX_ROOM = 1024 ** 3;

/** How long to wait for the server when connections are closed, in milliseconds: it may be unreachable. */
const CLOSE_MS = 1_000;

/** Pause between two checks of a database that is down, in milliseconds. */
const START_PAUSE_MS = 250;

export interface PostgresOptions {
  /** Whether the schema is created if it does not exist (the default); otherwise a missing schema is an error. */
  isMade?: boolean;
  /** A clock to use instead of the server's, for tests. */
  time?: Clock;
  /** Name by which other relays know this one; default: the machine's. */
  member?: string;
  /** Called after each batch is written with the milliseconds that it took, including the round trip to the server. */
  onCommit?(ms: number): void;
}

/**
 * Opens the store in this database, and connects on the first call.
 * @throws {RelayError} if the URL cannot be parsed.
 */
export function openPostgres(url: string | PostgresUrl, clock: Clock, options: PostgresOptions = {}): Store {
  const place = typeof url === "string" ? parsePostgresUrl(url) : url;
  const database = new Database(place, clock, options.time, options.isMade);
  return new Postgres(database, clock, options);
}

class Postgres extends PostgresOperator implements Store {
  /** The server's clock, as far as it is known. */
  readonly time: Clock;
  readonly members: PostgresMembers;
  readonly lanes: PostgresLanes;
  readonly alarms: PostgresAlarms;
  readonly receipts: PostgresReceipts;
  readonly runs: PostgresRuns;
  readonly sessions: PostgresSessions;
  readonly upkeep: PostgresUpkeep;
  readonly #clock: Clock;
  readonly #onCommit: (ms: number) => void;

  constructor(database: Database, clock: Clock, { member = hostname(), onCommit = () => {} }: PostgresOptions) {
    super(database);
    this.members = new PostgresMembers(database, member);
    this.lanes = new PostgresLanes(database, this.members);
    this.alarms = new PostgresAlarms(database);
    this.receipts = new PostgresReceipts(database);
    this.runs = new PostgresRuns(database, this.members);
    this.sessions = new PostgresSessions(database);
    this.upkeep = new PostgresUpkeep(database);
    this.#clock = clock;
    this.#onCommit = onCommit;
    this.time = database.time;
  }

  /** Waits for a database that is down or starting. */
  async serve(): Promise<void> {
    const giveUpAt = this.#clock.monotonic() + START_WAIT_MS;
    for (;;) {
      try {
        await this.database.prepare();
        await this.members.join();
        break;
      } catch (error) {
        if (!isDown(error) || this.#clock.monotonic() >= giveUpAt) throw error;
      }
      await this.#clock.sleep(START_PAUSE_MS);
    }
    // Only once it is a member: of a starting relay and a beginning move, one then sees the other.
    const mark = await this.moved();
    if (mark) throw refusalOf(mark, ({ store }) => store.doingTo.serve(this.database.url.masked));
  }

  /** Also learns the server's time, since the caller goes on to write. */
  async moved(): Promise<Mark | undefined> {
    await this.database.askTime();
    return await readMark((sql) => this.database.query("readStore", sql));
  }

  async write({ accepts, lanes }: Batch): Promise<Written> {
    const doing = accepts.length > 0 ? "storeEvents" : "recordAttempts";
    const [events, records] = this.database.told(doing, () => [eventColumns(accepts), recordColumns(lanes)] as const);
    const args = [this.database.at(), ...events.args, ...records.args];
    const startedAt = this.#clock.monotonic();
    const [row] = await this.database.call<WrittenRow>(doing, "write", args);
    this.#onCommit(this.#clock.monotonic() - startedAt);
    return {
      accepted: events.places.map((place) => place === undefined ? undefined : row!.seqs![place] || undefined),
      lanes: recordedOf(lanes, records.placed, row!),
      released: [...new Set(row!.released)],
      outdated: [...new Set(row!.outdated)],
      lost: (row!.lost ?? []).map((lane) => lanes[lane - 1]!.epoch),
    };
  }

  async probe(roomBytes: number): Promise<void> {
    const doing = "writeStore";
    if (roomBytes > MAX_ROOM) {
      throw storeError(
        doing,
        errorOfState("53100", ({ store }) => store.faults.full.problem),
        this.database.url,
      );
    }
    await this.database.call(doing, "probe", [roomBytes]);
  }

  async bytes(): Promise<number> {
    const [row] = await this.database.call<{ bytes: number }>("readStore", "bytes", []);
    return row!.bytes;
  }

  async close(): Promise<void> {
    await within(CLOSE_MS, this.members.close(), this.#clock);
    await within(CLOSE_MS, this.database.close(), this.#clock);
  }
}
