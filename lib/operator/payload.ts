/** How a body, or a note, is shown to a person. */

import type { Told } from "../locale/told.ts";
import type { Fetched } from "../store/operator.ts";

/** A body as text. */
export interface ShownBody {
  text: string;
  /** Bytes received. */
  bytes: number;
  isJson: boolean;
  isCut: boolean;
}

/** Most characters of a body that are shown. */
const MAX_TEXT = 100_000;

/**
 * A body indented if it is JSON, else as it is. Never throws.
 * @param most Characters that are shown at most.
 */
export function shownBody(body: Uint8Array, most = MAX_TEXT): ShownBody {
  const value = exactJson(body);
  const text = value === undefined ? new TextDecoder().decode(body) : JSON.stringify(value, null, 2);
  return {
    text: text.slice(0, most).toWellFormed(),
    bytes: body.byteLength,
    isJson: value !== undefined,
    isCut: text.length > most,
  };
}

/** The part of `JSON` that keeps the source text of numbers; TypeScript does not know it yet. */
const json = JSON as unknown as {
  parse(text: string, revive: (key: string, value: unknown, context: { source: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
};

/** Parses a body so that writing it as JSON again keeps its numbers as they are. `undefined` if it is not JSON. */
export function exactJson(body: Uint8Array): unknown {
  try {
    const text = new TextDecoder().decode(body);
    return json.parse(text, (_, value, { source }) => typeof value === "number" ? json.rawJSON(source) : value);
  } catch {
    return undefined;
  }
}

/** The note of an event, or why there is none, as JSON shows it. */
export interface ShownNote {
  /** ISO 8601, UTC. */
  at: string;
  /** The note; `null` if there is none. */
  data: unknown;
  problem: Told | null;
}

/** The note of an event as JSON shows it; `null` if no target needed it. */
export function shownNote(kept: Fetched | undefined): ShownNote | null {
  if (!kept) return null;
  const data = kept.data ? exactJson(kept.data) : null;
  return { at: new Date(kept.at).toISOString(), data, problem: kept.problem ?? null };
}
