/** Delivers to a Slack incoming webhook. */

import { z } from "zod";
import { describe, MessageError } from "../errors.ts";
import type { NoteApi, Noted } from "../connectvets/api.ts";
import { type AnyEvent, payloadOf, type RelayEvent } from "../event.ts";
import { options } from "../options.ts";
import type { SecretText } from "../secret.ts";
import { defaultMessage, type Locale, type LocaleOptions, localeShape } from "./default_message.ts";
import {
  fieldsFor,
  jsonOf,
  mapTexts,
  type MessageFields,
  messageShape,
  textOf,
  type TextOption,
  valueOf,
} from "./message.ts";
import { exchange, originOf, secretsOfUrl } from "./network.ts";
import {
  type EnrichOptions,
  enrichShape,
  policyOf,
  type TargetDefinition,
  type TargetKind,
  type TargetOptions,
  targetShape,
} from "./target.ts";

/** Options of `slack()`. */
export interface SlackOptions<Api extends NoteApi | undefined = undefined>
  extends TargetOptions, LocaleOptions, EnrichOptions<Api> {
  /** The incoming webhook's URL; whoever has it can write to the channel. */
  url: SecretText;
  /** Text of the message. In a function, `&`, `<` and `>` of the event are escaped. Default: a text in `locale`. */
  text?: TextOption<AnyEvent & Noted<Api>>;
  /** Blocks of the message. @see https://docs.slack.dev/reference/block-kit/blocks */
  blocks?: readonly unknown[] | ((event: AnyEvent & Noted<Api>) => readonly unknown[]);
}

/** Delivers to a Slack incoming webhook, one message a second by default. Delivered: 200 with the body `ok`. */
export function slack<Api extends NoteApi | undefined = undefined>(options: SlackOptions<Api>): TargetDefinition {
  return { target: "slack", options };
}

/** Most characters of a text; a longer one is cut. @see https://docs.slack.dev/reference/methods/chat.postMessage */
const MAX_TEXT = 40_000;

/** Most blocks of a message; more are left out. @see https://docs.slack.dev/reference/block-kit/blocks */
const MAX_BLOCKS = 50;

const schema = options({
  ...targetShape,
  ...enrichShape,
  url: z.url({ protocol: /^https?$/, error: 'expected a URL that starts with "https://"' }),
  text: messageShape.text,
  blocks: messageShape.blocks,
  ...localeShape,
});

export const slackTarget: TargetKind<z.output<typeof schema>> = {
  kind: "slack",
  schema,
  fields: ["text", "blocks"],
  build(name, options, context) {
    const place = originOf(options.url);
    const { locale = context.locale, timeZone = context.timeZone } = options;

    function render(event: RelayEvent, message: MessageFields): Record<string, unknown> {
      const payload = mapTexts(payloadOf(event), escapeSlack);
      const given = fieldsFor(event, options, message);
      const text = textOf("text", given.text, payload) ?? defaultText(event, locale, timeZone);
      const blocks = valueOf("blocks", given.blocks, payload);
      if (blocks === undefined) return { text: cutText(text) };
      if (!Array.isArray(blocks)) {
        throw new MessageError(`Cannot make the blocks: the function gives ${describe(blocks)}, not a list`);
      }
      return { text: cutText(text), blocks: cutBlocks(blocks, locale) };
    }

    return {
      name,
      kind: "slack",
      policy: policyOf(options, { rate: { perMs: 1_000, limit: 1 } }),
      address: place,
      url: options.url,
      secrets: [...secretsOfUrl(options.url), new URL(options.url).pathname],
      warnings: [],
      enrich: options.enrich,
      isHttp: true,
      render,

      async deliver(delivery, signal) {
        const body = jsonOf("message", render(delivery.event, delivery.message));
        const headers = { "Content-Type": "application/json" };
        const outcome = await exchange(options.url, { method: "POST", headers, body, signal }, place);
        const { status, answer = "" } = outcome;
        if (outcome.kind !== "delivered" || (status === 200 && answer.trim() === "ok")) return outcome;
        const detail = `The target answered ${status}, but not "ok" as Slack does`;
        return { kind: "retry", reason: "unexpected_answer", detail, status, answer };
      },
    };
  },
};

/** @see https://docs.slack.dev/messaging/formatting-message-text#escaping */
function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A text that Slack takes: it refuses a longer one whole, and the notification would be lost. */
function cutText(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  // Half a character or half an `&amp;` would show as garbage.
  return text.slice(0, MAX_TEXT - 1).replace(/[\ud800-\udbff]$|&[a-z]{0,3}$/, "") + "…";
}

/** Blocks that Slack takes, the last of which says how many are left out. */
function cutBlocks(blocks: readonly unknown[], locale: Locale): readonly unknown[] {
  if (blocks.length <= MAX_BLOCKS) return blocks;
  const kept = blocks.slice(0, MAX_BLOCKS - 1);
  const text = leftOut[locale](blocks.length - kept.length);
  return [...kept, { type: "context", elements: [{ type: "plain_text", text }] }];
}

const leftOut: Record<Locale, (count: number) => string> = {
  "pt-BR": (count) => `… e mais ${count} blocos que não couberam`,
  en: (count) => `… and ${count} more blocks that did not fit`,
};

function defaultText(event: RelayEvent, locale: Locale, timeZone: string): string {
  const { title, facts } = mapTexts(defaultMessage(event, locale, timeZone), escapeSlack);
  return [`*${title}*`, ...facts.map(([label, value]) => `${label}: ${value}`)].join("\n");
}
