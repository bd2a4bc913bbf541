/** Digests of a target: one message of all deliveries that have gathered. */

import { createHash } from "node:crypto";
import * as z from "zod/mini";
import { callFunction } from "../callback.ts";
import { type AnyEvent, payloadOf, type ReadableEvent } from "../event.ts";
import { expected, fn, options } from "../options.ts";
import { type Duration, timerDuration } from "../units.ts";
import { DAY_MS, wallTime, whenShown } from "../zone.ts";
import { cannotMake, kindOf, mapTexts } from "./message.ts";

/** One message of all events that have come in. */
export interface DigestOptions<Event = AnyEvent> {
  /** How often it goes out: `"15m"` at a quarter past, at half past and so on; `"1d"` at midnight. */
  every: Duration;
  /** Most events in a message; what is left goes out in another one right behind. At most 100. Default: 50. */
  max?: number;
  /**
   * Text of the message. Markup in the events' texts has no effect. Default: how many events of each kind, and a line for
   * each event.
   */
  text?: (events: readonly Event[]) => string;
}

/** {@link DigestOptions} as they are read. */
export interface Digest {
  everyMs: number;
  max: number;
  /** IANA name of the zone whose midnight digests of whole days go out at. */
  zone: string;
}

/** A lane reads no more than this at a time, give or take. */
const MAX_EVENTS = 100;

/** The zod shape of {@link DigestOptions}. */
export const digestShape = options({
  every: timerDuration.check(z.refine((ms) => ms > 0, expected((words) => words.config.expectations.moreThan(0)))),
  max: z._default(z.int().check(z.positive(), z.maximum(MAX_EVENTS)), 50),
  text: z.optional(fn),
}, (words) => words.config.expectations.such('{ every: "15m" }'));

/**
 * When the digest goes out of what came in at this moment: the next multiple of its span since 1970, UTC, and of a span
 * of whole days the next such midnight of its zone. So every relay says the same, and says it again after a restart. All
 * in Unix milliseconds.
 */
export function digestAt({ everyMs, zone }: Digest, at: number): number {
  if (everyMs % DAY_MS !== 0) return (Math.floor(at / everyMs) + 1) * everyMs;
  return whenShown(zone, (Math.floor(wallTime(zone, at) / everyMs) + 1) * everyMs, "last");
}

/**
 * An id for what is sent of these deliveries: a UUID, the same in every attempt to send the same ones. Where the receiver
 * drops what it has had before, no delivery is lost that has come to them since.
 */
export function digestId(deliveries: readonly { id: string }[]): string {
  const hash = createHash("sha256").update(deliveries.map(({ id }) => id).join()).digest("hex");
  // Version 8 of a UUID is for ids that are made in a way of one's own. @see RFC 9562, section 5.8
  return [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`, `8${hash.slice(17, 20)}`, hash.slice(20, 32)]
    .join("-");
}

/**
 * The config's text of a digest; `undefined` if it gives none.
 * @param escape Takes the effect from markup in the events' texts.
 * @throws {MessageError} if its function fails or gives no text.
 */
export function digestText(
  option: unknown,
  deliveries: readonly { event: ReadableEvent }[],
  escape: (text: string) => string,
): string | undefined {
  if (option === undefined) return undefined;
  const events = deliveries.map(({ event }) => mapTexts(payloadOf(event), escape));
  const answer = callFunction(option as (events: unknown) => unknown, events);
  if ("problem" in answer) throw cannotMake("digest.text", (words, all) => words.itsFunction(answer.problem(all)));
  const { value } = answer;
  if (typeof value === "string" && value !== "") return value;
  throw cannotMake(
    "digest.text",
    (words) => value === "" ? words.emptyText : words.notText(words.kinds[kindOf(value)]),
  );
}
