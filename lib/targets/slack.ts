/** Delivers to a Slack incoming webhook. */

import * as z from "zod/mini";
import type { NoteApi, Noted } from "../connectvets/api.ts";
import { type AnyEvent, payloadOf, type ReadableEvent } from "../event.ts";
import { type Locale, locales } from "../locale/mod.ts";
import { digestNotice } from "../messages/digest_notice.ts";
import { noticeOf } from "../messages/event_notice.ts";
import type { Notice } from "../messages/notice.ts";
import { escapeSlack, fitSlack, writeSlackBlocks, writeSlackText } from "../messages/slack_message.ts";
import { type DefaultMessageOptions, defaultMessageShape, styleOf } from "../messages/style.ts";
import { expected, options } from "../options.ts";
import type { SecretText } from "../secret.ts";
import {
  cannotMake,
  fieldsFor,
  kindOf,
  mapTexts,
  type MessageFields,
  messageShape,
  textOf,
  type TextOption,
  valueOf,
} from "./message.ts";
import { digestText } from "./digest.ts";
import { type PeopleOptions, peoplePolicy, peopleShape } from "./people.ts";
import { secretsOfUrl } from "./exchange.ts";
import {
  type Delivery,
  type EnrichOptions,
  enrichShape,
  policyOf,
  type TargetDefinition,
  type TargetKind,
  type TargetOptions,
  targetShape,
} from "./target.ts";
import { post, type Vendor } from "./vendor.ts";

/** Options of `slack()`. */
export interface SlackOptions<Api extends NoteApi | undefined = undefined>
  extends TargetOptions, PeopleOptions<AnyEvent & Noted<Api>>, DefaultMessageOptions, EnrichOptions<Api> {
  /** The URL of the incoming webhook. Whoever has it can post to the channel: use `env`. */
  url: SecretText;
  /** Text of the message. `&`, `<` and `>` of the event are escaped. Default: a text in the language of `locale`. */
  text?: TextOption<AnyEvent & Noted<Api>>;
  /** Default: blocks in the language of `locale`, unless you set `text`. @see https://docs.slack.dev/reference/block-kit/blocks */
  blocks?: readonly unknown[] | ((event: AnyEvent & Noted<Api>) => readonly unknown[]);
}

/** Posts to a Slack incoming webhook, one message a second by default. Delivered when Slack answers `ok`. */
export function slack<Api extends NoteApi | undefined = undefined>(options: SlackOptions<Api>): TargetDefinition {
  return { target: slackTarget, options };
}

/** Most characters of a text; a longer one is cut. @see https://docs.slack.dev/reference/methods/chat.postMessage */
const MAX_TEXT = 40_000;

/** Most blocks of a message; more are left out. @see https://docs.slack.dev/reference/block-kit/blocks */
const MAX_BLOCKS = 50;

const vendor: Vendor = {
  name: "Slack",
  // @see https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
  errors: [
    {
      codes: ["invalid_token", "no_service", "no_service_id", "no_active_hooks", "no_team", "team_disabled"],
      kind: "dead",
      reason: "token_refused",
    },
    {
      codes: [
        "channel_not_found",
        "channel_is_archived",
        "user_not_found",
        "action_prohibited",
        "posting_to_general_channel_denied",
      ],
      kind: "dead",
      reason: "recipient_unreachable",
    },
    {
      codes: [
        "invalid_payload",
        "no_text",
        "too_many_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_too_long",
      ],
      statuses: [413],
      kind: "dead",
      reason: "message_invalid",
    },
    { codes: ["rate_limited", "ratelimited"], statuses: [429], kind: "retry", reason: "rate_limited", pauseMs: 10_000 },
    { codes: ["rollup_error", "internal_error", "fatal_error"], kind: "retry", reason: "server_failed" },
  ],
  read({ status, text }) {
    const word = text.trim();
    if (status === 200 && word === "ok") return { isTaken: true };
    return { isTaken: false, code: word !== "ok" && /^[a-z]+(_[a-z]+)*$/.test(word) ? word : undefined };
  },
};

const schema = options({
  ...targetShape,
  ...peopleShape,
  ...enrichShape,
  url: z.url({ protocol: /^https?$/, error: expected((words) => words.config.expectations.slackUrl) }),
  text: messageShape.text,
  blocks: messageShape.blocks,
  ...defaultMessageShape,
});

export const slackTarget: TargetKind<z.output<typeof schema>> = {
  schema,
  fields: ["text", "blocks"],
  build(name, options, context) {
    const url = new URL(options.url);
    const place = url.origin;
    const style = styleOf(options, context);

    function render(event: ReadableEvent, message: MessageFields): Record<string, unknown> {
      const payload = mapTexts(payloadOf(event), escapeSlack);
      const given = fieldsFor(event, options, message);
      const text = textOf("text", given.text, payload);
      const blocks = blocksOf(valueOf("blocks", given.blocks, payload), style.locale);
      if (text !== undefined) return { text: fitSlack(text, MAX_TEXT), ...(blocks && { blocks }) };
      const notice = noticeOf(event, style);
      return { ...defaultMessage(notice), ...(blocks && { blocks }) };
    }

    function renderAll(deliveries: readonly Pick<Delivery, "event">[]): Record<string, unknown> {
      const text = digestText(options.digest?.text, deliveries, escapeSlack);
      if (text !== undefined) return { text: fitSlack(text, MAX_TEXT) };
      return defaultMessage(digestNotice(deliveries.map(({ event }) => event), style));
    }

    return {
      name,
      kind: "slack",
      policy: peoplePolicy(policyOf(options, { rates: [{ perMs: 1_000, limit: 1 }] }), options, context, style),
      address: place,
      url: options.url,
      secrets: [...secretsOfUrl(options.url), url.pathname],
      warnings: [],
      enrich: options.enrich,
      render,

      deliver: ({ event, message, attempt }, signal) =>
        post(vendor, { url, body: render(event, message) }, { place, attempt, signal }),
      renderAll,
      deliverAll: (deliveries, signal) =>
        post(vendor, { url, body: renderAll(deliveries) }, { place, attempt: deliveries[0]!.attempt, signal }),
    };
  },
};

function defaultMessage(notice: Notice): { text: string; blocks: readonly unknown[] } {
  return { text: fitSlack(writeSlackText(notice), MAX_TEXT), blocks: writeSlackBlocks(notice) };
}

/**
 * Blocks of the config that Slack takes, the last of which says how many are left out.
 * @throws {MessageError} if they are no list.
 */
function blocksOf(blocks: unknown, locale: Locale): readonly unknown[] | undefined {
  if (blocks === undefined) return undefined;
  if (!Array.isArray(blocks)) {
    throw cannotMake("blocks", (words) => words.notList(words.kinds[kindOf(blocks)]));
  }
  if (blocks.length <= MAX_BLOCKS) return blocks;
  const kept = blocks.slice(0, MAX_BLOCKS - 1);
  const text = locales[locale].messages.moreBlocks(blocks.length - kept.length);
  return [...kept, { type: "context", elements: [{ type: "plain_text", text }] }];
}
