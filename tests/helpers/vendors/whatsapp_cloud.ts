/**
 * A server that answers as WhatsApp's Cloud API does: it checks requests as Meta does, keeps the messages that it took, and
 * is wrong as Meta is when a test says so.
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
 */

import { Buffer } from "node:buffer";
import type { Respond, SinkRequest } from "../sink.ts";
import { startVendor, type VendorAnswer, type VendorServer } from "./server.ts";
import { readWhatsapp } from "./whatsapp_markup.ts";

export const PHONE_NUMBER_ID = "105512345678901";
export const CLOUD_TOKEN = "EAAGtesttoken0123456789";

/** An error as Meta tells it. */
export interface CloudError {
  code: number;
  message?: string;
  details?: string;
  status?: number;
  is_transient?: boolean;
}

/** A message that the server took. */
export interface CloudMessage {
  id: string;
  /** Digits, or an id that is scoped to the business. */
  to: string;
  type: "text" | "template";
  text?: { body: string; preview_url: boolean };
  template?: { name: string; language: { code: string }; components?: CloudComponent[] };
  biz_opaque_callback_data?: string;
}

interface CloudComponent {
  type: string;
  sub_type?: string;
  index?: string;
  parameters: { type: string; text?: string; payload?: string; parameter_name?: string }[];
}

/** A template that the account has. */
export interface CloudTemplate {
  name: string;
  language: string;
  /** Names of its body's parameters, or how many it has. */
  parameters: number | string[];
  /** Length of its own text. */
  length?: number;
}

export interface CloudServer extends VendorServer {
  url: string;
  /** Messages that were taken, in their order. */
  taken: CloudMessage[];
  templates: CloudTemplate[];
  /** Recipients that have not written for 24 hours: free text to them is refused. */
  closed: Set<string>;
  /** How many messages one recipient may be sent before the pair rate is over. */
  pairBurst: number;
  /** Errors for the next requests, before anything is checked. */
  failures: CloudError[];
  /** Tells errors with status 200, as proxies and old versions do. */
  errorsIn200: boolean;
  /** Is told of each message that is taken, such as to send status webhooks. */
  onTaken?: (message: CloudMessage) => void;
}

/** Starts the server on loopback; `answers` are those to the first requests. */
export async function startWhatsappCloud(
  parts: Partial<CloudServer> = {},
  ...answers: (VendorAnswer | Respond)[]
): Promise<CloudServer> {
  const vendor = await startVendor((request, given) => {
    const answer = server.failures.shift() ?? respond(server, request, given);
    if (!("to" in answer)) return cloudError(answer, server.errorsIn200);
    const shown = answer.text && readWhatsapp(answer.text.body);
    return { status: 200, body: accepted(answer), ...(shown && { shown }) };
  }, answers);
  const server: CloudServer = {
    ...vendor,
    url: vendor.sink.url,
    taken: [],
    templates: [],
    closed: new Set(),
    pairBurst: 45,
    failures: [],
    errorsIn200: false,
    ...parts,
  };
  return server;
}

/** An error as Meta writes it. */
export function cloudError(error: CloudError, isIn200 = false): VendorAnswer {
  const { code, message = `(#${code}) Refused`, details, status = 400, is_transient } = error;
  const data = details === undefined ? undefined : { messaging_product: "whatsapp", details };
  const body = { message, type: "OAuthException", code, error_data: data, is_transient, fbtrace_id: "AbC" };
  return { status: isIn200 ? 200 : status, body: { error: body } };
}

function accepted({ id, to }: CloudMessage): object {
  return {
    messaging_product: "whatsapp",
    // WhatsApp's own id of an older Brazilian mobile lacks the ninth digit.
    contacts: [{ input: to, wa_id: to.replace(/^(55\d\d)9(\d{8})$/, "$1$2") }],
    messages: [{ id, message_status: "accepted" }],
  };
}

// deno-lint-ignore no-explicit-any -- a request may hold anything
function respond(server: CloudServer, { method, path, headers }: SinkRequest, given: any): CloudError | CloudMessage {
  const [, id] = /^\/v\d+\.\d\/(\d+)\/messages$/.exec(path) ?? [];
  if (method !== "POST" || id !== PHONE_NUMBER_ID) return { code: 100, details: "Unsupported post request" };
  if (headers.authorization !== `Bearer ${CLOUD_TOKEN}`) {
    return { code: 190, status: 401, message: "Error validating access token" };
  }
  const { messaging_product, to, recipient, type } = given;
  if (messaging_product !== "whatsapp") return { code: 100, details: "The parameter messaging_product is required." };
  const isAddressed = recipient === undefined ? /^\+?\d{7,15}$/.test(to) : /^[A-Z]{2}\.(ENT\.)?\w+$/.test(recipient);
  if (!isAddressed) return { code: 131009, details: "The recipient is not valid" };
  const whom: string = recipient ?? to.replace("+", "");
  const sent = server.taken.filter((one) => one.to === whom).length;
  if (sent >= server.pairBurst) {
    return { code: 131056, details: `Too many messages sent from this phone number to ${whom}`, status: 429 };
  }
  const error = type === "template" ? checkTemplate(server, given.template) : checkText(server, given.text, whom);
  if (error) return error;
  const message: CloudMessage = { ...given, to: whom, id: messageId(whom, server.taken.length + 1) };
  server.taken.push(message);
  server.onTaken?.(message);
  return message;
}

/** An id as Meta makes them: the recipient, and what makes it differ, in Base64. */
function messageId(to: string, count: number): string {
  const start = Buffer.from([0x1c, 0x18, to.length]);
  const end = Buffer.from([0x15, 0x02, 0x00, 0x11, 0x18, 0x12]);
  const own = Buffer.from(String(count).padStart(18, "5F425A74"));
  return `wamid.${Buffer.concat([start, Buffer.from(to), end, own, Buffer.from([0])]).toString("base64")}`;
}

function checkText({ closed }: CloudServer, text: CloudMessage["text"], whom: string): CloudError | undefined {
  if (!text?.body) return { code: 100, details: "The parameter text['body'] is required." };
  if (text.body.length > 4_096) {
    return { code: 100, details: "Param text['body'] must be at most 4096 characters long." };
  }
  if (!closed.has(whom)) return undefined;
  return {
    code: 131047,
    message: "(#131047) Re-engagement message",
    details: `Message failed to send to ${whom} because more than 24 hours have passed since the customer last replied`,
  };
}

function checkTemplate({ templates }: CloudServer, given: CloudMessage["template"]): CloudError | undefined {
  const known = templates.find(({ name, language }) => name === given?.name && language === given.language.code);
  if (!given || !known) {
    const details = `template name (${given?.name}) does not exist in ${given?.language.code}`;
    return { code: 132001, details, status: 404 };
  }
  const components = given.components ?? [];
  const texts = components.flatMap(({ parameters }) => parameters).flatMap(({ text, payload }) =>
    text ?? payload ?? ""
  );
  if (texts.some((text) => text === "")) return { code: 131008, details: "Parameter text is missing" };
  if (texts.some((text) => /[\n\t]| {5}/.test(text))) {
    return {
      code: 132018,
      details: "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
    };
  }
  const body = components.find(({ type }) => type === "body")?.parameters ?? [];
  const { parameters, length = 100 } = known;
  const isComplete = typeof parameters === "number"
    ? body.length === parameters && body.every(({ parameter_name }) => parameter_name === undefined)
    : body.length === parameters.length && parameters.every((name) => body.some((one) => one.parameter_name === name));
  if (!isComplete) return { code: 132000, details: "body: number of localizable_params does not match" };
  const total = body.reduce((sum, { text = "" }) => sum + text.length, length);
  return total > 1_024 ? { code: 132005, details: "Translated text too long" } : undefined;
}
