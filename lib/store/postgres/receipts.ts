/** Receipts in the PostgreSQL store. */

import { formatId, parseId } from "../../id.ts";
import type { HeardReceipt } from "../../receipt.ts";
import { targetOfLane } from "../../recipient.ts";
import type { DeliveryRef } from "../delivery.ts";
import type { Epoch } from "../mod.ts";
import { freshReceiptOf, type FreshReceiptRow } from "../receipt_rows.ts";
import {
  type AppliedReceipt,
  type FreshReceipt,
  MAX_FRESH,
  type ReceiptKey,
  type ReceiptStore,
  UNKNOWN_KEPT_MS,
} from "../receipts.ts";
import { storedFailure } from "../rows.ts";
import { placeOf } from "../story.ts";
import type { Database } from "./database.ts";

const NAMED = `SELECT n.place, d.event, d.number, d.target
  FROM unnest($1::uuid[], $2::uuid[], $3::int[]) WITH ORDINALITY n(first, last, number, place)
    JOIN LATERAL (SELECT d.event, d.number, d.target FROM relay.events e
        JOIN relay.deliveries d ON d.event = e.seq AND d.number = n.number
      WHERE e.id BETWEEN n.first AND n.last LIMIT 1) d ON true`;

const FRESH = `SELECT r.message, r.path, r.status, r.failure, m.at AS accepted_at,
    (SELECT s.status FROM relay.receipts s WHERE s.message = r.message AND s.path = r.path
      ORDER BY array_position('{sent,failed,delivered,read}'::text[], s.status) DESC LIMIT 1) AS standing,
    NOT EXISTS (SELECT 1 FROM relay.messages o
      WHERE o.event = m.event AND o.number = m.number AND o.at > coalesce(m.at, 0)) AS is_last,
    d.event AS seq, d.number, d.target AS lane, d.state, d.reason, d.receipt, d.revision, d.attempts, d.first_attempt,
    e.id, e.type, e.source
  FROM (SELECT r.* FROM relay.receipts r WHERE r.is_fresh AND EXISTS (SELECT 1 FROM relay.messages m
          JOIN relay.deliveries d ON d.event = m.event AND d.number = m.number
        WHERE m.message = r.message AND m.path = r.path AND d.target = ANY ($1::text[]))
      ORDER BY r.heard_at LIMIT ${MAX_FRESH}) r
    JOIN relay.messages m ON m.message = r.message AND m.path = r.path
    JOIN relay.deliveries d ON d.event = m.event AND d.number = m.number JOIN relay.events e ON e.seq = d.event
  WHERE d.target = ANY ($1::text[]) ORDER BY m.event, m.number, r.heard_at`;

interface NamedRow extends DeliveryRef {
  place: number;
  target: string;
}

export class PostgresReceipts implements ReceiptStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async accepted(refs: readonly DeliveryRef[], path: string, message: string): Promise<void> {
    await this.#database.call("recordReceipts", "receipt_accepted", [
      this.#database.at(),
      path,
      message,
      refs.map(({ event }) => event),
      refs.map(({ number }) => number),
    ]);
  }

  async hear(path: string, targets: readonly string[], receipts: readonly HeardReceipt[]): Promise<number> {
    const named = await this.#named(receipts, targets);
    const [row] = await this.#database.call<{ fresh: number }>("recordReceipts", "hear_receipts", [
      this.#database.at(),
      UNKNOWN_KEPT_MS,
      path,
      receipts.map(({ message }) => message),
      receipts.map(({ status }) => status),
      receipts.map(({ at }) => at),
      receipts.map(({ failure }) => failure && storedFailure(failure)),
      named.map(({ message }) => message),
      named.map(({ event }) => event),
      named.map(({ number }) => number),
    ]);
    return row!.fresh;
  }

  /** The deliveries of these targets that the vendor names, each with its message. */
  async #named(
    receipts: readonly HeardReceipt[],
    targets: readonly string[],
  ): Promise<(DeliveryRef & { message: string })[]> {
    const places = receipts.flatMap(({ message, delivery }) => {
      const id = delivery === undefined ? undefined : parseId(delivery);
      const place = id && placeOf(id);
      return place?.number === undefined ? [] : [{ ...place, message }];
    });
    if (places.length === 0) return [];
    const rows = await this.#database.query<NamedRow>("readStore", NAMED, [
      places.map(({ first }) => formatId(first)),
      places.map(({ last }) => formatId(last)),
      places.map(({ number }) => number),
    ]);
    return rows.filter(({ target }) => targets.includes(targetOfLane(target)))
      .map(({ place, event, number }) => ({ event, number, message: places[place - 1]!.message }));
  }

  async fresh(lanes: readonly string[]): Promise<FreshReceipt[]> {
    const rows = await this.#database.query<FreshReceiptRow>("readStore", FRESH, [lanes]);
    return rows.map(freshReceiptOf);
  }

  async apply(
    { lane, number, token }: Epoch,
    deliveries: readonly AppliedReceipt[],
    receipts: readonly ReceiptKey[],
  ): Promise<boolean> {
    const [row] = await this.#database.call<{ is_whole: boolean }>("recordReceipts", "apply_receipts", [
      this.#database.at(),
      lane,
      number,
      token,
      deliveries.map(({ ref }) => ref.event),
      deliveries.map(({ ref }) => ref.number),
      deliveries.map(({ revision }) => revision),
      deliveries.map(({ shown }) => shown),
      deliveries.map(({ change }) => change?.state),
      deliveries.map(({ change }) => change?.reason),
      deliveries.map(({ change }) => change?.dueAt),
      receipts.map(({ message }) => message),
      receipts.map(({ path }) => path),
      receipts.map(({ status }) => status),
    ]);
    return row!.is_whole;
  }
}
