/** The operator's part of the PostgreSQL store: what is shown of its events, and what a person changes. */

import type { Doing } from "../fault.ts";
import type { NewDelivery, NewEvent } from "../../event.ts";
import { deliveryId, formatId, type IdBytes } from "../../id.ts";
import type { Reason } from "../../reason.ts";
import { durationOf, HOUR_MS } from "../activity.ts";
import type { DeliveryRef } from "../delivery.ts";
import type {
  Activity,
  DeadFilter,
  EventFilter,
  EventPage,
  EventStory,
  FoundId,
  ListPage,
  OperatorStore,
  StoredEvent,
  Totals,
} from "../operator.ts";
import { foundOf, type FoundRow, rangeOf } from "../id_prefix.ts";
import { lanesOfName } from "./named.ts";
import type { ReceiptRow } from "../receipt_rows.ts";
import { isoTime } from "../iso_time.ts";
import { type AttemptRow, type NoteRow, type StoryRow, type TargetRow, targetView } from "../rows.ts";
import { placeOf, storyOf } from "../story.ts";
import type { DeadGroup, TargetView } from "../views.ts";
import { deliveryColumns, eventColumns } from "./columns.ts";
import type { Database } from "./database.ts";
import { deliveriesOf, listed, type ListedWithDeliveries, PostgresSearch } from "./search.ts";

const statements = {
  story: `SELECT ${listed}, e.headers, e.body, e.secret_index,
      (SELECT coalesce(json_agg(a ORDER BY a.number, a.attempt), '[]')::text FROM relay.attempts a WHERE a.event = e.seq)
        AS attempts,
      (SELECT coalesce(json_agg(r), '[]')::text FROM (
        SELECT m.number, 'accepted' AS status, m.at, NULL AS failure FROM relay.messages m
        WHERE m.event = e.seq AND m.at IS NOT NULL
        UNION ALL SELECT m.number, r.status, r.at, r.failure FROM relay.messages m
          JOIN relay.receipts r ON r.message = m.message AND r.path = m.path WHERE m.event = e.seq) r) AS receipts,
      (SELECT coalesce(json_object_agg(d.number, d.first_attempt), '{}')::text FROM relay.deliveries d WHERE d.event = e.seq)
        AS first_attempts,
      n.at AS note_at, n.data AS note_data, n.problem AS note_problem
    FROM relay.events e CROSS JOIN LATERAL relay.ids_in(e.body) i LEFT JOIN relay.notes n ON n.event = e.seq
    WHERE e.id BETWEEN $1 AND $2 ORDER BY e.id LIMIT 1`,

  findEvents: `SELECT p.place, e.id, e.type, e.received_at
    FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY p(first, last, place) CROSS JOIN LATERAL (
      SELECT id, type, received_at FROM relay.events WHERE id BETWEEN p.first AND p.last ORDER BY id LIMIT $3) e
    ORDER BY p.place, e.id`,

  findDeliveries: `SELECT p.place, e.id, e.type, e.received_at, e.number, e.target
    FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[])
      WITH ORDINALITY p(first, last, first_number, last_number, place) CROSS JOIN LATERAL (
      SELECT e.id, e.type, e.received_at, d.number, d.target
      FROM relay.events e CROSS JOIN LATERAL (
        SELECT number, target FROM relay.deliveries WHERE event = e.seq AND number BETWEEN p.first_number AND p.last_number
          AND NOT starts_with(target, 'relay::') ORDER BY number LIMIT $5) d
      WHERE e.id BETWEEN p.first AND p.last ORDER BY e.id, d.number LIMIT $5) e
    ORDER BY p.place, e.id, e.number`,

  dead: `SELECT d.event, d.number
    FROM relay.range_since($3) r JOIN relay.deliveries d ON d.event >= r.first
      AND (r.since IS NULL OR (SELECT e.received_at FROM relay.events e WHERE e.seq = d.event) >= r.since)
    WHERE d.state = 'dead' AND d.target = $1 AND d.reason = $2 AND (d.event, d.number) > ($4, $5)
    ORDER BY d.event, d.number LIMIT $6`,

  attempts: `SELECT hour, target, state, bucket, count FROM relay.activity WHERE hour BETWEEN $1 AND $2
    ORDER BY hour, target, state, bucket`,
} as const;

export class PostgresOperator implements OperatorStore {
  protected readonly database: Database;
  readonly #search: PostgresSearch;

  constructor(database: Database) {
    this.database = database;
    this.#search = new PostgresSearch(database);
  }

  async targets(): Promise<TargetView[]> {
    const now = this.database.time.now();
    const rows = await this.database.call<CountedRow>("readStore", "targets", [now]);
    return rows.map(({ pending, dead, oldest_at: oldestAt, ...row }) =>
      targetView(row.name, { pending, dead, oldestAt: oldestAt ?? undefined }, row, now)
    );
  }

  async totals(limit: number): Promise<Totals> {
    const [totals] = await this.database.call<Totals>("readStore", "totals", [limit]);
    return totals!;
  }

  async events(filter: EventFilter, page: ListPage & { before?: number }): Promise<EventPage> {
    return await this.#search.events(filter, page);
  }

  async stored(filter: EventFilter, page: ListPage & { after?: number }): Promise<EventPage<StoredEvent>> {
    return await this.#search.stored(filter, page);
  }

  async story(id: IdBytes): Promise<EventStory | undefined> {
    const { first, last, number } = placeOf(id);
    const [event] = await this.database.query<WholeRow>("readStore", statements.story, [
      formatId(first),
      formatId(last),
    ]);
    if (!event) return undefined;
    const attempts = Map.groupBy(JSON.parse(event.attempts) as NumberedAttempt[], ({ number }) => number);
    const { note_at: at, note_data: data, note_problem: problem } = event;
    const receipts = JSON.parse(event.receipts) as ReceiptRow[];
    const firsts = JSON.parse(event.first_attempts) as Record<number, number>;
    return storyOf(
      {
        event,
        deliveries: deliveriesOf(event).map((row) => ({ ...row, first_attempt: firsts[row.number]! })),
        attemptsOf: (number) => attempts.get(number) ?? [],
        receiptsOf: (number) => receipts.filter((one) => one.number === number),
        note: at === null ? undefined : { at, data, problem },
      },
      number,
      this.database.time.now(),
    );
  }

  async find(prefixes: readonly string[], limit: number): Promise<FoundId[][]> {
    const ranges = prefixes.map((prefix, index) => ({ ...rangeOf(prefix), index }));
    const found = prefixes.map((): FoundId[] => []);
    const read = async (sql: string, asked: typeof ranges, ...numbers: number[][]) => {
      if (asked.length === 0) return;
      const ends = [asked.map(({ first }) => formatId(first)), asked.map(({ last }) => formatId(last))];
      const rows = await this.database.query<FoundRow & { place: number }>("readStore", sql, [
        ...ends,
        ...numbers,
        limit,
      ]);
      for (const row of rows) found[asked[row.place - 1]!.index]!.push(foundOf(row));
    };
    const deliveries = ranges.filter(({ numbers }) => numbers);
    await read(statements.findEvents, ranges.filter(({ numbers }) => !numbers));
    await read(
      statements.findDeliveries,
      deliveries,
      deliveries.map(({ numbers }) => numbers!.first),
      deliveries.map(({ numbers }) => numbers!.last),
    );
    return found;
  }

  async deadGroups({ target, reason, since }: DeadFilter = {}): Promise<DeadGroup[]> {
    const rows = await this.database.call<DeadRow>("readStore", "dead_groups", [
      await lanesOfName(this.database, target),
      reason,
      since,
    ]);
    return rows.map(({ oldest_at, newest_at, ...group }) => ({
      ...group,
      oldestAt: isoTime(oldest_at),
      newestAt: isoTime(newest_at),
    }));
  }

  async dead(
    { target, reason, since }: { target: string; reason: Reason; since?: number },
    { limit, after = { event: 0, number: 0 } }: { limit: number; after?: DeliveryRef },
  ): Promise<DeliveryRef[]> {
    const args = [target, reason, since, after.event, after.number, limit];
    return await this.database.query<DeliveryRef>("readStore", statements.dead, args);
  }

  async activity(since: number): Promise<Activity> {
    const first = Math.floor(since / HOUR_MS) * HOUR_MS;
    const now = this.database.time.now();
    const [received, attempts] = await Promise.all([
      this.database.call<Activity["received"][number]>("readStore", "received_by_hour", [first, now]),
      this.database.query<ActivityRow>("readStore", statements.attempts, [first, now]),
    ]);
    return {
      received,
      attempts: attempts.map(({ hour, bucket, ...row }) => ({ at: hour, durationMs: durationOf(bucket), ...row })),
    };
  }

  async retry(refs: readonly DeliveryRef[], now: number): Promise<number> {
    const args = [refs.map(({ event }) => event), refs.map(({ number }) => number), now, this.database.at()];
    const [row] = await this.database.call<{ retried: number }>("retryDeliveries", "retry", args);
    return row!.retried;
  }

  async send(event: NewEvent): Promise<boolean> {
    const doing = "storeEvents";
    const { args } = this.database.told(doing, () => eventColumns([event]));
    const [row] = await this.database.call<{ is_new: boolean }>(doing, "send", [this.database.at(), ...args]);
    return row!.is_new;
  }

  async redeliver(
    events: readonly { seq: number; deliveries: readonly NewDelivery[] }[],
    now: number,
  ): Promise<string[][]> {
    const columns = deliveryColumns(events.map(({ deliveries }) => deliveries));
    const args = [now, this.database.at(), events.map(({ seq }) => seq), ...columns];
    const rows = await this.database.call<{ id: IdBytes | null; last: number }>("replayEvents", "redeliver", args);
    return events.map(({ deliveries }, at) => {
      const { id, last } = rows[at]!;
      return id === null ? [] : deliveries.map((_, index) => formatId(deliveryId(id, last + 1 + index)));
    });
  }

  async pause(target: string, now: number): Promise<boolean> {
    return await this.#hold("pauseTarget", "pause", [target, now, this.database.at()]);
  }

  async resume(target: string): Promise<boolean> {
    return await this.#hold("resumeTarget", "resume", [target]);
  }

  async #hold(doing: Doing, name: string, args: readonly (string | number | null)[]): Promise<boolean> {
    const [row] = await this.database.call<{ has_changed: boolean }>(doing, name, args);
    return row!.has_changed;
  }
}

interface CountedRow extends TargetRow {
  pending: number;
  dead: number;
  oldest_at: number | null;
}

interface WholeRow extends StoryRow, ListedWithDeliveries {
  /** JSON: rows. */
  attempts: string;
  /** JSON. */
  receipts: string;
  /** JSON: by the numbers of the deliveries. */
  first_attempts: string;
  note_at: number | null;
  note_data: NoteRow["data"];
  note_problem: NoteRow["problem"];
}

interface NumberedAttempt extends AttemptRow {
  number: number;
}

interface DeadRow {
  target: string;
  reason: Reason;
  count: number;
  oldest_at: number;
  newest_at: number;
}

interface ActivityRow {
  hour: number;
  target: string;
  state: "pending" | "delivered" | "dead";
  bucket: number;
  count: number;
}
