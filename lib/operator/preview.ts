/** What a config makes of an event: where it goes, and what each target would be sent. Sends nothing. */

import { noteOf } from "../connectvets/note.ts";
import { messageOf } from "../errors.ts";
import { accessFor } from "../pipeline/enrich.ts";
import { type Payload, payloadOf, type RelayEvent } from "../event.ts";
import { eventId, formatId } from "../id.ts";
import { messageFor, route, type Routing, type RoutingTable } from "../pipeline/route.ts";
import { jsonOf } from "../targets/message.ts";
import type { Target } from "../targets/target.ts";

/** What previewing needs to know of the config. */
export interface PreviewConfig extends RoutingTable {
  targets: ReadonlyMap<string, Pick<Target, "render" | "enrich" | "sendsBytes">>;
}

/** What a target would be sent, as JSON holds it, or in words why that cannot be made. */
export type Preview = { target: string; message: Record<string, unknown> } | { target: string; problem: string };

/**
 * An event as it would be if it came in at `now`; a `note` beside its `event` and `data` is taken for the note in full.
 * @param source Name of the source that it would come by.
 */
export function incoming(source: string, body: Uint8Array, payload: Payload, now: number): RelayEvent {
  const id = formatId(eventId(source, body, 0));
  const headers = { "Content-Type": "application/json" };
  return { id, source, type: payload.event, receivedAt: now, body, headers, note: noteOf(payload.note) };
}

/**
 * Where an event goes, with what each target would be sent; the event's note is for those alone that ask for one.
 * @throws {TypeError} if the event's body is no payload; never over what the config's functions do.
 */
export function preview(event: RelayEvent, config: PreviewConfig): Routing & { messages: Preview[] } {
  const routing = route(payloadOf({ ...event, note: undefined }), config);
  return { ...routing, messages: routing.targets.map((target) => render(event, target, config)) };
}

function render({ note, ...event }: RelayEvent, target: string, config: PreviewConfig): Preview {
  try {
    const fields = messageFor(() => payloadOf(event), target, config);
    const own = config.targets.get(target)!;
    const access = accessFor(event, { ...own, name: target }, config);
    if (access && !access.isOptional && !note) {
      return { target, problem: "it needs the note in full, as `note` beside `event`" };
    }
    const message = own.render(access ? { ...event, note } : event, fields);
    return { target, message: JSON.parse(jsonOf("message", message)) };
  } catch (error) {
    return { target, problem: messageOf(error) };
  }
}
