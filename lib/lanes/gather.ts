/** Which deliveries of a lane go out in one message, where its target makes digests. */

import type { Due } from "../store/mod.ts";
import { isSystem } from "../system_event.ts";
import type { Target } from "../targets/target.ts";
import type { Underway } from "./lane.ts";

/** The messages that begin in one pass over a lane, each with what goes out in it: one delivery, or several. */
export class Gathering<Begun extends { underway: Underway }> {
  readonly #messages: Begun[][] = [];
  readonly #max: number;
  readonly #isAlone: (due: Due) => boolean;
  /** Messages that have room, by what may join them. */
  readonly #open = new Map<string, Begun[]>();

  /** @param isAlone Whether a delivery must go out in a message of its own. */
  constructor({ policy, deliverAll, aloneAfter }: Target, isAlone: (due: Due) => boolean) {
    this.#max = deliverAll && policy.digest ? policy.digest.max : 1;
    const failed = ({ reason }: Due) => reason !== undefined && reason === aloneAfter;
    this.#isAlone = (due) => this.#max === 1 || isSystem(due.event) || failed(due) || isAlone(due);
  }

  /** What goes out in each, in the order of acceptance. */
  get messages(): readonly (readonly Begun[])[] {
    return this.#messages.map((message) => message.toSorted(byAcceptance));
  }

  /** Whether a message that has begun has room for a delivery. */
  hasRoomFor(due: Due): boolean {
    return this.#open.size > 0 && !this.#isAlone(due) && this.#open.has(companyOf(due));
  }

  /** Adds a delivery that begins. Returns whether a message begins with it. */
  add(begun: Begun): boolean {
    const { due } = begun.underway;
    const company = companyOf(due);
    const isAlone = this.#isAlone(due);
    const found = isAlone ? undefined : this.#open.get(company);
    const message = found ?? [];
    message.push(begun);
    if (!found) this.#messages.push(message);
    if (message.length >= this.#max) this.#open.delete(company);
    else if (!isAlone) this.#open.set(company, message);
    return !found;
  }
}

function byAcceptance({ underway: one }: { underway: Underway }, { underway: other }: { underway: Underway }): number {
  return one.due.ref.event - other.due.ref.event || one.due.ref.number - other.due.ref.number;
}

/** What was in one message that failed is in one again, and nothing else: whoever had that message can tell so. */
function companyOf({ attempts, dueAt }: Due): string {
  return attempts === 0 ? "new" : `${attempts} ${dueAt}`;
}
