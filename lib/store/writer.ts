/** Lets what is accepted and recorded at about the same time share one transaction, and so one disk flush. */

import type { Clock } from "../clock.ts";
import { StoreError } from "../errors.ts";
import type { NewEvent } from "../event.ts";
import type { AttemptRecord, Epoch, Hold, LaneRecords, Recorded, Store } from "./mod.ts";

/** Most items that are written at once. */
const MAX_BATCH = 512;

/** A batch ends with the body that brings it to this many bytes: a store may have to send the batch in one piece. */
const MAX_BATCH_BYTES = 16 * 1024 ** 2;

/** Least time between two disk flushes, in milliseconds: what comes in meanwhile shares the next one. */
const FLUSH_GAP_MS = 1;

/** How long a relaxed write waits for a durable write to join, in milliseconds. */
const PATIENCE_MS = 5;

/** Timers may fire this much too early, in milliseconds. */
const TIMER_SLACK_MS = 1;

/** Most bytes that an event takes on disk besides its body, roughly. */
const EVENT_BYTES = 64 * 1024;

/** What the owner of a lane writes about one attempt; without a record, only how the lane is held. */
export interface LaneRecord {
  epoch: Epoch;
  hold: Hold;
  startsKeptMs?: number;
  record?: AttemptRecord;
}

interface Item<Value, Result> {
  value: Value;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

type Accepted = Item<NewEvent, number | undefined>;
type LaneItem = Item<LaneRecord, Recorded | undefined>;

/** What is written at once. */
interface Items {
  accepts: Accepted[];
  records: LaneItem[];
}

/** Collects what it is given within one turn of the event loop, and while a batch is being written. */
export class Writer {
  readonly #store: Pick<Store, "write">;
  readonly #clock: Clock;
  #waiting: Items = { accepts: [], records: [] };
  #isBusy = false;
  /** When the disk was last flushed, and when the next flush is due, by the monotonic clock. */
  #flushedAt = -Infinity;
  #dueAt = Infinity;
  #refusedBytes = 0;

  /** Called with lanes in which deliveries are due because what they awaited was recorded. */
  onReleased: (lanes: readonly string[]) => void = () => {};

  /** Called with lanes in which what was read may be out of date, since chains had deliveries skipped. */
  onOutdated: (lanes: readonly string[]) => void = () => {};

  /** Called with lanes that have another owner. */
  onLost: (lanes: readonly Epoch[]) => void = () => {};

  constructor(store: Pick<Store, "write">, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Bytes needed by the last events that could not be stored; 0 once one was stored. */
  get refusedBytes(): number {
    return this.#refusedBytes;
  }

  /**
   * Resolves once the event is on disk, with its sequence; with `undefined` if it was already stored.
   * @throws {StoreError} if it cannot be stored now; then nothing of it was.
   */
  accept(event: NewEvent): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.accepts.push({ value: event, resolve, reject });
      this.#flushAt(this.#flushedAt + FLUSH_GAP_MS);
    });
  }

  /**
   * Resolves once the record is on disk, which may take a little longer: it goes with what is accepted.
   * @throws {StoreError} if it cannot be stored now; then nothing of it was.
   */
  record(record: LaneRecord): Promise<Recorded | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.records.push({ value: record, resolve, reject });
      this.#flushAt(this.#clock.monotonic() + PATIENCE_MS);
    });
  }

  #flushAt(at: number): void {
    if (at >= this.#dueAt) return;
    this.#dueAt = at;
    if (this.#isBusy) return;
    const waitMs = at - this.#clock.monotonic();
    if (waitMs <= 0) setImmediate(() => this.#flush());
    else this.#clock.sleep(waitMs).then(() => this.#flush());
  }

  async #flush(): Promise<void> {
    // Another flush may have come first.
    if (this.#isBusy || this.#dueAt > this.#clock.monotonic() + TIMER_SLACK_MS) return;
    this.#isBusy = true;
    this.#flushedAt = this.#clock.monotonic();
    await this.#write(this.#take());
    this.#isBusy = false;
    const { accepts, records } = this.#waiting;
    this.#dueAt = Infinity;
    if (accepts.length > 0) this.#flushAt(this.#flushedAt + FLUSH_GAP_MS);
    else if (records.length > 0) this.#flushAt(this.#clock.monotonic() + PATIENCE_MS);
  }

  #take(): Items {
    const { accepts, records } = this.#waiting;
    return { accepts: accepts.splice(0, batchOf(accepts)), records: records.splice(0, MAX_BATCH) };
  }

  async #write(items: Items): Promise<void> {
    const { accepts, records } = items;
    const lanes = [...Map.groupBy(records, ({ value }) => value.epoch).values()];
    try {
      const written = await this.#store.write({
        accepts: accepts.map(({ value }) => value),
        lanes: lanes.map(recordsOf),
      });
      if (written.accepted.some((seq) => seq !== undefined)) this.#refusedBytes = 0;
      accepts.forEach(({ resolve }, index) => resolve(written.accepted[index]));
      lanes.forEach((own, lane) => {
        const recorded = [...written.lanes[lane]!];
        for (const { value, resolve } of own) resolve(value.record && recorded.shift());
      });
      if (written.outdated.length > 0) this.onOutdated(written.outdated);
      if (written.released.length > 0) this.onReleased(written.released);
      if (written.lost.length > 0) this.onLost(written.lost);
    } catch (error) {
      await this.#fail(items, error);
    }
  }

  /** One of several items may be at fault, and must not make the others fail. */
  async #fail({ accepts, records }: Items, error: unknown): Promise<void> {
    const isHeld = error instanceof StoreError && error.isHeld;
    if (accepts.length + records.length > 1 && !isHeld) {
      for (const one of accepts) await this.#write({ accepts: [one], records: [] });
      for (const one of records) await this.#write({ accepts: [], records: [one] });
      return;
    }
    if (accepts.length > 0) {
      this.#refusedBytes = accepts.reduce((sum, { value }) => sum + EVENT_BYTES + value.body.byteLength, 0);
    }
    for (const { reject } of [...accepts, ...records]) reject(error);
  }
}

/** How many of these go into one batch. */
function batchOf(accepts: readonly Accepted[]): number {
  let bytes = 0;
  const full = accepts.findIndex(({ value }) => (bytes += value.body.byteLength) >= MAX_BATCH_BYTES);
  return Math.min(full < 0 ? accepts.length : full + 1, MAX_BATCH);
}

/** What is written about one lane; the last item says how it is held. */
function recordsOf(items: readonly LaneItem[]): LaneRecords {
  const { epoch, hold, startsKeptMs } = items.at(-1)!.value;
  return { epoch, hold, startsKeptMs, records: items.flatMap(({ value }) => value.record ?? []) };
}
