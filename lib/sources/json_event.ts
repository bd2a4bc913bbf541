/** Events whose body is a JSON object that names its type as `event`, as ConnectVets sends them. */

import { Buffer } from "node:buffer";
import { sampleEvent } from "../connectvets/samples.ts";
import type { Payload } from "../event.ts";
import { isObject } from "../json.ts";
import type { Language } from "../locale/mod.ts";
import { Told } from "../locale/told.ts";
import type { ReadEvent, Source, ViewedEvent } from "./source.ts";

/** How a source reads, shows and makes events of this form. */
export const jsonEvents: Pick<Source, "read" | "view" | "draft"> = {
  read({ body }) {
    const parsed = parseJson(body);
    return "problem" in parsed ? parsed : eventOf(parsed.value);
  },
  view: viewStored,
  draft: (type, body = Buffer.from(JSON.stringify(sampleEvent(type)))) => ({
    headers: { "Content-Type": "application/json" },
    body,
  }),
};

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a body as JSON in UTF-8 (RFC 8259); a byte order mark is ignored. Never throws. */
function parseJson(body: Uint8Array): { value: unknown } | { problem: Told } {
  if (body.byteLength === 0) return problem("empty");
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    return problem("notUtf8");
  }
  try {
    return { value: JSON.parse(text) };
  } catch {
    return problem("notJson");
  }
}

function problem(name: keyof Language["outcomes"]["body"]): { problem: Told } {
  return { problem: Told.of(({ outcomes }) => outcomes.body[name]) };
}

function eventOf(value: unknown): ReadEvent {
  if (!isObject(value)) return problem("notObject");
  if (!isPayload(value)) return problem("noEvent");
  return { event: { type: value.event, id: idOf(value.id), time: timeOf(value.timestamp), payload: value } };
}

function isPayload(value: unknown): value is Payload {
  return isObject(value) && typeof value.event === "string";
}

function idOf(id: unknown): string | undefined {
  // A number that JavaScript cannot hold exactly could be another event's as well.
  return (typeof id === "string" && id !== "") || Number.isSafeInteger(id) ? `${id}` : undefined;
}

/** An ISO 8601 time with its zone, as Unix milliseconds. */
function timeOf(timestamp: unknown): number | undefined {
  const isTime = typeof timestamp === "string" &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(timestamp);
  return (isTime && Date.parse(timestamp)) || undefined;
}

/**
 * What the config's functions see of a stored event of this form: the payload as it came. The event may be of another
 * form, where its source is gone from the config or has become one of another kind: then they see its type, and what can
 * be read of it as JSON. Never throws.
 */
export function viewStored({ type, body }: ViewedEvent): Payload {
  const parsed = parseJson(body);
  const payload = "value" in parsed ? parsed.value : undefined;
  return isPayload(payload) ? payload : { event: type, data: isObject(payload) ? payload : {}, payload };
}
