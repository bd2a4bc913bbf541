/** A server that takes messages as a Slack incoming webhook does. @see https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */

import type { Respond } from "../sink.ts";
import { readMarkup, type Rule } from "./markup.ts";
import { startVendor, type VendorAnswer, type VendorServer } from "./server.ts";

export const PATH = "/services/T0TLS/B0DNS/ESECRETTOKEN";

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">" };
const rules: readonly Rule[] = [
  { pattern: /&(amp|lt|gt);/y, shows: (match) => entities[match[1]!]!, isPlain: true },
  { pattern: /<[!@#][^>]*>/y, effect: "mention", shows: (match) => match[0], isPlain: true },
  { pattern: /<(https?:[^|>]*)(?:\|([^>]*))?>/y, effect: "link", shows: (match) => match[2] ?? match[1]! },
];

/** Starts it; it answers `ok`, or an error's word. */
export function startSlack(...answers: (VendorAnswer | Respond)[]): Promise<VendorServer> {
  return startVendor(({ path }, { text, blocks }) => {
    if (path !== PATH) return { status: 404, body: "no_service" };
    if (typeof text !== "string" || text === "") return { status: 400, body: "no_text" };
    if (text.length > 40_000) return { status: 400, body: "msg_too_long" };
    if (Array.isArray(blocks) && blocks.length > 50) return { status: 400, body: "invalid_blocks" };
    const shown = readMarkup([text, ...textsOf(blocks)].join("\n"), rules);
    return { status: 200, body: "ok", shown };
  }, answers);
}

/** The texts of blocks, of which plain ones show no markup but know the three entities. */
function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value !== "object" || value === null) return [];
  const { text, ...rest } = value as Record<string, unknown>;
  return [...(typeof text === "string" ? [text] : textsOf(text)), ...Object.values(rest).flatMap(textsOf)];
}
