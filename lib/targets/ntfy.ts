/** Delivers to phones that follow a topic of an ntfy server. @see https://docs.ntfy.sh/publish/#publish-as-json */

import { Buffer } from "node:buffer";
import * as z from "zod/mini";
import type { NoteApi, Noted } from "../connectvets/api.ts";
import type { AnyEvent } from "../event.ts";
import { writePlain } from "../messages/chat_message.ts";
import { bytes, cut, jsonBytes } from "../messages/cut.ts";
import { expected, options, text } from "../options.ts";
import type { SecretText } from "../secret.ts";
import { baseUrl } from "./base_url.ts";
import { type ChatOptions, chatShape, defineChat } from "./chat.ts";
import { messageShape, type TextOption } from "./message.ts";
import type { TargetDefinition } from "./target.ts";
import { post, type Vendor } from "./vendor.ts";

/** Options of `ntfy()`. */
export interface NtfyOptions<Api extends NoteApi | undefined = undefined> extends ChatOptions<Api> {
  /** The server. Default: `https://ntfy.sh`, where whoever knows a topic that is not reserved can read it. */
  url?: SecretText;
  /** What the phones follow: at most 64 letters, digits, `-` and `_`. */
  topic: SecretText;
  /** An access token, `tk_…`, or `user:password`. */
  token?: SecretText;
  /** From 1, without a sound, to 5, which keeps ringing. Default: 4 if something failed, else 3. */
  priority?: 1 | 2 | 3 | 4 | 5;
  /** Tags; the name of an emoji shows it. @see https://docs.ntfy.sh/emojis/ */
  tags?: readonly string[];
  /** Title of the message. Default: that of the default message. */
  title?: TextOption<AnyEvent & Noted<Api>>;
  /** The URL that a touch opens. Default: the event's page, if `publicUrl` of `admin` says where that is. */
  click?: TextOption<AnyEvent & Noted<Api>>;
}

/** Publishes to a topic of ntfy, at most 60 messages in five minutes. Delivered when the server has taken the message. */
export function ntfy<Api extends NoteApi | undefined = undefined>(options: NtfyOptions<Api>): TargetDefinition {
  return { target: ntfyTarget, options };
}

/** Most bytes of a message; of a longer one ntfy makes a file. @see https://docs.ntfy.sh/publish/#limitations */
const MAX_MESSAGE = 4_096;

/** Most bytes of the request: twice a message. @see https://github.com/binwiederhier/ntfy, server.go */
const MAX_BODY = 8_192;

/** Most bytes of a title and of a link, as JSON; ntfy has no limit of its own for them. */
const MAX_TITLE = 500;
const MAX_CLICK = 2_000;

const HOUR_MS = 3_600_000;

const vendor: Vendor = {
  name: "ntfy",
  // @see https://github.com/binwiederhier/ntfy, server/errors.go
  errors: [
    { codes: [[40100, 40199], [40300, 40399]], statuses: [401, 403], kind: "dead", reason: "token_refused" },
    { codes: [40007, 40011, 40017, 40024, [41300, 41399]], statuses: [413], kind: "dead", reason: "message_invalid" },
    // The messages of a day are used up; they come back little by little on some servers, at midnight UTC on others.
    { codes: [42908], kind: "retry", reason: "rate_limited", pauseMs: HOUR_MS },
    { codes: [[42900, 42999]], statuses: [429], kind: "retry", reason: "rate_limited", pauseMs: 10_000 },
  ],
  read({ status, json }) {
    const { id, code, error: said } = json;
    if (status === 200 && typeof id === "string") return { isTaken: true };
    return { isTaken: false, code: typeof code === "number" ? code : undefined, said };
  },
};

const schema = options({
  ...chatShape,
  url: baseUrl,
  topic: text((words) => words.config.expectations.ntfyTopic, /^[-\w]{1,64}$/),
  token: z.optional(text((words) => words.config.expectations.ntfyToken, /^(?:[^\s:]{4,}|[^\s:]+:\S.*)$/)),
  priority: z.optional(
    z.int().check(
      z.refine((level) => level >= 1 && level <= 5, expected((words) => words.config.expectations.ntfyPriority)),
    ),
  ),
  tags: z.optional(z.array(text((words) => words.config.expectations.ntfyTags, /^[^,]+$/))),
  title: messageShape.text,
  click: messageShape.text,
});

const asIs = (text: string) => text;

export const ntfyTarget = defineChat({
  kind: "ntfy",
  schema,
  escape: asIs, // ntfy formats nothing unless a request asks for Markdown

  compose({ text, notice, value }, { topic, priority, tags, ...options }) {
    const click = value("click", options.click) ?? notice.link?.url;
    const body = {
      topic,
      title: cut(value("title", options.title) ?? notice.title, MAX_TITLE, undefined, jsonBytes),
      message: "",
      priority: priority ?? (notice.tone === "bad" ? 4 : 3),
      tags,
      click: click && jsonBytes(click) <= MAX_CLICK ? click : undefined,
    };
    const message = cut(text ?? writePlain(notice), MAX_MESSAGE, undefined, bytes);
    return { ...body, message: cut(message, MAX_BODY - bytes(JSON.stringify(body)), undefined, jsonBytes) };
  },

  open({ url: base = "https://ntfy.sh", topic, token }) {
    const url = new URL(base); // a POST of JSON goes to the root, whatever the topic
    const place = url.origin;
    const headers = token === undefined ? undefined : { Authorization: authorization(token) };
    return {
      place,
      // Without a login, to know the topic is to read it.
      address: token === undefined ? place : `${place} (${topic})`,
      url: `${url.href}#${topic}`,
      secrets: token === undefined ? topic.length >= MIN_SECRET ? [topic] : [] : secretsOf(token),
      // 60 at once, then one in 5 s: so 60 in any 5 minutes are never too many. @see https://docs.ntfy.sh/publish/#limitations
      rates: [{ perMs: 300_000, limit: 60 }],
      send: (body, { attempt }, signal) => post(vendor, { url, headers, body }, { place, attempt, signal }),
    };
  },
});

/** A shorter topic is a plain word: to mask it everywhere would make other texts unreadable. */
const MIN_SECRET = 12;

function secretsOf(token: string): string[] {
  const password = token.slice(token.indexOf(":") + 1);
  return [...new Set([token, password])];
}

function authorization(token: string): string {
  return token.includes(":") ? `Basic ${Buffer.from(token).toString("base64")}` : `Bearer ${token}`;
}
