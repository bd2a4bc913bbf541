/** How the config's functions see a stored event: as its source shows it. */

import type { ReadableEvent, RelayEvent } from "../event.ts";
import { viewStored } from "./json_event.ts";
import type { Source } from "./source.ts";

/** A stored event with the way to read it, which is that of the source of its name, if the config still has one. */
export function readable(event: RelayEvent, sources: readonly Pick<Source, "name" | "view">[]): ReadableEvent {
  const { id, source, type, receivedAt, body, headers, note } = event;
  const view = sources.find(({ name }) => name === source)?.view ?? viewStored;
  return { id, source, type, receivedAt, body, headers, note, view };
}
