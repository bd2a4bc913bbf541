/** A server that takes messages as Telegram's Bot API does. @see https://core.telegram.org/bots/api#html-style, and Client.cpp */

import type { Respond } from "../sink.ts";
import { type Shown, startVendor, type VendorAnswer, type VendorServer } from "./server.ts";

export const TOKEN = "123456789:AAH-s3cr3t_T0KEN-of-a-Telegram-bot";

const PIECE = /<(\/?)([a-z-]+)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>|&(lt|gt|amp|quot);|[<&]|[^<&]+/g;
const TAGS = /^(?:b|strong|i|em|u|ins|s|strike|del|span|tg-spoiler|tg-emoji|a|code|pre|blockquote)$/;
const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"' };

/** An error as Telegram writes it. */
export const telegramError = (status: number, description: string, parameters?: object): VendorAnswer => ({
  status,
  body: { ok: false, error_code: status, description, parameters },
});

/** Starts it; in `answers` are those to the first requests. */
export function startTelegram(...answers: (VendorAnswer | Respond)[]): Promise<VendorServer> {
  return startVendor(({ path }, { chat_id: chat, text, parse_mode: mode }) => {
    if (path !== `/bot${TOKEN}/sendMessage`) return telegramError(401, "Unauthorized");
    if (chat === -404) return telegramError(400, "Bad Request: chat not found");
    if (mode !== "HTML" || typeof text !== "string") return telegramError(400, "Bad Request: unsupported parse_mode");
    const shown = readHtml(text);
    if (typeof shown === "string") return telegramError(400, `Bad Request: can't parse entities: ${shown}`);
    if (shown.text.trim() === "") return telegramError(400, "Bad Request: message text is empty");
    if (shown.text.length > 4_096) return telegramError(400, "Bad Request: message is too long");
    return { status: 200, body: { ok: true, result: { message_id: 7, chat: { id: chat } } }, shown };
  }, answers);
}

/** What is shown of HTML, or what is wrong with it. */
function readHtml(html: string): Shown | string {
  let text = "";
  const effects: string[] = [];
  const open: { name: string; from: number }[] = [];
  for (const [piece, closes, name, , entity] of html.matchAll(PIECE)) {
    if (entity) text += entities[entity];
    else if (name === undefined) {
      if (piece === "<") return `Unsupported start tag at byte offset ${text.length}`;
      text += piece;
    } else if (!TAGS.test(name)) return `Unsupported start tag "${name}" at byte offset ${text.length}`;
    else if (!closes) open.push({ name, from: text.length });
    else {
      const last = open.pop();
      if (last?.name !== name) return `Unmatched end tag, expected "</${last?.name}>", found "</${name}>"`;
      effects.push(`${name}: ${text.slice(last.from)}`);
    }
  }
  return open.length > 0 ? `Can't find end tag corresponding to start tag "${open.at(-1)!.name}"` : { text, effects };
}
