/** Message fields: values or functions of the event, which a target and a route can both give. */

import * as z from "zod/mini";
import { callFunction } from "../callback.ts";
import { MessageError, sayError } from "../errors.ts";
import type { AnyEvent, Payload, RelayEvent } from "../event.ts";
import type { Language } from "../locale/mod.ts";
import { Told } from "../locale/told.ts";
import { expected } from "../options.ts";
import { isSystem } from "../system_event.ts";

/** A text, or a function that makes it from the event. */
export type TextOption<Event = AnyEvent> = string | ((event: Event) => string);

/** A value that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** The message of a route. Each field is for the kinds of target that send it. */
export interface MessageOptions<Event = AnyEvent> {
  /** Text of a message to people: a chat, WhatsApp, ntfy or an email. Markup in the event's texts has no effect. */
  text?: TextOption<Event>;
  /** Blocks of a Slack message. @see https://docs.slack.dev/reference/block-kit/blocks */
  blocks?: readonly unknown[] | ((event: Event) => readonly unknown[]);
  /** Subject of an email. */
  subject?: TextOption<Event>;
  /** HTML of an email or a Telegram message. Texts of the event are escaped. */
  html?: TextOption<Event>;
  /** What an HTTP target sends, as JSON, in place of the bytes received. */
  body?: Json | ((event: Event) => unknown);
}

/** {@link MessageOptions} as the relay keeps them. */
export type MessageFields = { [Field in keyof MessageOptions]?: unknown };

const text = z.custom<unknown>(
  (value) => (typeof value === "string" && value !== "") || typeof value === "function",
  expected((words) => words.config.expectations.messageText),
);

/** The zod shape of {@link MessageOptions}; a target picks its own fields of it. */
export const messageShape = {
  text: z.optional(text),
  subject: z.optional(text),
  html: z.optional(text),
  blocks: z.optional(
    z.custom<unknown>(
      (value) => Array.isArray(value) || typeof value === "function",
      expected((words) => words.config.expectations.blocks),
    ),
  ),
  body: z.optional(z.unknown()),
};

/** Names of all message fields. */
export const messageFields = Object.keys(messageShape) as (keyof MessageFields)[];

/**
 * The fields that the config gives for the message of an event: the target's, and before them the route's. None for an
 * event of relay's own, which the config's functions do not expect.
 */
export function fieldsFor(event: RelayEvent, target: MessageFields, route: MessageFields): MessageFields {
  return isSystem(event) ? {} : { ...target, ...route };
}

/**
 * The value of a field for this event; `undefined` if nobody gave the field.
 * @throws {MessageError} if its function throws or gives a promise.
 */
export function valueOf(field: string, option: unknown, payload: Payload): unknown {
  if (typeof option !== "function") return option;
  const answer = callFunction(option as (event: unknown) => unknown, payload);
  if ("problem" in answer) throw cannotMake(field, (words, all) => words.itsFunction(answer.problem(all)));
  if (answer.value === undefined) throw cannotMake(field, (words) => words.undefined);
  return answer.value;
}

/**
 * The text of a field for this event; `undefined` if nobody gave the field.
 * @throws {MessageError} if it is not a text, or an empty one.
 */
export function textOf(field: string, option: unknown, payload: Payload): string | undefined {
  const value = valueOf(field, option, payload);
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  throw cannotMake(field, (words) => value === "" ? words.emptyText : words.notText(words.kinds[kindOf(value)]));
}

type Words = Language["outcomes"]["message"];

/** @param why Says why a field cannot be made. */
export function cannotMake(field: string, why: (words: Words, all: Language) => string): MessageError {
  return new MessageError((words) => {
    const { message } = words.outcomes;
    return message.cannotMake(field, why(message, words));
  });
}

/** What kind of value this is; the value itself may be a patient's. */
export function kindOf(value: unknown): keyof Words["kinds"] {
  return value === null ? "null" : Array.isArray(value) ? "list" : typeof value;
}

/**
 * A copy of a value of JSON, or with texts in every language, with every text in it changed by `escape`.
 * @throws {MessageError} if it is nested more deeply than the runtime can follow.
 */
export function mapTexts<Value>(value: Value, escape: (text: string) => string): Value {
  try {
    return mapWithin(value, escape);
  } catch (error) {
    if (error instanceof RangeError) throw new MessageError((words) => words.outcomes.message.tooDeep);
    throw error;
  }
}

function mapWithin<Value>(value: Value, escape: (text: string) => string): Value {
  if (typeof value === "string") return escape(value) as Value;
  if (Array.isArray(value)) return value.map((one) => mapWithin(one, escape)) as Value;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Told) return value.map(escape) as Value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapWithin(one, escape)])) as Value;
}

/**
 * A value as JSON.
 * @throws {MessageError} if JSON cannot hold it.
 */
export function jsonOf(field: string, value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    const problem = sayError(error);
    throw cannotMake(field, (words, all) => words.notJson(problem(all)));
  }
  if (json === undefined) throw cannotMake(field, (words) => words.noJson(words.kinds[kindOf(value)]));
  return json;
}
