/** Order keys in the SQLite store: of a lane's deliveries with the same key, only the first that is not done goes. */

import type { StatementSync } from "node:sqlite";
import type { Clock } from "../../clock.ts";
import { type DeliveryRef, keyOf } from "../delivery.ts";
import type { Epoch } from "../mod.ts";
import type { SqliteFile } from "./file.ts";
import { walk } from "./pieces.ts";
import type { SqliteRecord } from "./record.ts";
import { firstInOrder, unparkHead } from "./statements.ts";

/** How many deliveries are considered for parking: those that have been due longest. */
const FRONT = 2_000;

const statements = {
  /** A step of a chain that waits for its time is not parked, as it would lose that. */
  front:
    `SELECT event, number, iif(chain IS NOT NULL AND awaits IS NOT NULL, NULL, order_key) AS order_key FROM deliveries
    WHERE target = ? AND state = 'pending' AND due_at <= ? ORDER BY due_at, event, number LIMIT ${FRONT}`,
  park:
    `UPDATE deliveries SET due_at = NULL, due_set_at = NULL, awaits = NULL WHERE event = ? AND number = ? AND state = 'pending'`,
  nextParked: `SELECT min(order_key) AS orderKey FROM deliveries
    WHERE target = ? AND order_key > ? AND order_key IS NOT NULL AND state = 'pending' AND due_at IS NULL AND awaits IS NULL`,
  isHeadParked: `SELECT 1 FROM deliveries
    WHERE (event, number) = (${firstInOrder}) AND due_at IS NULL AND awaits IS NULL`,
  unparkHead,
} as const;

export class SqliteOrder {
  readonly #file: SqliteFile;
  readonly #clock: Clock;
  readonly #record: SqliteRecord;
  readonly #sql: Record<keyof typeof statements, StatementSync>;

  constructor(file: SqliteFile, clock: Clock, record: SqliteRecord) {
    this.#file = file;
    this.#clock = clock;
    this.#record = record;
    this.#sql = file.prepareAll(statements);
  }

  /** As {@link LaneStore.park}. */
  async park(epoch: Epoch, orderKeys: readonly string[]): Promise<boolean> {
    const { lane } = epoch;
    const blocked = new Set(orderKeys);
    return await this.#file.write("parkDeliveries", () => {
      if (!this.#record.isOwner({ epoch })) return false;
      const front = this.#sql.front.all(lane, this.#clock.now()) as unknown as FrontRow[];
      const heads = new Map<string, string>();
      const behind = front.filter((row) => {
        const { order_key: key } = row;
        if (key === null || !blocked.has(key)) return false;
        const head = heads.get(key) ?? keyOf(this.#record.headOf(lane, key) ?? row);
        heads.set(key, head);
        return keyOf(row) !== head;
      });
      for (const { event, number } of behind) this.#sql.park.run(event, number);
      return behind.length > 0 && front.length === FRONT;
    });
  }

  /** As {@link LaneStore.unpark}. */
  async unpark(epoch: Epoch): Promise<number> {
    const { lane } = epoch;
    const stuck: string[] = [];
    await this.#file.readInPieces((isOver) => this.#findStuck(lane, stuck, isOver));
    if (stuck.length === 0) return 0;
    return await this.#file.write("unparkDeliveries", () => {
      if (!this.#record.isOwner({ epoch })) return 0;
      const at = this.#clock.now();
      return stuck.reduce(
        (sum, orderKey) => sum + Number(this.#sql.unparkHead.run({ target: lane, orderKey, at }).changes),
        0,
      );
    });
  }

  /** Finds order keys whose heads are parked. */
  #findStuck(lane: string, stuck: string[], isOver: () => boolean): Generator<void, boolean> {
    const { nextParked, isHeadParked } = this.#sql;
    const keysAfter = function* (last = "") {
      for (let key = last;;) {
        const { orderKey } = nextParked.get(lane, key) as { orderKey: string | null };
        if (orderKey === null) return;
        yield key = orderKey;
      }
    };
    return walk<string>(keysAfter, (orderKey) => {
      if (isHeadParked.get({ target: lane, orderKey })) stuck.push(orderKey);
    }, isOver);
  }
}

interface FrontRow extends DeliveryRef {
  order_key: string | null;
}
