/** Lets writes that come in together share one transaction, and so one flush of the disk. */

/**
 * How a write is done. `durable`: soon, and on disk when it resolves. `lazy`: the same, but a little later, so that it
 * goes along with durable ones. `volatile`: at once, or along with a durable one that waits for its turn; a crash of the
 * program cannot undo it, a loss of power can.
 */
export type WriteKind = "durable" | "lazy" | "volatile";

/** Most items that are written at once. */
const MAX_BATCH = 512;

/** Least time from one flush of the disk to the next, in milliseconds: what comes in meanwhile shares it. */
const FLUSH_GAP_MS = 2;

/** How long a lazy write waits, in milliseconds. */
const PATIENCE_MS = 5;

interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Gathers the items given to it during one turn of the event loop, and while a batch is being written, and writes them
 * together. If a write fails, it fails for every item in it.
 */
export class Batches<Item extends { kind: WriteKind }, Result> {
  readonly #write: (items: Item[]) => Promise<readonly Result[]>;
  #waiting: Waiting<Item, Result>[] = [];
  #isBusy = false;
  /** When the disk was flushed last, and when it is to be next; as `performance.now()` counts. */
  #flushedAt = -Infinity;
  #dueAt = Infinity;
  #alarm?: ReturnType<typeof setTimeout>;

  /** @param write Writes items at once and gives a result for each, in the same order. */
  constructor(write: (items: Item[]) => Promise<readonly Result[]>) {
    this.#write = write;
  }

  /** Resolves with the item's result once it is written. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (item.kind === "volatile") return this.#begin();
      const now = performance.now();
      this.#beginAt(item.kind === "lazy" ? now + PATIENCE_MS : Math.max(now, this.#flushedAt + FLUSH_GAP_MS), now);
    });
  }

  #begin(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    setImmediate(() => this.#flush());
  }

  #beginAt(dueAt: number, now: number): void {
    if (dueAt >= this.#dueAt) return;
    this.#dueAt = dueAt;
    clearTimeout(this.#alarm);
    if (dueAt <= now) this.#begin();
    else this.#alarm = setTimeout(() => this.#begin(), dueAt - now);
  }

  async #flush(): Promise<void> {
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      try {
        const results = await this.#write(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, index) => resolve(results[index]!));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isBusy = false;
    const dueAt = this.#dueAt; // a timer may have come a little early
    this.#dueAt = Infinity;
    this.#beginAt(dueAt, performance.now());
  }

  /** What is written next: everything, if a flush is due; nothing, if one soon is; else what is volatile alone. */
  #take(): Waiting<Item, Result>[] {
    const now = performance.now();
    const isDue = this.#dueAt <= now;
    if (!isDue && this.#waiting.some(({ item }) => item.kind === "durable")) return [];
    const ready = isDue ? this.#waiting : this.#waiting.filter(({ item }) => item.kind === "volatile");
    const batch = ready.slice(0, MAX_BATCH);
    const taken = new Set(batch);
    this.#waiting = this.#waiting.filter((one) => !taken.has(one));
    if (isDue) {
      this.#flushedAt = now;
      if (!this.#waiting.some(({ item }) => item.kind !== "volatile")) this.#dueAt = Infinity;
    }
    return batch;
  }
}
