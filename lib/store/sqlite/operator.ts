/** The operator's part of the SQLite store: what is shown of its events, and what a person changes. */

import type { Doing } from "../fault.ts";
import type { StatementSync } from "node:sqlite";
import type { Clock } from "../../clock.ts";
import { deliveryId, formatId, type IdBytes } from "../../id.ts";
import type { Reason } from "../../reason.ts";
import type { NewDelivery, NewEvent } from "../../event.ts";
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
import type { DeadGroup, TargetView } from "../views.ts";
import type { SqliteAccept } from "./accept.ts";
import { foundOf, type FoundRow, rangeOf } from "../id_prefix.ts";
import { operatorStatements } from "./operator_statements.ts";
import type { ReceiptRow } from "../receipt_rows.ts";
import { isoTime } from "../iso_time.ts";
import { type AttemptRow, type NoteRow, type StoryRow, type TargetRow, targetView } from "../rows.ts";
import { placeOf, storyOf, type StoryRows } from "../story.ts";
import type { SqliteChains } from "./chains.ts";
import { SqliteCounts } from "./counts.ts";
import type { SqliteFile } from "./file.ts";
import type { SqliteSteps } from "./steps.ts";
import { SqliteSearch } from "./search.ts";

/** Parts of the store that operators need. */
interface OperatorParts {
  accept: SqliteAccept;
  chains: SqliteChains;
  steps: SqliteSteps;
  counts: SqliteCounts;
}

export class SqliteOperator implements OperatorStore {
  readonly #file: SqliteFile;
  readonly #sql: Record<keyof typeof operatorStatements, StatementSync>;
  readonly #accept: SqliteAccept;
  readonly #chains: SqliteChains;
  readonly #steps: SqliteSteps;
  readonly #clock: Clock;
  readonly #search: SqliteSearch;
  readonly #counts: SqliteCounts;

  constructor(file: SqliteFile, clock: Clock, { accept, chains, steps, counts }: OperatorParts) {
    this.#file = file;
    this.#clock = clock;
    this.#accept = accept;
    this.#chains = chains;
    this.#steps = steps;
    this.#counts = counts;
    this.#sql = file.prepareAll(operatorStatements);
    this.#search = new SqliteSearch(file, this.#sql, { steps, counts, clock });
  }

  async targets(letters?: readonly DeadGroup[]): Promise<TargetView[]> {
    const now = this.#clock.now();
    const waiting = await this.#counts.waiting();
    const counts: readonly Pick<DeadGroup, "target" | "count">[] = letters ?? await this.#counts.dead();
    const dead = Map.groupBy(counts, ({ target }) => target);
    return this.#file.read(() => {
      const rows = new Map((this.#sql.targets.all() as unknown as TargetRow[]).map((row) => [row.name, row]));
      const names = [...new Set([...rows.keys(), ...waiting.keys(), ...dead.keys()])].sort();
      return names.map((name) => {
        const { oldest, ...counts } = waiting.get(name) ?? { pending: 0 };
        const lost = (dead.get(name) ?? []).reduce((sum, { count }) => sum + count, 0);
        const oldestAt = this.#receivedBy(now, oldest);
        return targetView(name, { ...counts, dead: lost, oldestAt }, rows.get(name), now);
      });
    });
  }

  async totals(limit: number): Promise<Totals> {
    const { waiting, dead } = this.#file.read(() => this.#sql.totals.get({ limit })) as unknown as Totals;
    return { waiting, dead };
  }

  /** When an event came in at the latest, corrected if a clock wrote its time that has since been set back. */
  #receivedBy(now: number, seq: number | undefined): number | undefined {
    const at = this.#receivedAt(seq);
    return at === undefined || at <= now ? at : this.#steps.after(seq!)?.received_at;
  }

  /** When an event came in; `undefined` if it was deleted meanwhile. */
  #receivedAt(seq: number | undefined): number | undefined {
    if (seq === undefined) return undefined;
    return (this.#sql.receivedAt.get(seq) as { received_at: number } | undefined)?.received_at;
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
      const event = this.#sql.storyBetween.get(first, last) as unknown as StoryRow | undefined;
      if (!event) return undefined;
      const { seq } = event;
      const rows: StoryRows = {
        event,
        deliveries: this.#search.deliveries(seq),
        attemptsOf: (number) => this.#sql.attempts.all(seq, number) as unknown as AttemptRow[],
        receiptsOf: (number) => this.#sql.receipts.all({ event: seq, number }) as unknown as ReceiptRow[],
        note: this.#sql.note.get(seq) as unknown as NoteRow | undefined,
      };
      return storyOf(rows, number, this.#clock.now());
    });
  }

  async find(prefixes: readonly string[], limit: number): Promise<FoundId[][]> {
    return this.#file.read(() =>
      prefixes.map((prefix) => {
        const { first, last, numbers } = rangeOf(prefix);
        const rows = numbers
          ? this.#sql.findDeliveries.all({ first, last, firstNumber: numbers.first, lastNumber: numbers.last, limit })
          : this.#sql.findEvents.all({ first, last, limit });
        return (rows as unknown as FoundRow[]).map(foundOf);
      })
    );
  }

  async deadGroups({ target, reason, since }: DeadFilter = {}): Promise<DeadGroup[]> {
    const [range, targets] = this.#file.read(() => [this.#steps.since(since), this.#counts.named(target)] as const);
    const counts = await this.#counts.dead({ targets, reason, ...range });
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
      return (this.#sql.dead.all(question) as unknown as DeliveryRef[]).map(({ event, number }) => ({ event, number }));
    });
  }

  async activity(since: number): Promise<Activity> {
    const activity: Activity = { received: [], attempts: [] };
    await this.#file.readInPieces((isOver) => this.#readHours(Math.floor(since / HOUR_MS) * HOUR_MS, activity, isOver));
    return activity;
  }

  /** Counts received events from their positions in the order of acceptance. */
  *#readHours(first: number, { received, attempts }: Activity, isOver: () => boolean): Generator<void, void> {
    const now = this.#clock.now();
    let before = this.#steps.before(first);
    for (let at = first; at <= now; at += HOUR_MS) {
      const until = this.#steps.before(at + HOUR_MS);
      if (until > before) received.push({ at, count: until - before });
      before = until;
      for (const { bucket, ...row } of this.#sql.activity.all(at) as unknown as ActivityRow[]) {
        attempts.push({ at, durationMs: durationOf(bucket), ...row });
      }
      if (isOver()) yield;
    }
  }

  async retry(refs: readonly DeliveryRef[], now: number): Promise<number> {
    return await this.#change("retryDeliveries", () => {
      const retried = refs.filter(({ event, number }) => {
        const row = this.#sql.retry.get(now, event, number) as unknown as RetriedRow | undefined;
        if (row) this.#tryAtOnce([row, ...this.#beginStep(event, row, now), ...this.#retryAwaited(event, now)], now);
        return row !== undefined;
      });
      return retried.length;
    });
  }

  /** Begins the step of a chain that a retried delivery is of, with those before it; returns their lanes. */
  #beginStep(event: number, { chain, step }: RetriedRow, now: number): { target: string }[] {
    if (chain === null || step === null) return [];
    const released = new Set<string>();
    this.#chains.begin({ event, chain }, step, now, { released, outdated: new Set() });
    return [...released].map((target) => ({ target }));
  }

  #retryAwaited(event: number, now: number): { target: string }[] {
    return this.#sql.retryAwaited.all({ event, now }) as { target: string }[];
  }

  async send(event: NewEvent): Promise<boolean> {
    return await this.#change("storeEvents", () => this.#accept.accept(event) !== undefined);
  }

  async redeliver(
    events: readonly { seq: number; deliveries: readonly NewDelivery[] }[],
    now: number,
  ): Promise<string[][]> {
    return await this.#change("replayEvents", () => {
      this.#tryAtOnce(events.flatMap(({ deliveries }) => deliveries), now);
      return events.map(({ seq, deliveries }) => {
        const event = this.#sql.idOf.get(seq) as { id: Uint8Array } | undefined;
        if (!event) return [];
        const { number: last } = this.#sql.lastNumber.get(seq) as { number: number | null };
        const first = (last ?? 0) + 1;
        this.#accept.insert(seq, first, deliveries, now);
        return deliveries.map((_, index) => formatId(deliveryId(event.id, first + index)));
      });
    });
  }

  #tryAtOnce(deliveries: readonly { target: string }[], now: number): void {
    for (const target of new Set(deliveries.map((one) => one.target))) this.#sql.tryAtOnce.run(now, target);
  }

  async pause(target: string, now: number): Promise<boolean> {
    return await this.#change("pauseTarget", () => this.#sql.pause.run(target, now).changes > 0);
  }

  async resume(target: string): Promise<boolean> {
    return await this.#change("resumeTarget", () => this.#sql.resume.run(target).changes > 0);
  }

  /** Writes what an operator asks for, so that lane owners see it. */
  async #change<Result>(doing: Doing, work: () => Result): Promise<Result> {
    return await this.#file.write(doing, () => {
      this.#sql.raiseChanges.run();
      return work();
    });
  }
}

interface RetriedRow {
  target: string;
  chain: number | null;
  step: number | null;
}

interface ActivityRow {
  target: string;
  state: "pending" | "delivered" | "dead";
  bucket: number;
  count: number;
}
