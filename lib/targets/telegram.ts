/** Delivers to a Telegram chat, as a bot. @see https://core.telegram.org/bots/api#sendmessage */

import * as z from "zod/mini";
import type { NoteApi, Noted } from "../connectvets/api.ts";
import type { AnyEvent } from "../event.ts";
import { log } from "../log.ts";
import { type Markup, writeChat } from "../messages/chat_message.ts";
import { ELLIPSIS, piecesOf } from "../messages/cut.ts";
import { expected, options, text } from "../options.ts";
import type { SecretText } from "../secret.ts";
import { baseUrl } from "./base_url.ts";
import { type ChatOptions, chatShape, defineChat } from "./chat.ts";
import { messageShape, type TextOption } from "./message.ts";
import type { TargetDefinition } from "./target.ts";
import { objectOf, post, type Vendor } from "./vendor.ts";

/** Options of `telegram()`. */
export interface TelegramOptions<Api extends NoteApi | undefined = undefined> extends ChatOptions<Api> {
  /** The bot's token, from @BotFather. */
  token: SecretText;
  /** The chat's number, negative for a group, or the `@name` of a public channel. The bot has to be a member. */
  chat: number | string;
  /** The topic of a group that has topics. */
  thread?: number;
  /** `true` sends without a sound. Default: `false`. */
  silent?: boolean;
  /** As `text`, in Telegram's HTML. @see https://core.telegram.org/bots/api#html-style */
  html?: TextOption<AnyEvent & Noted<Api>>;
  /** Another address of the API, such as your own Bot API server. Default: `https://api.telegram.org`. */
  baseUrl?: string;
}

/** Sends to a Telegram chat: one message a second, to a group 20 a minute. Delivered when Telegram has taken it. */
export function telegram<Api extends NoteApi | undefined = undefined>(
  options: TelegramOptions<Api>,
): TargetDefinition {
  return { target: telegramTarget, options };
}

/** Most characters of a message, in UTF-16 units, where tags and entities have been read. */
const MAX_TEXT = 4_096;

const vendor: Vendor = {
  name: "Telegram",
  // Telegram's codes are HTTP's, so what it refuses is told apart by its words.
  // @see https://github.com/tdlib/telegram-bot-api, Client.cpp
  errors: [
    { codes: [401, 404], kind: "dead", reason: "token_refused" }, // 404 where the token has not even its form
    { codes: [403], kind: "dead", reason: "recipient_unreachable" },
    {
      codes: [
        /chat not found|user not found|PEER_ID_INVALID|upgraded to a supergroup|message thread not found|have no rights/i,
      ],
      kind: "dead",
      reason: "recipient_unreachable",
    },
    { codes: [/can't parse|message is too long|message text is empty/i], kind: "dead", reason: "message_invalid" },
    { codes: [429], kind: "retry", reason: "rate_limited", pauseMs: 10_000 },
  ],
  read({ json }) {
    const { ok, error_code: code, description: said, parameters } = json;
    if (ok === true) return { isTaken: true };
    const { retry_after: seconds } = (parameters ?? {}) as { retry_after?: unknown };
    return {
      isTaken: false,
      code: typeof code === "number" ? code : undefined,
      said,
      retryAfterMs: typeof seconds === "number" ? seconds * 1_000 : undefined,
    };
  },
};

const schema = options({
  ...chatShape,
  token: text((words) => words.config.expectations.telegramToken, /^\d+:[\w-]+$/),
  chat: z.union([
    z.int(),
    z.pipe(z.string().check(z.regex(/^-?\d+$/)), z.transform(Number)),
    z.string().check(z.regex(/^@\w+$/)),
  ], {
    error: expected((words) => words.config.expectations.telegramChat),
  }),
  thread: z.optional(z.int().check(z.positive())),
  silent: z._default(z.boolean(), false),
  html: messageShape.html,
  baseUrl,
});

const markup: Markup = {
  escape: escapeHtml,
  bold: (text) => `<b>${text}</b>`,
  link: (label, url) => `<a href="${escapeHtml(url)}">${escapeHtml(label)}</a>`,
  code: (text) => `<code>${escapeHtml(text)}</code>`,
};

export const telegramTarget = defineChat({
  kind: "telegram",
  schema,
  fields: ["html", "text"],
  escape: escapeHtml,
  compose: ({ text, notice }) => ({ text: cutHtml(text ?? writeChat(notice, markup), MAX_TEXT) }),

  open({ token, chat, thread, silent, baseUrl = "https://api.telegram.org" }) {
    const place = new URL(baseUrl).origin;
    const url = new URL(`${baseUrl}/bot${token}/sendMessage`);
    const isGroup = typeof chat === "string" || chat < 0;
    let moved: number | undefined; // where the group has moved to; a restart finds out anew

    return {
      place,
      address: `${place} (chat ${chat}${thread === undefined ? "" : `, ${thread}`})`,
      url: `${url.href}#${chat},${thread}`,
      secrets: [token],
      // @see https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
      rates: [{ perMs: 1_000, limit: 1 }, ...(isGroup ? [{ perMs: 60_000, limit: 20 }] : [])],

      async send({ text }, { attempt }, signal) {
        const sendTo = (to: number | string) => {
          const body = {
            chat_id: to,
            text,
            parse_mode: "HTML",
            message_thread_id: thread,
            disable_notification: silent || undefined,
            link_preview_options: { is_disabled: true },
          };
          return post(vendor, { url, body }, { place, attempt, signal });
        };
        const outcome = await sendTo(moved ?? chat);
        const to = outcome.kind === "dead" ? movedTo(outcome.answer) : undefined;
        if (to === undefined) return outcome;
        moved = to;
        log.warn("the Telegram group {chat} has moved: set `chat: {to}` in the config", { chat, to });
        return await sendTo(to);
      },
    };
  },
});

/** The chat that a group has become, where an answer says so. */
function movedTo(answer?: string): number | undefined {
  const { migrate_to_chat_id: to } = (objectOf(answer).parameters ?? {}) as { migrate_to_chat_id?: unknown };
  return typeof to === "number" ? to : undefined;
}

/** @see https://core.telegram.org/bots/api#html-style: of named entities only these four are known. */
function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** A tag that Telegram knows. @see https://core.telegram.org/bots/api#html-style */
const TAG = /<(\/?)(b|strong|i|em|u|ins|s|strike|del|span|tg-spoiler|tg-emoji|a|code|pre|blockquote)(?:\s[^<>]*)?>/;

const ENTITY = /&(?:lt|gt|amp|quot|#\d{1,7}|#x[\da-fA-F]{1,6});/;

const MARKUP = new RegExp(`${TAG.source}|${ENTITY.source}`, "g");

/**
 * HTML that Telegram takes, with a text of at most `max` units: what is no tag or entity is escaped, tags that are open at
 * the end are closed, and what closes none is left out. Telegram refuses a whole message for one that is wrong.
 */
export function cutHtml(html: string, max: number): string {
  const open: string[] = [];
  const whole = visibleLength(html);
  let room = whole > max ? max - ELLIPSIS.length : max;
  let written = "";
  for (const piece of piecesOf(html, MARKUP)) {
    const [isTag, closes, name] = TAG.exec(piece) ?? [];
    if (isTag === undefined) {
      const isEntity = ENTITY.test(piece);
      room -= isEntity ? lengthOf(piece) : piece.length;
      if (room < 0) break;
      written += isEntity ? piece : escapeHtml(piece);
    } else if (!closes) {
      open.push(name!);
      written += piece;
    } else if (open.at(-1) === name) {
      open.pop();
      written += piece;
    }
  }
  const ends = open.toReversed().map((name) => `</${name}>`).join("");
  return written + (whole > max ? ELLIPSIS : "") + ends;
}

/** How long the text is that HTML shows, in UTF-16 units. */
function visibleLength(html: string): number {
  const entities = new RegExp(ENTITY.source, "g");
  return html.replaceAll(new RegExp(TAG.source, "g"), "").replaceAll(entities, (one) => "x".repeat(lengthOf(one)))
    .length;
}

/** How long the character of an entity is at most, in UTF-16 units. */
function lengthOf(entity: string): number {
  return entity.startsWith("&#") ? 2 : 1;
}
