/** Where an event would go, and what each target would get. Nothing is stored or sent. */

import { Buffer } from "node:buffer";
import type { LoadedConfig } from "../../config/load.ts";
import { messageOf } from "../../errors.ts";
import { parsePayload } from "../../event.ts";
import { eventId, formatId } from "../../id.ts";
import { messageFor, route, type Routing } from "../../pipeline/route.ts";

/** The fields of a message as texts, or why it cannot be made. */
export interface Rendered {
  target: string;
  fields: [name: string, text: string][];
  problem?: string;
}

/** What would come of an event, or why it is none. */
export type Preview = { problem: string } | { type: string; routing: Routing; messages: Rendered[] };

/** What this config would make of an event that comes in now with this body. Never throws. */
export function preview({ config }: LoadedConfig, text: string): Preview {
  const body = Buffer.from(text);
  const parsed = parsePayload(body);
  if ("problem" in parsed) return parsed;
  const { payload } = parsed;
  const source = config.sources[0]!.name;
  const event = {
    id: formatId(eventId(source, body, 0)),
    source,
    type: payload.event,
    receivedAt: Date.now(),
    body,
    headers: { "Content-Type": "application/json" },
  };
  const routing = route(payload, config);
  const messages = routing.targets.map((target): Rendered => {
    try {
      const message = config.targets.get(target)!.render(event, messageFor(() => payload, target, config));
      return { target, fields: fieldsOf(message) };
    } catch (error) {
      return { target, fields: [], problem: messageOf(error) };
    }
  });
  return { type: payload.event, routing, messages };
}

function fieldsOf(message: Record<string, unknown>): [string, string][] {
  const given = Object.entries(message).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value, null, 2)]);
}
