/** Searches the events of the PostgreSQL store, in pages: there may be millions, and bodies may be large. */

import { fitsType, questionOf } from "../event_query.ts";
import { lanesOfName } from "./named.ts";
import type { EventFilter, EventPage, ListPage, StoredEvent } from "../operator.ts";
import type { DeliveryRow } from "../delivery_rows.ts";
import { eventOf, type EventRow, eventView, type ListedRow } from "../rows.ts";
import type { Database } from "./database.ts";
import { storable } from "./sql_text.ts";

/** How long one page searches, in milliseconds, so that a page of rare events comes soon, if short. */
const PAGE_MS = 2_000;

/** How long one call searches, in milliseconds. */
const CALL_MS = 100;

/** A page of events with bodies ends with the one that brings it to this many bytes. */
const PAGE_BYTES = 1024 ** 2;

/** The same limit for a page of a list, which reads bodies for what it shows of them. */
const LIST_BYTES = 16 * 1024 ** 2;

/** Least number of events that one call asks for if not all of them may be of the right type. */
const CANDIDATES = 100;

/** What a list shows of an event `e` and its deliveries; the last column is JSON. */
export const listed = `e.seq, e.id, e.source, e.type, e.received_at, e.problems, i.note_id, i.external_id,
  relay.deliveries_of(e.seq) AS deliveries`;

const LIST = `SELECT ${listed} FROM relay.events e CROSS JOIN LATERAL relay.ids_in(e.body) i
  WHERE e.seq = ANY ($1) ORDER BY e.seq DESC`;

const EVENTS = `SELECT seq, id, source, type, received_at, headers, body FROM relay.events
  WHERE seq = ANY ($1) ORDER BY seq`;

export interface ListedWithDeliveries extends ListedRow {
  /** JSON: rows. */
  deliveries: string;
}

/** Matching events: their sequences, types and sizes; how far the search came, and where there is nothing more. */
interface Found {
  sequences: number[];
  types: string[];
  sizes: number[];
  reached: number;
  edge: number;
}

/** What to look for, and the limits of the page. */
interface Search extends ListPage {
  isDown: boolean;
  /** The sequence before or after which to look. */
  beyond: number | undefined;
  maxBytes: number;
}

export class PostgresSearch {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** As {@link OperatorStore.events}. */
  async events(filter: EventFilter, { before, ...page }: ListPage & { before?: number }): Promise<EventPage> {
    const search = { ...page, isDown: true, beyond: before, maxBytes: LIST_BYTES };
    const { sequences, next } = await this.#find(filter, search);
    if (sequences.length === 0) return { events: [], next };
    const rows = await this.#database.query<ListedWithDeliveries>("readStore", LIST, [sequences]);
    const now = this.#database.time.now();
    return { events: rows.map((row) => eventView(row, deliveriesOf(row), now)), next };
  }

  /** As {@link OperatorStore.stored}. */
  async stored(
    filter: EventFilter,
    { after, ...page }: ListPage & { after?: number },
  ): Promise<EventPage<StoredEvent>> {
    const search = { ...page, isDown: false, beyond: after, maxBytes: PAGE_BYTES };
    const { sequences, next } = await this.#find(filter, search);
    if (sequences.length === 0) return { events: [], next };
    const rows = await this.#database.query<EventRow>("readStore", EVENTS, [sequences]);
    return { events: rows.map((row) => ({ seq: row.seq, event: eventOf(row) })), next };
  }

  /** Sequences of matching events, and where to continue. */
  async #find(
    filter: EventFilter,
    { isDown, beyond, limit, maxBytes, signal }: Search,
  ): Promise<{ sequences: number[]; next?: number }> {
    const lanes = await lanesOfName(this.#database, filter.target);
    const { type, text, isRouted, isNarrow, targets, state } = questionOf(filter, lanes, likeOf);
    const isOfType = fitsType({ type: filter.type === undefined ? undefined : storable(filter.type) });
    const { monotonic } = this.#database.time;
    const giveUpAt = monotonic() + PAGE_MS;
    const sequences: number[] = [];
    let bytes = 0;
    let reached = beyond ?? (isDown ? Number.MAX_SAFE_INTEGER : 0);
    for (;;) {
      const wanted = limit - sequences.length;
      const most = filter.type?.includes("*") ? Math.max(wanted, CANDIDATES) : wanted;
      const [found] = await this.#database.call<Found>("readStore", "search", [
        isDown,
        filter.since,
        reached,
        type,
        text,
        isRouted,
        isNarrow,
        targets,
        state,
        most,
        CALL_MS,
      ]);
      const { edge } = found!;
      let isFull = false;
      for (const [index, seq] of found!.sequences.entries()) {
        if (!isOfType({ type: found!.types[index]! })) continue;
        sequences.push(seq);
        bytes += found!.sizes[index]!;
        isFull = sequences.length === limit || bytes >= maxBytes;
        if (isFull) {
          reached = seq;
          break;
        }
      }
      if (!isFull) reached = found!.reached;
      const isEnd = isDown ? reached <= edge : reached >= edge;
      if (isEnd) return { sequences };
      if (isFull || signal?.aborted || monotonic() >= giveUpAt) return { sequences, next: reached };
    }
  }
}

/** A pattern of types, as LIKE takes it. */
function likeOf(type: string): string {
  return type.replaceAll(/[\\%_]/g, "\\$&").replaceAll(/\*+/g, "%");
}

export function deliveriesOf({ deliveries }: ListedWithDeliveries): DeliveryRow[] {
  return JSON.parse(deliveries);
}
