/** Receipts in the PostgreSQL store. */

import type { HeardReceipt } from "../../receipt.ts";
import { formatId, parseId } from "../../id.ts";
import type { DeliveryRef } from "../delivery.ts";
import type { Epoch } from "../mod.ts";
import { type AppliedReceipt, type FreshReceipt, MAX_FRESH, type ReceiptStore, UNKNOWN_KEPT_MS } from "../receipts.ts";
import { freshReceiptOf, type FreshReceiptRow } from "../receipt_rows.ts";
import { storedFailure } from "../rows.ts";
import { placeOf } from "../story.ts";
import type { Database } from "./database.ts";

const FRESH =
  `SELECT r.path, r.message, r.status, r.failure, d.event AS seq, d.number, d.target AS lane, d.state, d.receipt,
    d.revision, d.attempts, d.first_attempt, e.id, e.type, e.source,
    relay.is_last_message(r.path, r.message, r.event, r.number) AS is_last
  FROM relay.receipts r JOIN relay.deliveries d ON d.event = r.event AND d.number = r.number
    JOIN relay.events e ON e.seq = d.event
  WHERE r.is_fresh AND r.event IS NOT NULL AND d.target = ANY ($1::text[])
  ORDER BY r.event, r.number LIMIT ${MAX_FRESH}`;

export class PostgresReceipts implements ReceiptStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async accepted({ event, number }: DeliveryRef, path: string, message: string): Promise<void> {
    const args = [this.#database.at(), event, number, path, message];
    await this.#database.call("recordReceipts", "receipt_accepted", args);
  }

  async hear(path: string, targets: readonly string[], receipts: readonly HeardReceipt[]): Promise<number> {
    const places = receipts.map(({ delivery }) => {
      const id = delivery === undefined ? undefined : parseId(delivery);
      const place = id && placeOf(id);
      return place?.number === undefined ? undefined : place;
    });
    const [row] = await this.#database.call<{ fresh: number }>("recordReceipts", "hear_receipts", [
      this.#database.at(),
      UNKNOWN_KEPT_MS,
      path,
      targets,
      receipts.map(({ message }) => message),
      receipts.map(({ status }) => status),
      receipts.map(({ at }) => at),
      receipts.map(({ failure }) => failure && storedFailure(failure)),
      places.map((place) => place && formatId(place.first)),
      places.map((place) => place && formatId(place.last)),
      places.map((place) => place?.number),
    ]);
    return row!.fresh;
  }

  async fresh(lanes: readonly string[]): Promise<FreshReceipt[]> {
    const rows = await this.#database.query<FreshReceiptRow>("readStore", FRESH, [lanes]);
    return rows.map(freshReceiptOf);
  }

  async apply({ lane, number, token }: Epoch, receipts: readonly AppliedReceipt[]): Promise<void> {
    const sorted = receipts.toSorted(({ ref: one }, { ref: other }) =>
      one.event - other.event || one.number - other.number
    );
    await this.#database.call("recordReceipts", "apply_receipts", [
      this.#database.at(),
      lane,
      number,
      token,
      sorted.map(({ path }) => path),
      sorted.map(({ message }) => message),
      sorted.map(({ status }) => status),
      sorted.map(({ ref }) => ref.event),
      sorted.map(({ ref }) => ref.number),
      sorted.map(({ revision }) => revision),
      sorted.map(({ change }) => change?.state),
      sorted.map(({ change }) => change?.reason),
      sorted.map(({ change }) => change?.dueAt),
    ]);
  }
}
