/** A lane in its owner's memory: what was read of it, what is under way, and which delivery may start next. */

import { keyOf } from "../store/delivery.ts";
import type { AttemptRecord, Due, DueAsk, DueInLane, Epoch, Recorded } from "../store/mod.ts";
import type { Pace } from "./pace.ts";

/** Deliveries per read. */
const READ = 128;

/** A lane takes offered deliveries only while the bodies it keeps in memory are below this many bytes. */
const MAX_WAITING_BYTES = 1024 ** 2;

/** Most deliveries that have ended, or are about to wait for others, and are not recorded yet. */
const MAX_UNRECORDED = 256;

/**
 * A read starts this many milliseconds before the latest due time taken so far, since a commit may be that late.
 * Recorded rows stay dead in an index for a while, and a read from the beginning goes through all of them.
 */
const LATE_MS = 5_000;

/** How often a read starts from the beginning anyway, in milliseconds. */
const WHOLE_MS = 10_000;

/** Most deliveries kept in memory behind others with the same order key. */
const MAX_BEHIND = 64;

/** A delivery taken out of the lane for an attempt. */
export interface Underway {
  due: Due;
  /** Its start was stored before the attempt. */
  wasBegun: boolean;
}

/** A delivery that is under way, its lane, and its event's sequence. */
export interface UnderwayView {
  id: string;
  lane: string;
  event: number;
}

export class Lane {
  readonly epoch: Epoch;
  readonly pace: Pace;
  /** Aborts the lane's attempts; the lane's next owner repeats what is not recorded by then. */
  readonly cut = new AbortController();
  /** The lane is being given up: nothing more starts. */
  isLeaving = false;
  /** An attempt was cut off: it started, and no record says so. */
  wasCutOff = false;
  /** What was read and has not started, by due time. */
  #waiting: Due[] = [];
  /** Bytes that their bodies keep in memory. */
  #waitingBytes = 0;
  readonly #underway = new Map<string, Underway>();
  /** Order keys of what is under way. */
  readonly #busyKeys = new Set<string>();
  /** What was recorded since the current read was sent, which may still return it as it was before. */
  readonly #recorded = new Set<string>();
  /** Order keys whose heads ended since then; the read may be out of date for them too. */
  readonly #turned = new Set<string>();
  #isReading = false;
  /** The newest event of which something was read: offers of this event or an older one may have been read already. */
  #newestRead = 0;
  /** Everything that is due now was read or offered. */
  #isAll = false;
  /** More may be due than the current read returns. */
  #isWoken = false;
  /** What the current read returns was changed after the read was sent. */
  #isStale = false;
  #nextAt?: number;
  /** The latest due time taken so far, and when the next read starts from the beginning, in Unix milliseconds. */
  #lastDue = 0;
  #wholeAt = -Infinity;
  /** When the current read was requested, if it starts from the beginning. */
  #wholeAskedAt?: number;
  /** Called once nothing is under way any more. */
  #onIdle: (() => void)[] = [];

  constructor(epoch: Epoch, pace: Pace) {
    this.epoch = epoch;
    this.pace = pace;
  }

  get underway(): readonly Underway[] {
    return [...this.#underway.values()];
  }

  /** Nothing is under way, and everything that was is recorded. */
  get isIdle(): boolean {
    return this.#underway.size === 0 && !this.wasCutOff;
  }

  /** Resolves once nothing is under way, and what was is recorded or cut off. */
  async idle(): Promise<void> {
    if (this.#underway.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Whether there is room for more: a lane does not outrun a store that takes no records. */
  get hasRoom(): boolean {
    return this.#underway.size < MAX_UNRECORDED + this.pace.inFlight;
  }

  /** When the next delivery that was not read is due, in Unix milliseconds, as far as is known. */
  get nextAt(): number | undefined {
    return this.#nextAt;
  }

  /** Nothing in memory may start, and more may be due. */
  get isHungry(): boolean {
    return !this.#isAll && this.next() === undefined;
  }

  /** Signals that more may be due. */
  wake(): void {
    this.#isAll = false;
    this.#isWoken = true;
  }

  /** Takes a delivery that was just stored and is due, if nothing has to be read before it, and there is room. */
  offer(due: Due): void {
    const hasRoom = this.#waiting.length < READ && this.#waitingBytes < MAX_WAITING_BYTES;
    if (!this.#isAll || !hasRoom || due.ref.event <= this.#newestRead) return this.wake();
    this.#waiting.push(due);
    this.#waitingBytes += bytesOf(due);
  }

  /** Drops what was read: it may have changed since. */
  forgetRead(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isStale = true;
    this.#wakeWhole();
  }

  /** Has the next read start from the beginning: it may find what was due before the last read. */
  #wakeWhole(): void {
    this.#wholeAt = -Infinity;
    this.#wholeAskedAt = undefined;
    this.wake();
  }

  /**
   * What to read; `undefined` if there is nothing to read, or enough in memory. The caller sends the read at once.
   * @param enough How many deliveries one attempt can take.
   */
  ask(now: number, enough = 1): DueAsk | undefined {
    if (this.#nextAt !== undefined && this.#nextAt <= now) this.wake();
    if (!this.hasRoom || this.#isAll || this.#hasEnough(enough)) return undefined;
    this.#recorded.clear();
    this.#turned.clear();
    this.#isReading = true;
    this.#isWoken = this.#isStale = false;
    const known = [...this.#waiting, ...[...this.#underway.values()].map(({ due }) => due)].map(({ ref }) => ref);
    return { lane: this.epoch.lane, limit: READ, known, from: this.#from(now) };
  }

  #hasEnough(enough: number): boolean {
    if (this.next() === undefined) return false;
    return this.#waiting.length >= enough || this.#waitingBytes >= MAX_WAITING_BYTES;
  }

  #from(now: number): number | undefined {
    const isWhole = now >= this.#wholeAt || now < this.#wholeAt - WHOLE_MS; // or the clock was set back
    this.#wholeAskedAt = isWhole ? now : undefined;
    return isWhole ? undefined : Math.min(this.#lastDue, now) - LATE_MS;
  }

  /** Takes what was read. */
  take({ due, isAll, nextAt }: DueInLane): void {
    this.#isReading = false;
    if (this.#isStale) return;
    if (this.#wholeAskedAt !== undefined) this.#wholeAt = this.#wholeAskedAt + WHOLE_MS;
    this.#isAll = isAll && !this.#isWoken && this.#recorded.size === 0 && this.#turned.size === 0;
    this.#nextAt = nextAt;
    const fresh = due.filter(({ ref, orderKey }) =>
      !this.#recorded.has(keyOf(ref)) && !this.#underway.has(keyOf(ref)) && !(orderKey && this.#turned.has(orderKey))
    );
    if (fresh.length < due.length) this.#wholeAt = -Infinity;
    const known = new Set(this.#waiting.map(({ ref }) => keyOf(ref)));
    const added = fresh.filter(({ ref }) => !known.has(keyOf(ref)));
    this.#waiting = [...this.#waiting, ...added].sort(byDueTime);
    for (const one of added) this.#waitingBytes += bytesOf(one);
    for (const { ref, dueAt } of due) {
      this.#newestRead = Math.max(this.#newestRead, ref.event);
      this.#lastDue = Math.max(this.#lastDue, dueAt);
    }
  }

  /** Which delivery in memory may start next, if any. */
  next(isAllowed: (due: Due) => boolean = () => true): Due | undefined {
    return this.#waiting.find((due) => this.#mayBegin(due) && isAllowed(due));
  }

  /** Deliveries that are of no use if they start at this time, in Unix milliseconds. */
  expired(at: number): Due[] {
    return this.#waiting.filter(({ expiresAt }) => expiresAt !== undefined && expiresAt < at);
  }

  #mayBegin({ ref, orderKey, head }: Due): boolean {
    return orderKey === undefined ||
      (head !== undefined && keyOf(head) === keyOf(ref) && !this.#busyKeys.has(orderKey));
  }

  /** Order keys to park instead of keeping them here, because too much stands behind their heads. */
  behind(): string[] {
    const behind = this.#waiting.filter((due) => due.orderKey !== undefined && !this.#mayBegin(due));
    return behind.length <= MAX_BEHIND ? [] : [...new Set(behind.map(({ orderKey }) => orderKey!))];
  }

  /** Takes a delivery out for an attempt. */
  begin(due: Due, wasBegun: boolean): Underway {
    const underway = { due, wasBegun };
    this.#waiting.splice(this.#waiting.indexOf(due), 1);
    this.#waitingBytes -= bytesOf(due);
    this.#underway.set(keyOf(due.ref), underway);
    if (due.orderKey !== undefined) this.#busyKeys.add(due.orderKey);
    return underway;
  }

  /** Puts back a delivery that was not attempted, to be read again. */
  release({ due }: Underway): void {
    this.#end(due);
    this.#wakeWhole();
  }

  /** Applies what was recorded of a delivery. */
  settle({ due }: Underway, { state, dueAt }: Pick<AttemptRecord, "state" | "dueAt">, { fate, head }: Recorded): void {
    this.#end(due);
    if (this.#isReading) {
      this.#recorded.add(keyOf(due.ref));
      if (due.orderKey !== undefined) this.#turned.add(due.orderKey);
    }
    if (fate !== "recorded") return this.forgetRead();
    if (state === "pending" && dueAt !== undefined) this.#nextAt = Math.min(dueAt, this.#nextAt ?? dueAt);
    if (due.orderKey === undefined) return;
    const behind = this.#waiting.filter(({ orderKey }) => orderKey === due.orderKey);
    for (const one of behind) one.head = head;
    if (head && !behind.some(({ ref }) => keyOf(ref) === keyOf(head))) this.#wakeWhole();
  }

  #end({ ref, orderKey }: Due): void {
    this.#underway.delete(keyOf(ref));
    if (orderKey !== undefined) this.#busyKeys.delete(orderKey);
    if (this.#underway.size > 0) return;
    for (const tell of this.#onIdle.splice(0)) tell();
  }
}

/** The body may be a view of a larger buffer, filled from a connection. */
function bytesOf({ event }: Due): number {
  return event.body.buffer.byteLength;
}

function byDueTime(one: Due, other: Due): number {
  return one.dueAt - other.dueAt || one.ref.event - other.ref.event || one.ref.number - other.ref.number;
}
