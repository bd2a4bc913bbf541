/** Looks at the store while somebody wants to know what changes. */

import { isDeepStrictEqual } from "node:util";
import type { EventView } from "../../store/views.ts";
import type { AdminContext } from "../context.ts";
import { type ShownTarget, targetsNow, type Trouble, troubleNow } from "../now.ts";

/** Something that happened. */
export type Message =
  | { event: "event"; data: EventView }
  | { event: "target"; data: ShownTarget }
  | { event: "trouble"; data: Trouble };

/** Shortest pause between two looks, in milliseconds. */
const PAUSE_MS = 500;

/** Looks take no more than one part in so many of the time, however large the store. */
const SHARE = 20;

/** Most events that one look tells of. */
const MAX_EVENTS = 50;

/** Tells everybody who has joined what changes. Looks once for all of them, and never while nobody has. */
export class Watcher {
  readonly #context: AdminContext;
  readonly #listeners = new Set<(messages: Message[]) => void>();
  /** Done when it is known what there was before. */
  #first = Promise.resolve();
  #timer?: ReturnType<typeof setTimeout>;
  #newest?: string;
  #targets?: Map<string, ShownTarget>;
  #trouble?: Trouble;

  constructor(context: AdminContext) {
    this.#context = context;
  }

  /** How many have joined. */
  get size(): number {
    return this.#listeners.size;
  }

  /** Tells `listener` of what changes after this resolves. @returns What ends it. */
  async join(listener: (messages: Message[]) => void): Promise<() => void> {
    this.#listeners.add(listener);
    if (this.size === 1) {
      this.#newest = this.#targets = this.#trouble = undefined;
      this.#first = this.#look();
    }
    await this.#first;
    return () => {
      this.#listeners.delete(listener);
      if (this.size === 0) clearTimeout(this.#timer);
    };
  }

  async #look(): Promise<void> {
    const startedAt = performance.now();
    try {
      const messages = [
        ...await this.#newEvents(),
        ...await this.#changedTargets(),
        ...await this.#changedTrouble(),
      ];
      if (messages.length > 0) { for (const listener of this.#listeners) listener(messages); }
    } catch {
      // A store that cannot be read is told of by what needs it; the next look may find it mended.
    }
    if (this.size === 0) return;
    clearTimeout(this.#timer);
    const tookMs = performance.now() - startedAt;
    this.#timer = setTimeout(() => this.#look(), Math.max(PAUSE_MS, SHARE * tookMs));
  }

  /** Those that came in since the last look, the oldest first. */
  async #newEvents(): Promise<Message[]> {
    const known = this.#newest;
    const { events } = await this.#context.store.events({}, { limit: known === undefined ? 1 : MAX_EVENTS });
    this.#newest = events[0]?.id ?? "";
    if (known === undefined) return [];
    const end = events.findIndex(({ id }) => id === known);
    return events.slice(0, end < 0 ? undefined : end).reverse().map((data) => ({ event: "event", data }));
  }

  async #changedTargets(): Promise<Message[]> {
    const known = this.#targets;
    const targets = await targetsNow(this.#context);
    this.#targets = new Map(targets.map((one) => [one.name, one]));
    if (known === undefined) return [];
    return targets.filter((one) => !isDeepStrictEqual(one, known.get(one.name)))
      .map((data) => ({ event: "target", data }));
  }

  async #changedTrouble(): Promise<Message[]> {
    const known = this.#trouble;
    const data = this.#trouble = await troubleNow(this.#context);
    return known === undefined || isDeepStrictEqual(data, known) ? [] : [{ event: "trouble", data }];
  }
}
