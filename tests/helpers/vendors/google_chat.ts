/** A server that takes messages as a Google Chat webhook does. @see https://developers.google.com/workspace/chat/format-messages */

import type { Respond } from "../sink.ts";
import { bareLink, code, link, list, pair, readMarkup, type Rule } from "./markup.ts";
import { startVendor, type VendorAnswer, type VendorServer } from "./server.ts";

export const PATH = "/v1/spaces/AAAAMpTzZ0Y/messages?key=AIzaSyDdI0hCZtE6vySjMmWEfRq3CPzqKqqsHI&token=s3cr3t-T0KEN%3D";

const WORD = "[\\p{L}\\p{N}]";
const rules: readonly Rule[] = [
  code,
  { pattern: /<users\/\w+>/y, effect: "mention", shows: (match) => match[0], isPlain: true },
  { pattern: /<(?:https?:|mailto:)[^|<>\s]+(?:\|([^<>]+))?>/y, effect: "link", shows: (match) => match[1] ?? match[0] },
  link,
  bareLink,
  list,
  pair("*", "bold", WORD),
  pair("_", "italic", WORD),
  pair("~", "strike", WORD),
];

/** An error as Google's APIs write it. */
export const googleError = (code: number, status: string, message: string): VendorAnswer => ({
  status: code,
  body: { error: { code, message, status } },
});

/** Starts it; a request id that was seen gets its message again, as Google documents for the method. */
export function startGoogleChat(...answers: (VendorAnswer | Respond)[]): Promise<VendorServer> {
  const seen = new Set<string>();
  return startVendor(({ path, body }, { text, thread }) => {
    const { pathname, searchParams } = new URL(path, "http://x");
    if (searchParams.get("token") !== "s3cr3t-T0KEN=") {
      return googleError(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.");
    }
    if (!pathname.startsWith("/v1/spaces/AAAAMpTzZ0Y/")) return googleError(404, "NOT_FOUND", "Space not found.");
    if (typeof text !== "string" || text === "") {
      return googleError(400, "INVALID_ARGUMENT", "Message cannot be empty. Discarding empty create message request");
    }
    if (body.byteLength > 32_000) return googleError(400, "INVALID_ARGUMENT", "Message is too long.");
    const id = searchParams.get("requestId")!;
    const shown = seen.has(id) ? undefined : readMarkup(text, rules);
    seen.add(id);
    return { status: 200, body: { name: `spaces/AAAAMpTzZ0Y/messages/${id}`, text, thread }, shown };
  }, answers);
}
