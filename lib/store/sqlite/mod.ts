/** A store in one SQLite file. */

import type { Clock } from "../../clock.ts";
import type { Batch, Store, Written } from "../mod.ts";
import type { Mark } from "../move.ts";
import { SqliteAccept } from "./accept.ts";
import { SqliteAlarms } from "./alarms.ts";
import { SqliteChains } from "./chains.ts";
import { SqliteCounts } from "./counts.ts";
import { type FileOptions, SqliteFile } from "./file.ts";
import { SqliteLanes } from "./lanes.ts";
import { SqliteOperator } from "./operator.ts";
import { SqliteReceipts } from "./receipts.ts";
import { SqliteRecord } from "./record.ts";
import { SqliteRuns } from "./runs.ts";
import { SqliteSessions } from "./sessions.ts";
import { SqliteSteps } from "./steps.ts";
import { SqliteUpkeep } from "./upkeep.ts";

/**
 * Opens the store in this file, which is created if it does not exist.
 * @throws {StoreError} if it cannot be opened, or is from a newer version of the program.
 */
export function openSqlite(path: string, clock: Clock, options: FileOptions = {}): Store {
  return new SqliteStore(new SqliteFile(path, clock, options), clock);
}

class SqliteStore extends SqliteOperator implements Store {
  readonly lanes: SqliteLanes;
  readonly alarms: SqliteAlarms;
  readonly receipts: SqliteReceipts;
  readonly runs: SqliteRuns;
  readonly sessions: SqliteSessions;
  readonly upkeep: SqliteUpkeep;
  readonly #file: SqliteFile;
  readonly time: Clock;
  readonly #accept: SqliteAccept;
  readonly #record: SqliteRecord;

  constructor(file: SqliteFile, clock: Clock) {
    const chains = new SqliteChains(file);
    const accept = new SqliteAccept(file, chains);
    const steps = new SqliteSteps(file);
    const counts = new SqliteCounts(file);
    super(file, clock, { accept, chains, steps, counts });
    this.#file = file;
    this.time = clock;
    this.#accept = accept;
    this.#record = new SqliteRecord(file, chains);
    this.lanes = new SqliteLanes(file, clock, { accept, chains, record: this.#record });
    this.alarms = new SqliteAlarms(file, clock, accept);
    this.receipts = new SqliteReceipts(file, clock, { chains, record: this.#record });
    this.runs = new SqliteRuns(file);
    this.sessions = new SqliteSessions(file);
    this.upkeep = new SqliteUpkeep(file, clock, steps, counts);
  }

  async serve(): Promise<void> {
    this.#file.serve();
  }

  async write({ accepts, lanes }: Batch): Promise<Written> {
    const doing = accepts.length > 0 ? "storeEvents" : "recordAttempts";
    return await this.#file.write(doing, () => {
      const changes = { released: new Set<string>(), outdated: new Set<string>() };
      const now = this.time.now();
      const isOwner = lanes.map((lane) => this.#record.isOwner(lane));
      return {
        accepted: accepts.map((event) => this.#accept.accept(event)),
        lanes: lanes.map((lane, index) => this.#record.record(lane, isOwner[index]!, now, changes)),
        released: [...changes.released],
        outdated: [...changes.outdated],
        lost: lanes.filter((_, index) => !isOwner[index]).map(({ epoch }) => epoch),
      };
    });
  }

  async probe(roomBytes: number): Promise<void> {
    await this.#file.probe(roomBytes);
  }

  async bytes(): Promise<number> {
    return this.#file.bytes();
  }

  async moved(): Promise<Mark | undefined> {
    return this.#file.mark();
  }

  async close(): Promise<void> {
    this.#file.close();
  }
}
