/** What targets that write to people share: the message of an event, escaped and cut, as one request to a vendor's API. */

import * as z from "zod/mini";
import type { NoteApi, Noted } from "../connectvets/api.ts";
import { type AnyEvent, payloadOf, type ReadableEvent } from "../event.ts";
import { digestNotice } from "../messages/digest_notice.ts";
import { noticeOf } from "../messages/event_notice.ts";
import type { Notice } from "../messages/notice.ts";
import { type DefaultMessageOptions, defaultMessageShape, type MessageStyle, styleOf } from "../messages/style.ts";
import { isSystem } from "../system_event.ts";
import type { Outcome } from "../outcome.ts";
import type { Warning } from "../warnings.ts";
import type { Rate } from "../window.ts";
import { digestText } from "./digest.ts";
import { type PeopleOptions, peoplePolicy, peopleShape } from "./people.ts";
import { mapTexts, type MessageFields, messageShape, textOf, type TextOption } from "./message.ts";
import {
  type Delivery,
  type EnrichOptions,
  enrichShape,
  policyOf,
  type TargetContext,
  type TargetKind,
  type TargetOptions,
  targetShape,
} from "./target.ts";

/** Options that every chat takes. */
export interface ChatOptions<Api extends NoteApi | undefined = undefined>
  extends TargetOptions, PeopleOptions<AnyEvent & Noted<Api>>, DefaultMessageOptions, EnrichOptions<Api> {
  /** Text of the message. Markup in the event's texts has no effect. Default: a text in the language of `locale`. */
  text?: TextOption<AnyEvent & Noted<Api>>;
}

/** The zod shape of {@link ChatOptions}. */
export const chatShape = {
  ...targetShape,
  ...peopleShape,
  ...enrichShape,
  ...defaultMessageShape,
  text: messageShape.text,
};

/** {@link ChatOptions} as they are read. */
export type ChatRead = z.output<z.ZodMiniObject<typeof chatShape>>;

/** What a message is made of. */
export interface Content {
  /** The config's text, in which the event's texts are escaped. Absent: write the notice. */
  text?: string;
  notice: Notice;
  /**
   * The text that another option gives; `undefined` for several events in one message, and for a system event, which the
   * config's functions do not expect.
   * @throws {MessageError} if it gives none.
   */
  value(field: string, option: unknown): string | undefined;
  /** As `value`, from the event's texts as they came: for what no reader sees, such as a key. */
  raw(field: string, option: unknown): string | undefined;
}

/** A chat, where a config has set it up. */
export interface Chat<Message> {
  /** Where it posts to, without any secret. */
  place: string;
  /** What people are shown of where it delivers to. Default: `place`. */
  address?: string;
  /** The whole URL, which is compared and never shown. */
  url: string;
  secrets: readonly string[];
  rates: readonly Rate[];
  warnings?: readonly Warning[];
  /** Makes one attempt. */
  send(message: Message, delivery: Delivery, signal: AbortSignal): Promise<Outcome>;
}

/** A kind of chat, as its vendor documents it. */
export interface ChatKind<Options extends ChatRead, Message extends object> {
  kind: string;
  schema: z.ZodMiniType<Options>;
  /** Message fields that hold its text, of which it takes one; the first goes before the others. Default: `text`. */
  fields?: readonly ("text" | "html")[];
  /** A text that nothing in it formats, nor mentions anybody. */
  escape(text: string): string;
  /** The message, cut to what the vendor takes. */
  compose(content: Content, options: Options, style: MessageStyle): Message;
  open(options: Options, context: TargetContext): Chat<Message>;
}

/** Makes the kind of target that delivers to a chat. */
export function defineChat<Options extends ChatRead, Message extends object>(
  chat: ChatKind<Options, Message>,
): TargetKind<Options> {
  const { kind, schema, fields = ["text"] } = chat;
  return {
    schema,
    fields,
    build(name, options, context) {
      const style = styleOf(options, context);
      const opened = chat.open(options, context);
      const { place, address = place, url, secrets, rates, warnings = [] } = opened;

      function render(event: ReadableEvent, message: MessageFields): Message {
        return chat.compose(contentOf(chat, event, options, message, style), options, style);
      }

      function renderAll(deliveries: readonly Pick<Delivery, "event">[]): Message {
        return chat.compose(digestContentOf(chat, deliveries, options, style), options, style);
      }

      return {
        name,
        kind,
        policy: peoplePolicy(policyOf(options, { rates }), options, context, style),
        address,
        url,
        secrets,
        warnings,
        enrich: options.enrich,
        render: (event, message) => ({ ...render(event, message) } as Record<string, unknown>),

        deliver: async (delivery, signal) =>
          await opened.send(render(delivery.event, delivery.message), delivery, signal),

        renderAll: (deliveries) => ({ ...renderAll(deliveries) } as Record<string, unknown>),

        deliverAll: async (deliveries, signal) => await opened.send(renderAll(deliveries), deliveries[0]!, signal),
      };
    },
  };
}

/**
 * What the message of an event is made of.
 * @throws {MessageError} if the config's function fails or gives no text.
 */
export function contentOf(
  { escape, fields = ["text"] }: Pick<ChatKind<never, never>, "escape" | "fields">,
  event: ReadableEvent,
  options: MessageFields,
  message: MessageFields,
  style: MessageStyle,
): Content {
  const system = isSystem(event);
  const payload = mapTexts(payloadOf(event), escape);
  // A route's text takes the place of the target's, whichever of the fields each of them is in.
  const given = fields.some((field) => message[field] !== undefined) ? message : options;
  const field = fields.find((one) => given[one] !== undefined);
  return {
    text: system || field === undefined ? undefined : textOf(field, given[field], payload),
    get notice() {
      return noticeOf(event, style);
    },
    value: (name, option) => system ? undefined : textOf(name, option, payload),
    raw: (name, option) => system ? undefined : textOf(name, option, payloadOf(event)),
  };
}

/**
 * What one message of several events is made of.
 * @throws {MessageError} if the config's function fails or gives no text.
 */
export function digestContentOf(
  { escape }: Pick<ChatKind<never, never>, "escape">,
  deliveries: readonly Pick<Delivery, "event">[],
  { digest }: Pick<ChatRead, "digest">,
  style: MessageStyle,
): Content {
  return {
    text: digestText(digest?.text, deliveries, escape),
    get notice() {
      return digestNotice(deliveries.map(({ event }) => event), style);
    },
    value: () => undefined,
    raw: () => undefined,
  };
}
