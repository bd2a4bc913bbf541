/** A server that takes webhooks' messages as Discord does. @see https://docs.discord.com/developers/resources/webhook */

import type { Respond } from "../sink.ts";
import { bareLink, code, escaped, link, list, pair, readMarkup, type Rule } from "./markup.ts";
import { startVendor, type VendorAnswer, type VendorServer } from "./server.ts";

export const PATH = "/api/webhooks/1093182042112356352/s3cr3t-T0KEN_of-a-Discord-webhook";

const rules: readonly Rule[] = [
  escaped,
  code,
  {
    pattern: /<(?:[@#][!&]?\d+|a?:\w+:\d+|t:\d+(?::\w)?|\/[^>]+)>/y,
    effect: "mention",
    shows: (match) => match[0],
    isPlain: true,
  },
  { pattern: /@(?:everyone|here)/y, effect: "mention", shows: (match) => match[0], isPlain: true },
  { pattern: /:[\w+-]*[a-z][\w+-]*:/y, effect: "emoji", shows: (match) => match[0], isPlain: true },
  link,
  bareLink,
  list,
  pair("**", "bold"),
  pair("__", "underline"),
  pair("~~", "strike"),
  pair("||", "spoiler"),
  pair("*", "italic"),
  pair("_", "italic", "[\\p{L}\\p{N}]"),
];

/** An error as Discord writes it. */
export const discordError = (status: number, code: number, message: string, more: object = {}): VendorAnswer => ({
  status,
  body: { message, code, ...more },
});

/** Starts it; `answers` are those to the first requests. */
export function startDiscord(...answers: (VendorAnswer | Respond)[]): Promise<VendorServer> {
  return startVendor(({ path }, { content, username, allowed_mentions: allowed, flags }) => {
    const url = new URL(path, "http://x");
    if (url.pathname !== PATH) return discordError(404, 10015, "Unknown Webhook");
    if (typeof content !== "string" || content === "") return discordError(400, 50006, "Cannot send an empty message");
    if (content.length > 2_000) {
      const _errors = [{ code: "BASE_TYPE_MAX_LENGTH", message: "Must be 2000 or fewer in length." }];
      return discordError(400, 50035, "Invalid Form Body", { errors: { content: { _errors } } });
    }
    if (typeof username === "string" && /discord/i.test(username)) return discordError(400, 50035, "Invalid Form Body");
    const shown = readMarkup(content, rules);
    if ((allowed as { parse?: unknown[] })?.parse?.length !== 0) shown.effects.push("mentions are allowed");
    if (flags !== 4) shown.effects.push("previews are shown");
    if (url.searchParams.get("wait") !== "true") return { status: 204 };
    const headers = { "X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "4", "X-RateLimit-Reset-After": "2.000" };
    return { status: 200, body: { id: "1093182042112356399", type: 0, content, flags }, headers, shown };
  }, answers);
}
