/** Where an event would go, and what each target would get. Nothing is stored or sent. */

import { Buffer } from "node:buffer";
import type { LoadedConfig } from "../../config/load.ts";
import type { Told } from "../../locale/told.ts";
import { incoming, preview } from "../../operator/preview.ts";
import type { Routing } from "../../pipeline/route.ts";

/** The fields of a message as texts, or why it cannot be made. */
export interface Rendered {
  target: string;
  fields: [name: string, text: string][];
  problem?: Told;
}

/** What would come of an event, or why it is none. */
export type Preview = { problem: Told } | { type: string; routing: Routing; messages: Rendered[] };

/** What this config would make of an event that comes in now with this body. Never throws. */
export function previewOf({ config }: LoadedConfig, text: string): Preview {
  const event = incoming(config.sources[0]!, "", Date.now(), Buffer.from(text));
  if ("problem" in event) return event;
  const { messages, ...routing } = preview(event, config);
  const rendered = messages.map((one): Rendered =>
    "problem" in one ? { ...one, fields: [] } : { target: one.target, fields: fieldsOf(one.message) }
  );
  return { type: event.type, routing, messages: rendered };
}

function fieldsOf(message: Record<string, unknown>): [string, string][] {
  const given = Object.entries(message).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value, null, 2)]);
}
