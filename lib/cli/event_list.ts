/** Events as lines of a list. */

import type { Format } from "../locale/format.ts";
import { paint, visible } from "../log.ts";
import { DIGITS, MIN_PREFIX, shortened } from "../store/id_prefix.ts";
import type { Store } from "../store/mod.ts";
import type { EventView } from "../store/views.ts";
import { deliveriesInShort } from "./event_words.ts";
import { digitsFor } from "./ids.ts";
import { formatAt, words } from "./language.ts";
import { columnsNow, listing } from "./terminal.ts";
import { msOf } from "./times.ts";

/** On a terminal of so many columns there is room for whole ids. */
const WIDE = 120;

/** Of more events than these, whole ids are shown: to tell beginnings apart, each is looked for in the store. */
const MOST_SHORT = 1_000;

/** Writes events so that they fit the terminal: where it is narrow, with the beginnings of their ids. */
export class EventList {
  readonly #store: Store;
  /** How many digits of an id are shown. */
  readonly #digits: number;

  private constructor(store: Store, digits: number) {
    this.#store = store;
    this.#digits = digits;
  }

  /** For these events, and others of the store that come with them. */
  static async of(store: Store, events: readonly EventView[]): Promise<EventList> {
    return await new EventList(store, events.length > MOST_SHORT ? DIGITS : MIN_PREFIX).with(events);
  }

  /** For these events as well. */
  async with(events: readonly EventView[]): Promise<EventList> {
    if (columnsNow() >= WIDE || events.length === 0 || this.#digits === DIGITS) return this;
    return new EventList(this.#store, await digitsFor(this.#store, events.map(({ id }) => id), this.#digits));
  }

  lines(events: readonly EventView[], now: number, { isTitled = false } = {}): string[] {
    const { received, id, type, deliveries } = words.events.columns;
    const titles = { cells: cellsOf(received, "", id, type), items: [deliveries] };
    const format = formatAt(now);
    return listing([
      ...(isTitled
        ? [{ cells: titles.cells.map((one) => paint("bold", one)), items: [paint("bold", deliveries)] }]
        : []),
      ...events.map((event) => ({ cells: this.cells(event, format), items: deliveriesInShort(event) })),
    ]);
  }

  /** What stands before an event's deliveries. @param at When the line's event came in, or whatever it tells of was. */
  cells(event: EventView, format: Format, at = msOf(event.receivedAt)): string[] {
    return cellsOf(
      format.short(at),
      paint("gray", format.relative(at)),
      columnsNow() < WIDE ? shortened(event.id, this.#digits) : event.id,
      visible(event.type),
    );
  }
}

function cellsOf(time: string, relative: string, id: string, type: string): string[] {
  return columnsNow() < WIDE ? [time, id, type] : [time, relative, id, type];
}
