/** Searches the events of the SQLite store, in pieces: there may be millions, and bodies may be large. */

import type { StatementSync } from "node:sqlite";
import type { Clock } from "../../clock.ts";
import { fitsType, questionOf } from "../event_query.ts";
import type { EventFilter, ListPage, StoredEvent } from "../operator.ts";
import type { EventView } from "../views.ts";
import type { SqliteCounts } from "./counts.ts";
import type { operatorStatements } from "./operator_statements.ts";
import { walk } from "./pieces.ts";
import type { StoryDeliveryRow } from "../delivery_rows.ts";
import { eventOf, type EventRow, eventView, type ListedRow } from "../rows.ts";
import type { SqliteFile } from "./file.ts";
import type { Range, SqliteSteps } from "./steps.ts";

/** How long one page searches, in milliseconds, so that a page of rare events comes soon, if short. */
const PAGE_MS = 2_000;

/** A page of events with bodies ends with the one that brings it to this many bytes. */
const PAGE_BYTES = 1024 ** 2;

/** Up to this many waiting deliveries are found by their index; among more, a scan soon meets some anyway. */
const FEW = 5_000;

/** Dead letters of one target and reason that are looked up at a time. */
const DEAD_AT_ONCE = 50;

interface ScannedRow {
  seq: number;
  fits: number | null;
}

/** A page that is being filled, and the sequence of the last event looked at. */
interface Filling<Event> {
  events: Event[];
  at: number;
}

function isSince({ received_at }: { received_at: number }, time: number | null): boolean {
  return time === null || received_at >= time;
}

export class SqliteSearch {
  readonly #file: SqliteFile;
  readonly #sql: Record<keyof typeof operatorStatements, StatementSync>;
  readonly #steps: SqliteSteps;
  readonly #counts: SqliteCounts;
  readonly #clock: Clock;

  constructor(
    file: SqliteFile,
    sql: Record<keyof typeof operatorStatements, StatementSync>,
    { steps, counts, clock }: { steps: SqliteSteps; counts: SqliteCounts; clock: Clock },
  ) {
    this.#file = file;
    this.#sql = sql;
    this.#steps = steps;
    this.#counts = counts;
    this.#clock = clock;
  }

  /** Events before this sequence, newest first. */
  async events(filter: EventFilter, { limit, before = Infinity, signal }: ListPage & { before?: number }) {
    const [range, newest] = this.#file.read(() => [this.#steps.since(filter.since), this.#steps.newest()] as const);
    const page: Filling<EventView> = { events: [], at: Math.min(before, newest + 1) };
    await this.#file.readInPieces((isOver) => this.#down(filter, range, limit, page, isOver), {
      limitMs: PAGE_MS,
      signal,
    });
    return { events: page.events, next: page.at > range.from ? page.at : undefined };
  }

  *#down(
    filter: EventFilter,
    { from, since }: Range,
    limit: number,
    page: Filling<EventView>,
    isOver: () => boolean,
  ): Generator<void, void> {
    const isOfType = fitsType(filter);
    const targets = this.#counts.named(filter.target);
    const few = this.#fewWaiting(filter, targets);
    const isDone = yield* walk<ScannedRow>(
      () => {
        if (filter.state === "dead") return this.#among(this.#dead(targets, from, page.at), filter, from, page.at);
        return few ? this.#among(few, filter, from, page.at) : this.#scan(filter, targets, from, page.at);
      },
      ({ seq, fits }) => {
        page.at = seq;
        const row = fits === 1 ? this.#sql.listed.get(seq) as unknown as ListedRow : undefined;
        if (row && isOfType(row) && isSince(row, since)) page.events.push(this.view(row));
        return page.events.length === limit;
      },
      isOver,
    );
    if (isDone) page.at = from;
  }

  #scan(
    filter: EventFilter,
    targets: readonly string[] | undefined,
    from: number,
    before: number,
  ): Iterable<ScannedRow> {
    const question = { ...conditionsOf(filter, targets), from, before };
    return this.#sql.scanDown.iterate(question) as Iterable<unknown> as Iterable<ScannedRow>;
  }

  /** If events with waiting deliveries are asked for, and are few: their sequences, newest first. */
  #fewWaiting({ state }: EventFilter, targets = this.#counts.withWaiting()): number[] | undefined {
    if (state !== "pending") return undefined;
    const rows: { event: number }[] = [];
    for (const target of targets) {
      const question = { target, limit: FEW + 1 - rows.length };
      rows.push(...this.#sql.eventsPending.all(question) as unknown as { event: number }[]);
      if (rows.length > FEW) return undefined;
    }
    return newestFirst(rows);
  }

  /** Sequences of the events with dead letters, newest first: merged from an equal number of each kind at a time. */
  *#dead(targets: readonly string[] | undefined, from: number, before: number): Generator<number> {
    const kinds = [...this.#counts.kinds({ targets })];
    for (let end = before; end > from;) {
      const found = kinds.map((kind) => {
        const question = { ...kind, from, before: end, limit: DEAD_AT_ONCE };
        return this.#sql.eventsDead.all(question) as unknown as { event: number }[];
      });
      // Below the last of a full batch there may be more of its kind.
      const full = found.filter(({ length }) => length === DEAD_AT_ONCE);
      end = Math.max(from, ...full.map((rows) => rows.at(-1)!.event));
      yield* newestFirst(found.flat().filter(({ event }) => event >= end));
    }
  }

  *#among(
    sequences: Iterable<number>,
    filter: EventFilter,
    from: number,
    before: number,
  ): Generator<ScannedRow> {
    const { type, text } = questionOf(filter, undefined, globOf);
    for (const seq of sequences) {
      if (seq < from || seq >= before) continue;
      const row = this.#sql.fits.get({ seq, type, text }) as { fits: number } | undefined;
      yield { seq, fits: row?.fits ?? null };
    }
  }

  /** Events after this sequence with their bodies, in the order of acceptance. */
  async stored(filter: EventFilter, { limit, after = 0, signal }: ListPage & { after?: number }) {
    const [range, newest] = this.#file.read(() => [this.#steps.since(filter.since), this.#steps.newest()] as const);
    const page: Filling<StoredEvent> = { events: [], at: Math.max(after, range.from - 1) };
    await this.#file.readInPieces((isOver) => this.#up(filter, range.since, newest, limit, page, isOver), {
      limitMs: PAGE_MS,
      signal,
    });
    return { events: page.events, next: page.at < newest ? page.at : undefined };
  }

  *#up(
    filter: EventFilter,
    since: number | null,
    newest: number,
    limit: number,
    page: Filling<StoredEvent>,
    isOver: () => boolean,
  ): Generator<void, void> {
    const isOfType = fitsType(filter);
    const question = { ...conditionsOf(filter, this.#counts.named(filter.target)), before: newest + 1 };
    let bytes = 0;
    const isDone = yield* walk(
      () => this.#sql.scanUp.iterate({ ...question, from: page.at + 1 }) as Iterable<unknown> as Iterable<ScannedRow>,
      ({ seq, fits }) => {
        page.at = seq;
        const row = fits === 1 ? this.#sql.event.get(seq) as unknown as EventRow : undefined;
        if (row && isOfType(row) && isSince(row, since)) {
          page.events.push({ seq, event: eventOf(row) });
          bytes += row.body.byteLength;
        }
        return page.events.length === limit || bytes >= PAGE_BYTES;
      },
      isOver,
    );
    if (isDone) page.at = newest;
  }

  /** An event as a list shows it. */
  view(row: ListedRow): EventView {
    return eventView(row, this.deliveries(row.seq), this.#clock.now());
  }

  deliveries(seq: number): StoryDeliveryRow[] {
    return this.#sql.deliveries.all(seq) as unknown as StoryDeliveryRow[];
  }
}

function newestFirst(rows: readonly { event: number }[]): number[] {
  return [...new Set(rows.map(({ event }) => event))].sort((one, other) => other - one);
}

/** A filter's conditions, as SQLite takes them. */
function conditionsOf(filter: EventFilter, lanes: readonly string[] | undefined) {
  const { targets, ...conditions } = questionOf(filter, lanes, globOf);
  return { ...conditions, targets: targets && JSON.stringify(targets) };
}

/** A pattern of types, as GLOB takes it. */
function globOf(type: string): string {
  return type.replaceAll(/[[?]/g, "[$&]").replaceAll(/\*+/g, "*");
}
