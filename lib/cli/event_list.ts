/** Events as lines of a list. */

import type { Format } from "../locale/format.ts";
import { paint, visible } from "../log.ts";
import type { Store } from "../store/mod.ts";
import type { EventView } from "../store/views.ts";
import { deliveriesInShort } from "./event_words.ts";
import { shortIds } from "./ids.ts";
import { formatAt, words } from "./language.ts";
import { columnsNow, listing } from "./terminal.ts";
import { msOf } from "./times.ts";

/** On a terminal of so many columns there is room for whole ids. */
const WIDE = 120;

/** Writes events so that they fit the terminal: where it is narrow, with the beginnings of their ids. */
export class EventList {
  readonly #shortened: (id: string) => string;

  private constructor(shortened: (id: string) => string) {
    this.#shortened = shortened;
  }

  /** For these events, and others of the store that come with them. */
  static async of(store: Store, events: readonly EventView[]): Promise<EventList> {
    return new EventList(columnsNow() < WIDE ? await shortIds(store, events.map(({ id }) => id)) : (id) => id);
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
      this.#shortened(event.id),
      visible(event.type),
    );
  }
}

function cellsOf(time: string, relative: string, id: string, type: string): string[] {
  return columnsNow() < WIDE ? [time, id, type] : [time, relative, id, type];
}
