/** Delivers to a Discord webhook. @see https://docs.discord.com/developers/resources/webhook#execute-webhook */

import * as z from "zod/mini";
import type { NoteApi } from "../connectvets/api.ts";
import { type Markup, writeChat } from "../messages/chat_message.ts";
import { cutMarked } from "../messages/cut.ts";
import { expected, options, text } from "../options.ts";
import type { SecretText } from "../secret.ts";
import { type ChatOptions, chatShape, defineChat } from "./chat.ts";
import { secretsOfUrl } from "./exchange.ts";
import type { TargetDefinition } from "./target.ts";
import { post, type Vendor } from "./vendor.ts";

/** Options of `discord()`. */
export interface DiscordOptions<Api extends NoteApi | undefined = undefined> extends ChatOptions<Api> {
  /** The webhook's URL. Whoever has it can post to the channel: use `env`. */
  url: SecretText;
  /** The number of a thread of the channel, as a text. A forum's webhook needs one. */
  thread?: string;
  /** The name that the messages appear under. Default: the webhook's own. */
  username?: string;
}

/** Posts to a Discord webhook, at most 30 messages a minute. Delivered when Discord has stored the message. */
export function discord<Api extends NoteApi | undefined = undefined>(options: DiscordOptions<Api>): TargetDefinition {
  return { target: discordTarget, options };
}

/** Most characters of a message. Discord does not say of which kind; there are never more than UTF-16 units. */
const MAX_TEXT = 2_000;

const HOUR_MS = 3_600_000;

/** No previews of links. @see https://docs.discord.com/developers/resources/message#message-object-message-flags */
const SUPPRESS_EMBEDS = 1 << 2;

const vendor: Vendor = {
  name: "Discord",
  // @see https://docs.discord.com/developers/topics/opcodes-and-status-codes#json-json-error-codes
  errors: [
    // Unknown channel, no access, archived or locked thread; a forum without a thread, a thread where there is no forum.
    { codes: [10003, 50001, 50083, 160005, 220001, 220003], kind: "dead", reason: "recipient_unreachable" },
    // Wrong in form, empty, not JSON, blocked by the server's own filters.
    { codes: [50006, 50035, 50109, 200000, 200001, 240000], kind: "dead", reason: "message_invalid" },
    {
      codes: [20016, 20022, 20028, 20029, 40062],
      statuses: [429],
      kind: "retry",
      reason: "rate_limited",
      pauseMs: 10_000,
    },
    { codes: [130000, 131000], kind: "retry", reason: "server_failed" },
    // A webhook that is gone: whoever goes on posting to it gets the whole address blocked.
    {
      codes: [10015, 10016, 50027],
      statuses: [401, 403, 404],
      kind: "dead",
      reason: "token_refused",
      pauseMs: HOUR_MS,
    },
  ],
  // @see https://docs.discord.com/developers/topics/rate-limits
  read({ status, headers, json }) {
    const { id, code, message, errors, retry_after: after } = json;
    if (status === 200 && typeof id === "string") {
      const isLast = headers.get("X-RateLimit-Remaining") === "0";
      return { isTaken: true, pauseMs: isLast ? msOf(headers.get("X-RateLimit-Reset-After")) : undefined };
    }
    return {
      isTaken: false,
      code: typeof code === "number" && code !== 0 ? code : undefined, // 0 is a general error: the status says more
      said: errors ? `${message} ${JSON.stringify(errors)}` : message,
      retryAfterMs: msOf(after),
    };
  },
};

/** Milliseconds of seconds, which have a fraction. */
function msOf(seconds: unknown): number | undefined {
  const ms = Math.ceil(Number(seconds ?? NaN) * 1_000);
  return Number.isFinite(ms) ? ms : undefined;
}

const schema = options({
  ...chatShape,
  url: z.url({ protocol: /^https?$/, error: expected((words) => words.config.expectations.discordUrl) }),
  thread: z.optional(text((words) => words.config.expectations.discordThread, /^\d{1,20}$/)),
  // @see https://docs.discord.com/developers/resources/user#usernames-and-nicknames
  username: z.optional(
    text((words) => words.config.expectations.discordUsername, /^(?!.*(?:discord|clyde))(?=.*\S).{1,80}$/i),
  ),
});

const markup: Markup = {
  escape: escapeDiscord,
  bold: (text) => `**${text}**`,
  link: (label, url) => `[${escapeDiscord(label)}](${url.replaceAll(")", "%29")})`,
  code: (text) => `\`${text}\``,
};

export const discordTarget = defineChat({
  kind: "discord",
  schema,
  escape: escapeDiscord,

  compose: ({ text, notice }, { username }) => ({
    content: cutMarked(text ?? writeChat(notice, markup), MAX_TEXT, MARKED),
    username,
    allowed_mentions: { parse: [] },
    flags: SUPPRESS_EMBEDS,
  }),

  open(options) {
    const url = new URL(options.url);
    const { origin: place, pathname } = url;
    url.searchParams.set("wait", "true"); // without it, a message that Discord could not store is no error
    if (options.thread !== undefined) url.searchParams.set("thread_id", options.thread);
    return {
      place,
      url: url.href,
      secrets: [...secretsOfUrl(place + pathname), pathname],
      // 5 in 2 s are a webhook's own, 30 a minute the channel's. @see https://github.com/discord/discord-api-docs/issues/367
      rates: [{ perMs: 2_000, limit: 5 }, { perMs: 60_000, limit: 30 }],
      send: (body, { attempt }, signal) => post(vendor, { url, body }, { place, attempt, signal }),
    };
  },
});

/**
 * Text that Discord shows as it is: a backslash goes before what formats, mentions or links. What formats at the start of a
 * line alone is left as it is elsewhere, so that dates and numbers stay what they are.
 * @see https://support.discord.com/hc/articles/210298617
 */
export function escapeDiscord(text: string): string {
  return text
    .replaceAll(/[\\*_~`|<>[\]@]/g, "\\$&")
    .replaceAll(/:(?=\/\/)|(?<!\d):(?=[\w+-]+:)/g, "\\:") // a bare URL, and the name of an emoji
    .replaceAll(/^([^\S\r\n]*)(#{1,3}|-#|[-+])(?=[^\S\r\n])/gm, "$1\\$2") // headings, small print, lists
    .replaceAll(/^([^\S\r\n]*\d+)\.(?=[^\S\r\n])/gm, "$1\\.");
}

/** A character with its backslash, a link, a mention or a time. */
const MARKED = {
  whole: /\\[^]|\[[^[\]\n]{0,500}\]\([^()\s]{0,1000}\)|<[^<>\s]{1,500}>/g,
  marks: ["```", "**", "__", "~~", "||", "`", "*", "_"],
};
