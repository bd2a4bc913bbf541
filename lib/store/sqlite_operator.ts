/** The operator's side of the SQLite store: what is shown of its events, and what a person changes. */

import type { StatementSync } from "node:sqlite";
import type { Clock } from "../clock.ts";
import { deliveryId, formatId, type IdBytes, readDeliveryId } from "../id.ts";
import type { Reason } from "../outcome.ts";
import { durationOf, HOUR_MS } from "./activity.ts";
import type { DeliveryRef, NewDelivery } from "./mod.ts";
import type {
  Activity,
  DeadFilter,
  DeadGroup,
  DeliveryStory,
  EventFilter,
  EventPage,
  EventStory,
  ListPage,
  OperatorStore,
  StoredEvent,
  TargetView,
} from "./operator.ts";
import type { KeptNote } from "./notes.ts";
import { operatorStatements } from "./operator_statements.ts";
import {
  type AttemptRow,
  attemptView,
  deliveryView,
  isoTime,
  keptNote,
  type NoteRow,
  type StoryRow,
  type TargetRow,
  targetView,
} from "./rows.ts";
import { SqliteCounts } from "./sqlite_counts.ts";
import type { SqliteFile } from "./sqlite_file.ts";
import type { SqliteSteps } from "./sqlite_steps.ts";
import { SqliteSearch } from "./sqlite_search.ts";
import type { statements } from "./statements.ts";

export abstract class SqliteOperator implements OperatorStore {
  readonly #file: SqliteFile;
  readonly #own: Record<keyof typeof operatorStatements, StatementSync>;
  readonly #shared: Record<keyof typeof statements, StatementSync>;
  readonly #steps: SqliteSteps;
  readonly #clock: Clock;
  readonly #search: SqliteSearch;
  readonly #counts: SqliteCounts;

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
    this.#search = new SqliteSearch(file, this.#own, steps, clock);
    this.#counts = new SqliteCounts(file);
  }

  /** Gives an event a delivery, due then if none of its order key goes before. */
  protected abstract insertDelivery(event: number, number: number, delivery: NewDelivery, dueAt: number): void;

  async targets(): Promise<TargetView[]> {
    const now = this.#clock.now();
    const waiting = await this.#counts.waiting();
    const dead = Map.groupBy(await this.#counts.dead(), ({ target }) => target);
    return this.#file.read(() => {
      const rows = new Map((this.#own.targets.all() as unknown as TargetRow[]).map((row) => [row.name, row]));
      const names = [...new Set([...rows.keys(), ...waiting.keys(), ...dead.keys()])].sort();
      return names.map((name) => {
        const { oldest, ...counts } = waiting.get(name) ?? { pending: 0, inFlight: 0 };
        const lost = (dead.get(name) ?? []).reduce((sum, { count }) => sum + count, 0);
        const oldestAt = this.#receivedBy(now, oldest);
        return targetView(name, { ...counts, dead: lost, oldestAt }, rows.get(name), now);
      });
    });
  }

  async backlog(targets: Iterable<string>): Promise<number> {
    const names = [...targets];
    const counts = await this.#counts.waiting(names);
    return names.map((name) => counts.get(name)!).reduce((sum, { pending, inFlight }) => sum + pending + inFlight, 0);
  }

  /** When an event came in at the latest, as far as it is not of a clock that was set back since. */
  #receivedBy(now: number, seq: number | undefined): number | undefined {
    const at = this.#receivedAt(seq);
    return at === undefined || at <= now ? at : this.#steps.after(seq!)?.received_at;
  }

  /** When an event came in, unless it was deleted meanwhile. */
  #receivedAt(seq: number | undefined): number | undefined {
    if (seq === undefined) return undefined;
    return (this.#own.receivedAt.get(seq) as { received_at: number } | undefined)?.received_at;
  }

  async events(filter: EventFilter, page: ListPage & { before?: number }): Promise<EventPage> {
    return await this.#search.events(filter, page);
  }

  async stored(filter: EventFilter, page: ListPage & { after?: number }): Promise<EventPage<StoredEvent>> {
    return await this.#search.stored(filter, page);
  }

  async story(id: IdBytes): Promise<EventStory | undefined> {
    return this.#file.read(() => {
      const { first, last, number } = placeOf(id);
      const row = this.#own.storyBetween.get(first, last) as unknown as StoryRow | undefined;
      if (!row) return undefined;
      const deliveries = this.#search.deliveries(row.seq).map((delivery): DeliveryStory => ({
        ...deliveryView(row.id, delivery, this.#clock.now()),
        ref: { event: row.seq, number: delivery.number },
        history: (this.#own.attempts.all(row.seq, delivery.number) as unknown as AttemptRow[]).map(attemptView),
      }));
      if (number !== undefined && !deliveries.some(({ ref }) => ref.number === number)) return undefined;
      const { seq, headers, body, secret_index } = row;
      return {
        ...this.#search.view(row),
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

  async deadGroups({ target, reason, since }: DeadFilter = {}): Promise<DeadGroup[]> {
    const range = this.#file.read(() => this.#steps.since(since));
    const counts = await this.#counts.dead({ target, reason, ...range });
    return this.#file.read(() =>
      counts.flatMap(({ oldest, newest, ...group }) => {
        const [oldestAt, newestAt] = [oldest, newest].map((seq) => this.#receivedAt(seq));
        if (oldestAt === undefined || newestAt === undefined) return []; // deleted while they were counted
        return [{ ...group, oldestAt: isoTime(oldestAt), newestAt: isoTime(newestAt) }];
      })
    );
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
    const activity: Activity = { received: [], attempts: [] };
    await this.#file.readInPieces((isOver) => this.#readHours(Math.floor(since / HOUR_MS) * HOUR_MS, activity, isOver));
    return activity;
  }

  /** What came in is told from the places of events in the order of acceptance. */
  *#readHours(first: number, { received, attempts }: Activity, isOver: () => boolean): Generator<void, void> {
    const now = this.#clock.now();
    for (let at = first; at <= now; at += HOUR_MS) {
      const count = this.#steps.count(at, at + HOUR_MS);
      if (count > 0) received.push({ at, count });
      for (const { bucket, ...row } of this.#own.activity.all(at) as unknown as ActivityRow[]) {
        attempts.push({ at, durationMs: durationOf(bucket), ...row });
      }
      if (isOver()) yield;
    }
  }

  async retry(refs: readonly DeliveryRef[], now: number): Promise<number> {
    return await this.#file.write("retry deliveries", () => {
      const retried = refs.map(({ event, number }) => this.#own.retry.get(now, event, number) as RetriedRow | undefined)
        .filter((row) => row !== undefined);
      const keyed = new Map(retried.map((row) => [JSON.stringify(row), row])); // each key once: many may wait behind it
      for (const { target, order_key: orderKey } of keyed.values()) {
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

interface RetriedRow {
  target: string;
  order_key: string | null;
}

interface ActivityRow {
  target: string;
  state: "pending" | "delivered" | "dead";
  bucket: number;
  count: number;
}

/** In which range the id of an event lies, told from its own or that of its delivery, and the number of that. */
function placeOf(id: IdBytes): { first: IdBytes; last: IdBytes; number?: number } {
  const place = readDeliveryId(id);
  const isDelivery = place.first[6] !== id[6];
  return isDelivery ? place : { first: id, last: id };
}
