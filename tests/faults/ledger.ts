/** The accountant: what was acknowledged, where it arrived, and whether that was right. */

/** An event that came to a target. */
export interface Arrival {
  /** Which event; `NaN` if it cannot be told, or is not genuine. */
  number: number;
  target: string;
  deliveryId: string;
  /** Which run of the relay had sent it, from 1. */
  life: number;
  /** The target said that it has it. */
  isTaken: boolean;
}

/** Deliveries to one target that were made again though the target had taken them. */
export interface Repeats {
  /** By a later life of the relay. */
  afterCrash: number;
  /** By the same life of the relay. */
  withinLife: number;
}

interface Entry {
  isAcknowledged: boolean;
  deliveries: Map<string, { id: string; takenIn?: number; isRecorded?: true }>;
}

/** Events that are done and still remembered, for the ids of late repeats. */
const MAX_DONE = 20_000;

/** Keeps account of events by number, from 0. Remembers those that are not done, and the last ones that are. */
export class Ledger {
  /** Events that were answered 200. */
  acknowledged = 0;
  /** Arrivals that are no event of ours, or came to a target that it was not for. */
  unknown = 0;
  /** Arrivals under another delivery id than before. */
  changedIds = 0;
  /** Arrivals of a delivery that the relay had recorded as delivered before. */
  afterRecord = 0;
  /** By target. */
  readonly repeats = new Map<string, Repeats>();
  readonly #targetsOf: (number: number) => readonly string[];
  readonly #entries = new Map<number, Entry>();
  readonly #done = new Set<number>();
  #posted = 0;
  #doneCount = 0;

  /** @param targetsOf The targets that an event is for. */
  constructor(targetsOf: (number: number) => readonly string[]) {
    this.#targetsOf = targetsOf;
  }

  /** Begins a new event. */
  post(): number {
    const number = this.#posted++;
    this.#entries.set(number, { isAcknowledged: false, deliveries: new Map() });
    return number;
  }

  acknowledge(number: number): void {
    this.acknowledged++;
    this.#entries.get(number)!.isAcknowledged = true;
    this.#settle(number);
  }

  arrive({ number, target, deliveryId, life, isTaken }: Arrival): void {
    const isOurs = number >= 0 && number < this.#posted && this.#targetsOf(number).includes(target);
    if (!isOurs) {
      this.unknown++;
      return;
    }
    const entry = this.#entries.get(number);
    if (!entry) return this.#repeat(target, false); // done so long ago that it was forgotten
    const delivery = entry.deliveries.get(target) ?? { id: deliveryId };
    entry.deliveries.set(target, delivery);
    if (delivery.id !== deliveryId) this.changedIds++;
    if (delivery.isRecorded) this.afterRecord++;
    if (delivery.takenIn !== undefined) this.#repeat(target, delivery.takenIn !== life);
    if (!isTaken) return;
    delivery.takenIn = life;
    this.#settle(number);
  }

  /** The relay has it on disk that this event was delivered to this target: it may never arrive again. */
  record(number: number, target: string): void {
    const delivery = this.#entries.get(number)?.deliveries.get(target);
    if (delivery) delivery.isRecorded = true;
  }

  /** How many events were acknowledged and are missing at a target: what is lost, once no more will come. */
  outstanding(): number {
    return this.acknowledged - this.#doneCount;
  }

  /** Repeats of all targets. */
  repeated(): number {
    return [...this.repeats.values()].reduce((sum, { afterCrash, withinLife }) => sum + afterCrash + withinLife, 0);
  }

  #repeat(target: string, isAfterCrash: boolean): void {
    const repeats = this.repeats.get(target) ?? { afterCrash: 0, withinLife: 0 };
    this.repeats.set(target, repeats);
    if (isAfterCrash) repeats.afterCrash++;
    else repeats.withinLife++;
  }

  #settle(number: number): void {
    const entry = this.#entries.get(number)!;
    const isDone = entry.isAcknowledged &&
      this.#targetsOf(number).every((target) => entry.deliveries.get(target)?.takenIn !== undefined);
    if (!isDone || this.#done.has(number)) return;
    this.#done.add(number);
    this.#doneCount++;
    if (this.#done.size <= MAX_DONE) return;
    const [oldest] = this.#done;
    this.#done.delete(oldest!);
    this.#entries.delete(oldest!);
  }
}
