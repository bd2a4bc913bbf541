/**
 * Templates of WhatsApp: messages that Meta has approved, with parameters that are filled in.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview
 */

import * as z from "zod/mini";
import type { AnyEvent, Payload } from "../../event.ts";
import { isObject } from "../../json.ts";
import { cut } from "../../messages/cut.ts";
import { expected, options, text } from "../../options.ts";
import { cannotMake, kindOf, mapTexts, valueOf } from "../message.ts";
import { neutralise } from "./markup.ts";

/** What a function gives for a parameter. With `undefined` the message fails, which `relay check` warns of. */
type Given = string | number | undefined;

/** A parameter's value, or a function that makes it from the event. An empty text becomes `-`. */
export type TemplateValue<Event = AnyEvent> = string | number | ((event: Event) => Given);

/** Parameters in the order of `{{1}}`, `{{2}}` …, or by name. */
export type TemplateParameters<Value> = readonly Value[] | { readonly [name: string]: Value };

/** A button of the template that has a parameter. */
export type TemplateButton<Event = AnyEvent> =
  & {
    /** The button's place in the template, from 0. Default: its place in this list. */
    index?: number;
  }
  & ({
    /** What follows the address that the template has for the button. */
    url: TemplateValue<Event>;
  } | {
    /** What a quick reply sends back. */
    payload: TemplateValue<Event>;
  });

/** Which template is sent, and what is filled in. */
export interface TemplateOptions<Event = AnyEvent> {
  /** Its name in WhatsApp Manager. */
  name: string;
  /** Its language, as WhatsApp writes it: `"pt_BR"`. */
  language: string;
  /** What is filled into its body. Line breaks become blanks, and long texts are cut. */
  parameters?:
    | TemplateParameters<TemplateValue<Event>>
    | ((event: Event) => TemplateParameters<Given>);
  /** What is filled into its header: one parameter, or an object with its name. */
  header?: TemplateValue<Event> | { readonly [name: string]: TemplateValue<Event> };
  buttons?: readonly TemplateButton<Event>[];
}

interface Parameter {
  type: "text" | "payload";
  parameter_name?: string;
  text?: string;
  payload?: string;
}

interface Component {
  type: "header" | "body" | "button";
  sub_type?: "url" | "quick_reply";
  index?: string;
  parameters: Parameter[];
}

/** A template that is filled in, as the Cloud API takes it. */
export interface TemplateMessage {
  name: string;
  language: { code: string };
  components?: Component[];
}

/** @see https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/supported-languages */
const LANGUAGE = /^[a-z]{2,3}(_[A-Z]{2,3})?$/;

const value = z.custom<unknown>(
  (one) => typeof one === "string" || typeof one === "number" || typeof one === "function",
  expected((words) => words.config.expectations.templateValue),
);

const named = z.record(z.string(), value);

const button = options({
  index: z.optional(z.int().check(z.nonnegative())),
  url: z.optional(value),
  payload: z.optional(value),
}, (words) => words.config.expectations.templateButton).check(
  z.refine(
    ({ url, payload }) => (url === undefined) !== (payload === undefined),
    expected((words) => words.config.expectations.templateButton),
  ),
);

/** Reads {@link TemplateOptions}. */
export const templateSchema = options({
  name: text((words) => words.config.expectations.templateName, /\S/),
  language: text((words) => words.config.expectations.templateLanguage, LANGUAGE, meantLanguage),
  parameters: z.optional(
    z.union([
      z.array(value),
      named,
      z.custom<(event: unknown) => unknown>(
        (one) => typeof one === "function",
        expected((words) => words.config.expectations.templateParameters),
      ),
    ]),
  ),
  header: z.optional(z.union([value, named])),
  buttons: z.optional(z.array(button)),
}, (words) => words.config.expectations.such('{ name: "nota_falhou", language: "pt_BR" }'));

/** {@link TemplateOptions} as they are read. */
export type TemplateRead = z.output<typeof templateSchema>;

/** Whether Meta lets a template have this name. @see https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components */
export function isTemplateName(name: string): boolean {
  return /^[a-z0-9_]{1,512}$/.test(name);
}

/** Most characters of a body are 1,024. Of these, parameters take three quarters: the template's own text needs the rest. */
const MAX_PARAMETERS = 768;

/** @see https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/components */
const MAX_HEADER = 60;
const MAX_PAYLOAD = 256;

/**
 * The template, filled in for an event. Marks in the event's texts format nothing in the body, and are kept elsewhere.
 * @throws {MessageError} if a function fails, or gives what is no text and no number.
 */
export function fillTemplate(template: TemplateRead, payload: Payload): TemplateMessage {
  const { name, language, parameters, header, buttons = [] } = template;
  const components = [
    ...(header === undefined ? [] : [headerOf(header, payload)]),
    ...(parameters === undefined ? [] : [bodyOf(parameters, mapTexts(payload, neutralise))]),
    ...buttons.map((one, at) => buttonOf(one, at, payload)),
  ].filter((one) => one.parameters.length > 0);
  return { name, language: { code: language }, ...(components.length > 0 && { components }) };
}

function headerOf(header: unknown, payload: Payload): Component {
  const texts = isObject(header) ? textsOf("template.header", header, payload) : [
    [undefined, textOf("template.header", header, payload)] as const,
  ];
  return { type: "header", parameters: texts.map(([name, text]) => parameter(name, cut(text, MAX_HEADER))) };
}

function bodyOf(parameters: unknown, payload: Payload): Component {
  const texts = textsOf("template.parameters", parameters, payload);
  const share = fairShare(texts.map(([, text]) => text.length), MAX_PARAMETERS);
  return { type: "body", parameters: texts.map(([name, text]) => parameter(name, cut(text, share))) };
}

function buttonOf({ index, url, payload: reply }: z.output<typeof button>, at: number, payload: Payload): Component {
  const field = `template.buttons[${at}]`;
  const place = { type: "button", index: String(index ?? at) } as const;
  if (url === undefined) {
    const text = cut(textOf(`${field}.payload`, reply, payload), MAX_PAYLOAD);
    return { ...place, sub_type: "quick_reply", parameters: [{ type: "payload", payload: text }] };
  }
  // It is not cut, which would lead elsewhere.
  return { ...place, sub_type: "url", parameters: [parameter(undefined, textOf(`${field}.url`, url, payload))] };
}

function parameter(name: string | undefined, text: string): Parameter {
  return { type: "text", ...(name !== undefined && { parameter_name: name }), text };
}

/** The texts of parameters, each with its name if they have names. */
function textsOf(field: string, option: unknown, payload: Payload): (readonly [string | undefined, string])[] {
  const given = valueOf(field, option, payload);
  if (Array.isArray(given)) return given.map((one, at) => [undefined, textOf(`${field}[${at}]`, one, payload)]);
  if (isObject(given)) {
    return Object.entries(given).map(([name, one]) => [name, textOf(`${field}.${name}`, one, payload)]);
  }
  throw cannotMake(field, (words) => words.notParameters(words.kinds[kindOf(given)]));
}

function textOf(field: string, option: unknown, payload: Payload): string {
  const given = valueOf(field, option, payload);
  if (typeof given === "string" || (typeof given === "number" && Number.isFinite(given))) return clean(String(given));
  throw cannotMake(field, (words) => words.notTextOrNumber(words.kinds[kindOf(given)]));
}

/** Meta refuses line breaks, tabs, more than four blanks in a row, and empty parameters: errors 132018, 100 and 131008. */
function clean(text: string): string {
  return text.toWellFormed().replaceAll(/[\s\p{Cc}]+/gu, " ").trim() || "-";
}

/** The most that each of some lengths may have, so that together they have no more than `room`: only the longest lose. */
function fairShare(lengths: readonly number[], room: number): number {
  let rest = room;
  for (const [at, length] of lengths.toSorted((one, other) => one - other).entries()) {
    const share = Math.floor(rest / (lengths.length - at));
    if (length > share) return Math.max(1, share);
    rest -= length;
  }
  return Infinity;
}

/** `"pt-br"` is `"pt_BR"`. */
function meantLanguage(value: unknown): string | undefined {
  const [, language, country] = /^([a-z]{2,3})[-_ ]([a-z]{2})$/i.exec(String(value)) ?? [];
  return language && country && `"${language.toLowerCase()}_${country.toUpperCase()}"`;
}
