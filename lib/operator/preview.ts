/** What a config makes of an event: where it goes, and what each target would be sent. Sends nothing. */

import { noteOf } from "../connectvets/note.ts";
import { sayError } from "../errors.ts";
import type { ReadableEvent } from "../event.ts";
import { eventId, formatId } from "../id.ts";
import { Told } from "../locale/told.ts";
import { messageFor, needOf, route, routedOf, type Routing, type RoutingTable } from "../pipeline/route.ts";
import type { Source } from "../sources/source.ts";
import { readable } from "../sources/view.ts";
import { jsonOf } from "../targets/message.ts";
import type { Target } from "../targets/target.ts";

/** What previewing needs to know of the config. */
export interface PreviewConfig extends RoutingTable {
  targets: ReadonlyMap<string, Pick<Target, "render" | "enrich" | "sendsBytes">>;
}

/** What a target would be sent, as JSON holds it, or why that cannot be made. */
export type Preview = { target: string; message: Record<string, unknown> } | { target: string; problem: Told };

/**
 * An event as it would be if it came in at `now` by this source; a `note` beside its `data` is taken for the note in full.
 * @param type What the event is called, for a sender that does not say it in the body.
 * @returns The event, or one sentence that says why the body holds none.
 */
export function incoming(
  source: Source,
  type: string,
  now: number,
  body?: Uint8Array,
): ReadableEvent | { problem: Told } {
  const draft = source.draft(type, body);
  const read = source.read({ headers: new Headers(draft.headers), body: draft.body });
  if ("problem" in read) return read;
  const id = formatId(eventId(source.name, draft.body, 0));
  const event = { ...draft, id, source: source.name, type: read.event.type, receivedAt: now };
  return readable({ ...event, note: noteOf(read.event.payload.note) }, [source]);
}

/**
 * Where an event goes, with what each target would be sent; the event's note is for those alone that ask for one.
 * Never throws over what the config's functions do.
 */
export function preview(event: ReadableEvent, config: PreviewConfig): Routing & { messages: Preview[] } {
  const routing = route(routedOf(event), config);
  return { ...routing, messages: routing.targets.map((target) => render(event, target, config)) };
}

function render({ note, ...event }: ReadableEvent, target: string, config: PreviewConfig): Preview {
  try {
    const fields = messageFor(routedOf(event), target, config);
    const own = config.targets.get(target)!;
    const access = needOf(routedOf(event), { ...own, name: target }, config);
    if (access && !access.isOptional && !note) {
      return { target, problem: Told.of((words) => words.outcomes.note.missing) };
    }
    const message = own.render(access ? { ...event, note } : event, fields);
    return { target, message: JSON.parse(jsonOf("message", message)) };
  } catch (error) {
    return { target, problem: Told.of(sayError(error)) };
  }
}
