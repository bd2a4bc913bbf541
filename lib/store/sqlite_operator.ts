/** The operator's side of the SQLite store: what is shown of its events, and what a person changes. */

import type { StatementSync } from "node:sqlite";
import type { Clock } from "../clock.ts";
import { deliveryId, formatId, type IdBytes, readDeliveryId } from "../id.ts";
import type { Reason } from "../outcome.ts";
import { durationOf, HOUR_MS } from "./activity.ts";
import { fitsType, questionOf } from "./event_query.ts";
import type { DeliveryRef, NewDelivery } from "./mod.ts";
import type {
  Activity,
  DeadFilter,
  DeadGroup,
  DeliveryStory,
  EventFilter,
  EventPage,
  EventStory,
  EventView,
  OperatorStore,
  StoredEvent,
  TargetView,
} from "./operator.ts";
import type { KeptNote } from "./notes.ts";
import { operatorStatements } from "./operator_statements.ts";
import {
  type AttemptRow,
  attemptView,
  type DeliveryRow,
  deliveryView,
  eventOf,
  type EventRow,
  eventView,
  isoTime,
  keptNote,
  type ListedRow,
  type NoteRow,
  type StoryRow,
  type TargetRow,
  targetView,
} from "./rows.ts";
import type { SqliteFile } from "./sqlite_file.ts";
import type { SqliteSteps } from "./sqlite_steps.ts";
import type { statements } from "./statements.ts";

/** Most events that are looked at for one page, so that a page of few among many comes soon, if short. */
const MAX_LOOKED = 50_000;

/** States for which an index tells the deliveries. */
const indexes = { pending: "eventsPending", in_flight: "eventsInFlight", dead: "eventsDead" } as const;

export abstract class SqliteOperator implements OperatorStore {
  readonly #file: SqliteFile;
  readonly #own: Record<keyof typeof operatorStatements, StatementSync>;
  readonly #shared: Record<keyof typeof statements, StatementSync>;
  readonly #steps: SqliteSteps;
  readonly #clock: Clock;

  /** @param shared Statements that the way of an event needs as well. */
  constructor(
    file: SqliteFile,
    shared: Record<keyof typeof statements, StatementSync>,
    steps: SqliteSteps,
    clock: Clock,
  ) {
    this.#file = file;
    this.#clock = clock;
    this.#steps = steps;
    this.#own = file.prepareAll(operatorStatements);
    this.#shared = shared;
  }

  /** Gives an event a delivery, due then if none of its order key goes before. */
  protected abstract insertDelivery(event: number, number: number, delivery: NewDelivery, dueAt: number): void;

  async targets(): Promise<TargetView[]> {
    const now = this.#clock.now();
    return this.#file.read(() =>
      (this.#own.targets.all({ now }) as unknown as TargetRow[]).map((row) => targetView(row, now))
    );
  }

  async events(filter: EventFilter, page: { limit: number; before?: number }): Promise<EventPage> {
    return this.#file.read(() => {
      const before = Math.min(page.before ?? Infinity, this.#steps.newest() + 1);
      const { from, since } = this.#steps.since(filter.since);
      const { state } = filter;
      const index = state && state in indexes ? indexes[state as keyof typeof indexes] : undefined;
      const { rows, next } = index
        ? this.#listByIndex(this.#own[index], filter, from, before, page.limit)
        : this.#listByScan(filter, from, before, page.limit);
      const events = rows.filter(isSince(since)).map((row) => this.#view(row));
      return { events, next };
    });
  }

  #listByScan(filter: EventFilter, first: number, before: number, limit: number): Listed {
    const from = Math.max(first, before - MAX_LOOKED);
    const rows = this.#own.listDown.all({ ...questionOf(filter), from, before, limit }) as unknown as ListedRow[];
    const next = rows.length === limit ? rows.at(-1)!.seq : from;
    return { rows: rows.filter(fitsType(filter)), next: next > first ? next : undefined };
  }

  #listByIndex(index: StatementSync, filter: EventFilter, from: number, before: number, limit: number): Listed {
    const { type, text } = questionOf(filter);
    const found = index.all({ target: filter.target ?? null, from, before, limit: MAX_LOOKED }) as { event: number }[];
    const rows: ListedRow[] = [];
    for (const seq of new Set(found.map(({ event }) => event))) {
      const row = this.#own.listOne.get({ seq, type, text }) as unknown as ListedRow | undefined;
      if (row && fitsType(filter)(row)) rows.push(row);
      if (rows.length === limit) return { rows, next: seq };
    }
    return { rows, next: found.length === MAX_LOOKED ? found.at(-1)!.event : undefined };
  }

  async stored(filter: EventFilter, page: { limit: number; after?: number }): Promise<EventPage<StoredEvent>> {
    return this.#file.read(() => {
      const range = this.#steps.since(filter.since);
      const from = Math.max((page.after ?? 0) + 1, range.from);
      const before = Math.min(from + MAX_LOOKED, this.#steps.newest() + 1);
      const question = { ...questionOf(filter), from, before, limit: page.limit };
      const rows = this.#own.listUp.all(question) as unknown as EventRow[];
      const last = rows.length === page.limit ? rows.at(-1)!.seq : before - 1;
      const events = rows.filter(fitsType(filter)).filter(isSince(range.since))
        .map((row) => ({ seq: row.seq, event: eventOf(row) }));
      return { events, next: last < this.#steps.newest() ? last : undefined };
    });
  }

  async story(id: IdBytes): Promise<EventStory | undefined> {
    return this.#file.read(() => {
      const { first, last, number } = placeOf(id);
      const row = this.#own.storyBetween.get(first, last) as unknown as StoryRow | undefined;
      if (!row) return undefined;
      const deliveries = this.#deliveries(row.seq).map((delivery): DeliveryStory => ({
        ...deliveryView(row.id, delivery, this.#clock.now()),
        ref: { event: row.seq, number: delivery.number },
        history: (this.#own.attempts.all(row.seq, delivery.number) as unknown as AttemptRow[]).map(attemptView),
      }));
      if (number !== undefined && !deliveries.some(({ ref }) => ref.number === number)) return undefined;
      const { seq, headers, body, secret_index } = row;
      return {
        ...this.#view(row),
        seq,
        headers: JSON.parse(headers),
        body,
        secretIndex: secret_index,
        details: this.#detailsOf(seq),
        deliveries,
      };
    });
  }

  #detailsOf(seq: number): KeptNote | undefined {
    const row = this.#own.note.get(seq) as unknown as NoteRow | undefined;
    return row && keptNote(row);
  }

  #view(row: ListedRow): EventView {
    return eventView(row, this.#deliveries(row.seq), this.#clock.now());
  }

  #deliveries(seq: number): DeliveryRow[] {
    return this.#own.deliveries.all(seq) as unknown as DeliveryRow[];
  }

  async deadGroups({ target, reason, since }: DeadFilter = {}): Promise<DeadGroup[]> {
    return this.#file.read(() => {
      const range = this.#steps.since(since);
      const rows = this.#own.deadGroups.all({ target: target ?? null, reason: reason ?? null, ...range });
      return (rows as unknown as DeadRow[]).map(({ target, reason, count, oldest_at, newest_at }) => ({
        target,
        reason,
        count,
        oldestAt: isoTime(oldest_at),
        newestAt: isoTime(newest_at),
      }));
    });
  }

  async dead(
    { target, reason, since }: { target: string; reason: Reason; since?: number },
    { limit, after = { event: 0, number: 0 } }: { limit: number; after?: DeliveryRef },
  ): Promise<DeliveryRef[]> {
    return this.#file.read(() => {
      const question = { target, reason, ...this.#steps.since(since), ...after, limit };
      return (this.#own.dead.all(question) as unknown as DeliveryRef[]).map(({ event, number }) => ({ event, number }));
    });
  }

  async activity(since: number): Promise<Activity> {
    return this.#file.read(() => {
      const first = Math.floor(since / HOUR_MS) * HOUR_MS;
      const now = this.#clock.now();
      const rows = this.#own.activity.all(first, now) as unknown as ActivityRow[];
      const attempts = rows.map(({ hour, bucket, ...row }) => ({ at: hour, durationMs: durationOf(bucket), ...row }));
      return { received: this.#received(first, now), attempts };
    });
  }

  /** Events that came in, by the hour, told from their places in the order of acceptance. */
  #received(first: number, now: number): Activity["received"] {
    const received: Activity["received"] = [];
    for (let at = first; at <= now; at += HOUR_MS) {
      const count = this.#steps.count(at, at + HOUR_MS);
      if (count > 0) received.push({ at, count });
    }
    return received;
  }

  async retry(refs: readonly DeliveryRef[], now: number): Promise<number> {
    return await this.#file.write("retry deliveries", () => {
      const retried = refs.map(({ event, number }) => this.#own.retry.get(now, event, number) as RetriedRow | undefined)
        .filter((row) => row !== undefined);
      for (const { target, order_key: orderKey } of retried) {
        if (orderKey === null) continue;
        this.#own.holdBack.run({ target, orderKey });
        this.#shared.nextInOrder.run({ target, orderKey, dueAt: now });
      }
      this.#tryAtOnce(retried, now);
      return retried.length;
    });
  }

  async redeliver(
    events: readonly { seq: number; deliveries: readonly NewDelivery[] }[],
    now: number,
  ): Promise<string[][]> {
    return await this.#file.write("replay events", () => {
      this.#tryAtOnce(events.flatMap(({ deliveries }) => deliveries), now);
      return events.map(({ seq, deliveries }) => {
        const event = this.#own.idOf.get(seq) as { id: Uint8Array } | undefined;
        if (!event) return [];
        const { number: last } = this.#own.lastNumber.get(seq) as { number: number | null };
        return deliveries.map((delivery, index) => {
          const number = (last ?? 0) + index + 1;
          this.insertDelivery(seq, number, delivery, now);
          return formatId(deliveryId(event.id, number));
        });
      });
    });
  }

  #tryAtOnce(deliveries: readonly { target: string }[], now: number): void {
    for (const target of new Set(deliveries.map((one) => one.target))) this.#own.tryAtOnce.run(now, target);
  }

  async pause(target: string, now: number): Promise<boolean> {
    return await this.#file.write("pause a target", () => this.#own.pause.run(target, now).changes > 0);
  }

  async resume(target: string): Promise<boolean> {
    return await this.#file.write("resume a target", () => this.#own.resume.run(target).changes > 0);
  }
}

interface Listed {
  rows: ListedRow[];
  next?: number;
}

interface RetriedRow {
  target: string;
  order_key: string | null;
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

/** Whether an event was received at or after a time, if one is given. */
function isSince(time: number | null): (row: { received_at: number }) => boolean {
  return ({ received_at }) => time === null || received_at >= time;
}

/** In which range the id of an event lies, told from its own or that of its delivery, and the number of that. */
function placeOf(id: IdBytes): { first: IdBytes; last: IdBytes; number?: number } {
  const place = readDeliveryId(id);
  const isDelivery = place.first[6] !== id[6];
  return isDelivery ? place : { first: id, last: id };
}
