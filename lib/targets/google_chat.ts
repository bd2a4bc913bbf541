/** Delivers to a Google Chat space, by its webhook. @see https://developers.google.com/workspace/chat/quickstart/webhooks */

import * as z from "zod/mini";
import type { NoteApi, Noted } from "../connectvets/api.ts";
import type { AnyEvent } from "../event.ts";
import { type Markup, writeChat } from "../messages/chat_message.ts";
import { bytes, cutMarked, jsonBytes } from "../messages/cut.ts";
import { expected, options } from "../options.ts";
import type { SecretText } from "../secret.ts";
import { type ChatOptions, chatShape, defineChat } from "./chat.ts";
import { secretsOfUrl } from "./exchange.ts";
import { messageShape, type TextOption } from "./message.ts";
import type { TargetDefinition } from "./target.ts";
import { post, type Vendor } from "./vendor.ts";

/** Options of `googleChat()`. */
export interface GoogleChatOptions<Api extends NoteApi | undefined = undefined> extends ChatOptions<Api> {
  /** The webhook's URL. Whoever has it can post to the space: use `env`. */
  url: SecretText;
  /** A key, or a function that returns one. Messages with the same key are in one thread. Default: each has its own. */
  thread?: TextOption<AnyEvent & Noted<Api>>;
}

/** Posts to a Google Chat space, one message a second. Delivered when Google has made the message. */
export function googleChat<Api extends NoteApi | undefined = undefined>(
  options: GoogleChatOptions<Api>,
): TargetDefinition {
  return { target: googleChatTarget, options };
}

/** Most bytes of a message. @see https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create */
const MAX_BYTES = 32_000;

/** Most characters of a thread's key. @see https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages */
const MAX_KEY = 4_000;

const vendor: Vendor = {
  name: "Google Chat",
  // The words of `status` are the same in all of Google's APIs. @see https://cloud.google.com/apis/design/errors
  errors: [
    { codes: [/API key not valid|API key expired/i], kind: "dead", reason: "token_refused" }, // an INVALID_ARGUMENT
    {
      codes: ["RESOURCE_EXHAUSTED"],
      statuses: [429],
      kind: "retry",
      reason: "rate_limited",
      pauseMs: (attempt) => 5_000 * 2 ** attempt,
    },
    { codes: ["UNAUTHENTICATED", "PERMISSION_DENIED"], statuses: [401, 403], kind: "dead", reason: "token_refused" },
    { codes: ["NOT_FOUND"], statuses: [404], kind: "dead", reason: "recipient_unreachable" },
    { codes: ["INVALID_ARGUMENT", "OUT_OF_RANGE"], statuses: [413], kind: "dead", reason: "message_invalid" },
    {
      codes: ["UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED", "ABORTED", "CANCELLED", "UNKNOWN"],
      kind: "retry",
      reason: "server_failed",
    },
  ],
  read({ status, json }) {
    if (status === 200 && typeof json.name === "string") return { isTaken: true };
    const { status: code, message: said } = (json.error ?? {}) as { status?: unknown; message?: unknown };
    return { isTaken: false, code: typeof code === "string" ? code : undefined, said };
  },
};

const schema = options({
  ...chatShape,
  url: z.url({ protocol: /^https?$/, error: expected((words) => words.config.expectations.googleChatUrl) }),
  thread: messageShape.text,
});

const markup: Markup = {
  escape: escapeGoogle,
  bold: (text) => `*${text}*`,
  link: (label, url) =>
    `<${url.replaceAll("|", "%7C").replaceAll(">", "%3E")}|${escapeGoogle(label.replaceAll("|", " "))}>`,
  code: (text) => `\`${text}\``,
};

export const googleChatTarget = defineChat({
  kind: "googleChat",
  schema,
  escape: escapeGoogle,

  compose({ text, notice, raw }, options) {
    const threadKey = raw("thread", options.thread)?.slice(0, MAX_KEY).toWellFormed();
    const thread = threadKey === undefined ? {} : { thread: { threadKey } };
    const room = MAX_BYTES - bytes(JSON.stringify({ text: "", ...thread }));
    return { text: cutMarked(text ?? writeChat(notice, markup), room, MARKED), ...thread };
  },

  open(options) {
    const { origin: place, pathname } = new URL(options.url);
    return {
      place,
      url: options.url,
      secrets: [...secretsOfUrl(options.url), pathname],
      rates: [{ perMs: 1_000, limit: 1 }], // @see https://developers.google.com/workspace/chat/limits

      send(body, { id, attempt }, signal) {
        const url = new URL(options.url);
        url.searchParams.set("requestId", id); // a second request with the same id makes no second message
        if ("thread" in body) url.searchParams.set("messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD");
        return post(vendor, { url, body }, { place, attempt, signal });
      },
    };
  },
});

/** Takes no room, and is no white space. */
const ZERO_WIDTH = "\u200b";

/** Characters that look like those which format. */
const lookalikes: Readonly<Record<string, string>> = { "*": "∗", "_": "＿", "~": "∼", "`": "ˋ" };

/**
 * Text that Google Chat shows as it is, whether it reads Chat's markup or Markdown, which the space's administrators choose.
 * Neither has an escape for all of it. So a character of no width parts what stands for a mention, a link, or an item of a
 * list; whether it would also keep `*` from formatting is nowhere said, so marks become characters that look the same. An
 * underscore within a word, as in `CLIENTE_123`, formats nothing, and stays.
 * @see https://developers.google.com/workspace/chat/format-messages
 */
export function escapeGoogle(text: string): string {
  return text
    .replaceAll(/[*~`]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, (mark) => lookalikes[mark]!)
    .replaceAll(/<(?=\S)|:(?=\/\/)|\](?=\()/g, `$&${ZERO_WIDTH}`)
    .replaceAll(/^[^\S\r\n]*(?:[-+>]|#{1,6}|\d+[.)])(?=\s)/gm, `${ZERO_WIDTH}$&`);
}

/** A link or a mention is cut as a whole. */
const MARKED = { whole: /<[^<>\n]{1,2000}>/g, marks: ["```", "`", "*", "_", "~"], measure: jsonBytes };
