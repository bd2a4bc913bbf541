/** A lane in its owner's memory: what was read of it, what is under way, and which delivery may begin next. */

import { keyOf } from "../store/delivery.ts";
import type { AttemptRecord, Due, DueAsk, DueInLane, Epoch, Recorded } from "../store/mod.ts";
import type { Pace } from "./pace.ts";

/** Deliveries that are read at a time. */
const READ = 128;

/** Most bytes of bodies in memory for which a lane takes what is offered to it. */
const MAX_WAITING_BYTES = 1024 ** 2;

/** Most deliveries that have ended, or are to wait for others, and are not recorded yet. */
const MAX_UNRECORDED = 256;

/**
 * A read begins this long before the last due time that was taken, in milliseconds, since a commit may be that late. What was
 * recorded lies dead in an index for a while, and a read from the beginning goes through all of it.
 */
const LATE_MS = 5_000;

/** Every so often a read begins at the beginning all the same, in milliseconds. */
const WHOLE_MS = 10_000;

/** Most deliveries that are kept in memory while they stand behind others of their order keys. */
const MAX_BEHIND = 64;

/** A delivery that was taken out of the lane to be made. */
export interface Underway {
  due: Due;
  /** It was written down before. */
  wasBegun: boolean;
}

/** A delivery that is under way, its lane, and the sequence of its event. */
export interface UnderwayView {
  id: string;
  lane: string;
  event: number;
}

export class Lane {
  readonly epoch: Epoch;
  readonly pace: Pace;
  /** Ends its attempts; what is not recorded by then is made again, by whoever owns the lane next. */
  readonly cut = new AbortController();
  /** It is given up: nothing more begins. */
  isLeaving = false;
  /** An attempt was cut off: it was begun, and no record says so. */
  wasCutOff = false;
  /** What was read and has not begun, in the order of due times. */
  #waiting: Due[] = [];
  /** Bytes that the bodies of these keep in memory. */
  #waitingBytes = 0;
  readonly #underway = new Map<string, Underway>();
  /** Order keys of what is under way. */
  readonly #busyKeys = new Set<string>();
  /** What was recorded since the read was sent that is under way, which may still tell of it as it was before. */
  readonly #recorded = new Set<string>();
  /** Order keys whose heads ended since then, of which the same holds. */
  readonly #turned = new Set<string>();
  /** A read is under way. */
  #isReading = false;
  /** The newest event of which something was read: what is offered of it, or of an older one, may have been read before. */
  #newestRead = 0;
  /** Everything that is due now was read, or offered. */
  #isAll = false;
  /** More may be due than the read tells of that is under way. */
  #isWoken = false;
  /** The read that is under way was sent before what it tells of was changed. */
  #isStale = false;
  #nextAt?: number;
  /** The last due time that was taken, and when the next read begins before all, in Unix milliseconds. */
  #lastDue = 0;
  #wholeAt = -Infinity;
  /** When the read that is under way was asked for, if it begins before all. */
  #wholeAskedAt?: number;
  /** Told when nothing is under way any more. */
  #onIdle: (() => void)[] = [];

  constructor(epoch: Epoch, pace: Pace) {
    this.epoch = epoch;
    this.pace = pace;
  }

  get underway(): readonly Underway[] {
    return [...this.#underway.values()];
  }

  /** Nothing of it is under way, and records tell of everything that was. */
  get isIdle(): boolean {
    return this.#underway.size === 0 && !this.wasCutOff;
  }

  /** Resolves once nothing of it is under way, and what was is recorded, or cut off. */
  async idle(): Promise<void> {
    if (this.#underway.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Whether there is room for more: a store that takes no records is not run away from. */
  get hasRoom(): boolean {
    return this.#underway.size < MAX_UNRECORDED + this.pace.inFlight;
  }

  /** When the next delivery is due that was not read, in Unix milliseconds, as far as is known. */
  get nextAt(): number | undefined {
    return this.#nextAt;
  }

  /** Nothing in memory may begin, and more may be due. */
  get isHungry(): boolean {
    return !this.#isAll && this.next() === undefined;
  }

  /** Says that more may be due. */
  wake(): void {
    this.#isAll = false;
    this.#isWoken = true;
  }

  /** Takes in what was just stored and is due, if nothing is to be read before it, and there is room. */
  offer(due: Due): void {
    const hasRoom = this.#waiting.length < READ && this.#waitingBytes < MAX_WAITING_BYTES;
    if (!this.#isAll || !hasRoom || due.ref.event <= this.#newestRead) return this.wake();
    this.#waiting.push(due);
    this.#waitingBytes += bytesOf(due);
  }

  /** Forgets what was read: it may have been changed since. */
  forgetRead(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isStale = true;
    this.#wakeWhole();
  }

  /** What is read next may have been due before what was read last. */
  #wakeWhole(): void {
    this.#wholeAt = -Infinity;
    this.#wholeAskedAt = undefined;
    this.wake();
  }

  /** What to read; `undefined` if there is nothing to read, or enough in memory. The caller sends the read at once. */
  ask(now: number): DueAsk | undefined {
    if (this.#nextAt !== undefined && this.#nextAt <= now) this.wake();
    if (!this.hasRoom || this.#isAll || this.next() !== undefined) return undefined;
    this.#recorded.clear();
    this.#turned.clear();
    this.#isReading = true;
    this.#isWoken = this.#isStale = false;
    const known = [...this.#waiting, ...[...this.#underway.values()].map(({ due }) => due)].map(({ ref }) => ref);
    return { lane: this.epoch.lane, limit: READ, known, from: this.#from(now) };
  }

  #from(now: number): number | undefined {
    const isWhole = now >= this.#wholeAt || now < this.#wholeAt - WHOLE_MS; // or the clock was set back
    this.#wholeAskedAt = isWhole ? now : undefined;
    return isWhole ? undefined : Math.min(this.#lastDue, now) - LATE_MS;
  }

  /** Takes in what was read. */
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

  /** Which delivery may begin next, if there is one in memory. */
  next(isAllowed: (due: Due) => boolean = () => true): Due | undefined {
    return this.#waiting.find((due) => this.#mayBegin(due) && isAllowed(due));
  }

  /** What is of no use any more when it begins then, in Unix milliseconds. */
  expired(at: number): Due[] {
    return this.#waiting.filter(({ expiresAt }) => expiresAt !== undefined && expiresAt < at);
  }

  #mayBegin({ ref, orderKey, head }: Due): boolean {
    return orderKey === undefined ||
      (head !== undefined && keyOf(head) === keyOf(ref) && !this.#busyKeys.has(orderKey));
  }

  /** Order keys of which so much stands behind others that it is to be parked, and no longer kept here. */
  behind(): string[] {
    const behind = this.#waiting.filter((due) => due.orderKey !== undefined && !this.#mayBegin(due));
    return behind.length <= MAX_BEHIND ? [] : [...new Set(behind.map(({ orderKey }) => orderKey!))];
  }

  /** Takes a delivery out to be made. */
  begin(due: Due, wasBegun: boolean): Underway {
    const underway = { due, wasBegun };
    this.#waiting.splice(this.#waiting.indexOf(due), 1);
    this.#waitingBytes -= bytesOf(due);
    this.#underway.set(keyOf(due.ref), underway);
    if (due.orderKey !== undefined) this.#busyKeys.add(due.orderKey);
    return underway;
  }

  /** Puts back what was not made: it is read again. */
  release({ due }: Underway): void {
    this.#end(due);
    this.#wakeWhole();
  }

  /** Takes in what was recorded of a delivery. */
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

/** The body may be a part of what came by a connection. */
function bytesOf({ event }: Due): number {
  return event.body.buffer.byteLength;
}

function byDueTime(one: Due, other: Due): number {
  return one.dueAt - other.dueAt || one.ref.event - other.ref.event || one.ref.number - other.ref.number;
}
