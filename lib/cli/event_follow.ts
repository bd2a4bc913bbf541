/** `relay events --follow` */

import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { sayError, StoreError } from "../errors.ts";
import { parseId } from "../id.ts";
import { visible } from "../log.ts";
import type { Store } from "../store/mod.ts";
import type { EventFilter } from "../store/operator.ts";
import type { DeliveryView, EventView } from "../store/views.ts";
import { EventList } from "./event_list.ts";
import { deliveriesInShort, deliveryWithNext, eventJson } from "./event_words.ts";
import { formatAt, words } from "./language.ts";
import { LongWork } from "./long_work.ts";
import { print, printJson } from "./shared.ts";
import { type OpenStore, timeNow } from "./store.ts";
import { listing } from "./terminal.ts";
import { msOf, zoneLine } from "./times.ts";

/** Pause between two polls of the store, in milliseconds. */
const PAUSE_MS = 500;

/** New events are looked for from so long before the last one that is known, in milliseconds: a later one may be stored first. */
const OVERLAP_MS = 5_000;

/** Events that are read at once. */
const PAGE = 200;

/** Most events that are remembered as known. */
const MOST_KNOWN = 100_000;

/** Most events with deliveries that are not done whose attempts are followed, the newest ones, and how many each poll reads. */
const MOST_OPEN = 500;
const READ_AT_ONCE = 10;

/**
 * Prints events, then each new one that fits, and each attempt to deliver it, until Ctrl-C or until nobody reads it any more.
 * @param shown The newest events, the newest first.
 */
export async function followEvents(
  { store, loaded }: OpenStore,
  filter: EventFilter,
  shown: readonly EventView[],
  asJson = false,
): Promise<void> {
  const work = new LongWork();
  const ended = new AbortController();
  const signal = AbortSignal.any([work.signal, ended.signal]);
  process.stdout.once("error", () => ended.abort());
  const follower = new Follower(store, filter, shown);
  const write = (...lines: string[]) => print(...lines.map(loaded.redact));
  const writeJson = (event: EventView) => printJson(eventJson(event), loaded.redact, 0);
  let list = await EventList.of(store, shown);
  try {
    const now = await timeNow(store);
    if (asJson) shown.toReversed().forEach(writeJson);
    else write(zoneLine(), ...list.lines(shown.toReversed(), now));
    while (!signal.aborted) {
      const told = await follower.poll().catch(tellProblem);
      list = await list.with(told.map(({ event }) => event));
      for (const { event, changed } of told) {
        if (asJson) writeJson(event);
        else write(...linesOf(list, event, changed, store.time.now()));
      }
      await delay(PAUSE_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    work.end();
  }
}

/** A store that cannot be read for a moment is asked again. */
function tellProblem(error: unknown): [] {
  if (!(error instanceof StoreError)) throw error;
  process.stderr.write(`${visible(sayError(error)(words))}\n`);
  return [];
}

function linesOf(list: EventList, event: EventView, changed: DeliveryView[] | undefined, now: number): string[] {
  const format = formatAt(now);
  const items = changed ? changed.map((one) => deliveryWithNext(one, format)) : deliveriesInShort(event);
  return listing([{ cells: list.cells(event, format, changed ? now : undefined), items }]);
}

/** An event that is new, or of which deliveries have changed since it was told. */
interface Told {
  event: EventView;
  changed?: DeliveryView[];
}

/** Finds what is new in a store. A poll reads what came in since the one before, however much is stored. */
class Follower {
  readonly #store: Store;
  readonly #filter: EventFilter;
  readonly #known = new Set<string>();
  /** Events with deliveries that are not done; those that were read last come last. */
  readonly #open = new Map<string, EventView>();
  /** When the last event that is known came in. */
  #lastAt: number;
  /** What came in before the events that were shown first is not new. */
  #oldBefore: number;

  constructor(store: Store, filter: EventFilter, shown: readonly EventView[]) {
    this.#store = store;
    this.#filter = filter;
    this.#lastAt = store.time.now();
    this.#oldBefore = msOf(shown.at(-1)?.receivedAt ?? 0);
    for (const event of shown.toReversed()) this.#take(event);
  }

  async poll(): Promise<Told[]> {
    const changed = await this.#changed();
    const now = await timeNow(this.#store);
    const found = await this.#unknown(now);
    this.#lastAt = Math.max(this.#lastAt, now); // what came in until now is known, or does not fit
    const fresh = found.toReversed().filter(({ receivedAt }) => msOf(receivedAt) >= this.#oldBefore);
    this.#oldBefore = 0; // the clock may be set back from now on
    for (const event of found) this.#known.add(event.id);
    for (const event of fresh) this.#take(event);
    for (const id of this.#known) {
      if (this.#known.size <= MOST_KNOWN) break;
      this.#known.delete(id);
    }
    return [...changed, ...fresh.map((event) => ({ event }))];
  }

  /** Events that are not known, the newest first. */
  async #unknown(now: number): Promise<EventView[]> {
    // By a clock that was set back, new events are earlier than those that are known.
    const since = Math.max(Math.min(this.#lastAt, now) - OVERLAP_MS, this.#filter.since ?? 0);
    const found: EventView[] = [];
    let before: number | undefined;
    do {
      const page = await this.#store.events({ ...this.#filter, since }, { limit: PAGE, before });
      const unknown = page.events.filter(({ id }) => !this.#known.has(id));
      found.push(...unknown);
      const isAllKnown = page.events.length > 0 && unknown.length === 0;
      before = isAllKnown ? undefined : page.next; // a page without events ended for the time that it took
    } while (before !== undefined);
    return found;
  }

  #take(event: EventView): void {
    this.#lastAt = Math.max(this.#lastAt, msOf(event.receivedAt));
    this.#known.add(event.id);
    this.#watch(event);
  }

  #watch(event: EventView): void {
    this.#open.delete(event.id);
    if (!event.deliveries.some(isOpen)) return;
    this.#open.set(event.id, event);
    if (this.#open.size > MOST_OPEN) this.#open.delete(this.#open.keys().next().value!);
  }

  /** Of the events whose deliveries are not done, those that have changed, among the ones that have not been read for longest. */
  async #changed(): Promise<Told[]> {
    const told: Told[] = [];
    for (const before of [...this.#open.values()].slice(0, READ_AT_ONCE)) {
      const story = await this.#store.story(parseId(before.id)!);
      if (!story) {
        this.#open.delete(before.id);
        continue;
      }
      const deliveries = story.deliveries.map((
        { ref: _, history: _history, failures: _failures, receipts: _receipts, ...one },
      ) => one);
      const event = { ...before, state: story.state, deliveries };
      const changed = deliveries.filter((one) => hasChanged(before.deliveries.find(({ id }) => id === one.id), one));
      this.#watch(event);
      if (changed.length > 0) told.push({ event, changed });
    }
    return told;
  }
}

function isOpen({ state }: DeliveryView): boolean {
  return state === "pending" || state === "in_flight";
}

function hasChanged(before: DeliveryView | undefined, after: DeliveryView): boolean {
  return before?.state !== after.state || before.attempts !== after.attempts;
}
