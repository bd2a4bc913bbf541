/** Delivers to a URL: by default the exact bytes received, with their content type and signature. */

import { Buffer } from "node:buffer";
import { Webhook } from "standardwebhooks";
import * as z from "zod/mini";
import type { NoteApi, Noted } from "../connectvets/api.ts";
import { type AnyEvent, payloadOf, printable, type ReadableEvent } from "../event.ts";
import { expected, options, text } from "../options.ts";
import type { SecretText } from "../secret.ts";
import { VERSION } from "../version.ts";
import { fieldsFor, type Json, jsonOf, type MessageFields, messageShape, valueOf } from "./message.ts";
import { exchange, secretsOfUrl } from "./exchange.ts";
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

/** Options of `http()`. */
export interface HttpOptions<Api extends NoteApi | undefined = undefined> extends TargetOptions, EnrichOptions<Api> {
  /** The address to send to. */
  url: SecretText;
  /** Default: `POST`. */
  method?: "POST" | "PUT" | "PATCH";
  /** Headers to add, such as `Authorization`. */
  headers?: Record<string, SecretText>;
  /** What to send, as JSON, in place of the bytes received. The sender's signature is left out. */
  body?: Json | ((event: AnyEvent & Noted<Api>) => unknown);
  /** A secret `whsec_…` that signs each request. @see https://www.standardwebhooks.com */
  sign?: SecretText;
}

/** Sends the event to a URL. Delivered when the answer is 2xx. Redirects are not followed. */
export function http<Api extends NoteApi | undefined = undefined>(options: HttpOptions<Api>): TargetDefinition {
  return { target: httpTarget, options };
}

/** Most requests at a time to a target that answers quickly. */
const QUICK_CONCURRENCY = 64;

const url = z.url({ protocol: /^https?$/, error: expected((words) => words.config.expectations.httpUrl) });

const headerName = text((words) => words.config.expectations.header, /^[\w!#$%&'*+.^`|~-]+$/);
const headerValue = text((words) => words.config.expectations.headerValue, /^[\t\x20-\x7e\x80-\xff]*$/);

const schema = options({
  ...targetShape,
  ...enrichShape,
  url,
  method: z._default(z.enum(["POST", "PUT", "PATCH"]), "POST"),
  headers: z._default(z.record(headerName, headerValue), {}),
  body: messageShape.body,
  sign: z.optional(text((words) => words.config.expectations.signingSecret, isSigningSecret)),
});

export const httpTarget: TargetKind<z.output<typeof schema>> = {
  schema,
  fields: ["body"],
  build(name, options) {
    const url = new URL(options.url);
    const place = url.origin;
    const fixed = { "user-agent": `relay/${VERSION}`, ...byLowerName(options.headers) };
    const webhook = options.sign ? new Webhook(options.sign) : undefined;

    function content(
      event: ReadableEvent,
      message: MessageFields,
    ): { body: Uint8Array | string; headers: Record<string, string> } {
      const custom = fieldsFor(event, options, message).body;
      if (custom === undefined) return { body: event.body, headers: event.headers };
      return {
        body: jsonOf("body", valueOf("body", custom, payloadOf(event))),
        headers: { "content-type": "application/json" },
      };
    }

    return {
      name,
      kind: "http",
      policy: policyOf(options, { quickConcurrency: QUICK_CONCURRENCY }),
      address: `${options.method} ${place}`,
      url: options.url,
      secrets: [
        ...secretsOfUrl(options.url),
        ...(options.sign ? [options.sign] : []),
        ...Object.entries(options.headers).filter(([key]) => /auth|token|key|secret|cookie|pass/i.test(key)).map((
          [, value],
        ) => value),
      ],
      warnings: [],
      enrich: options.enrich,
      sendsBytes: (message) => ({ ...options, ...message }).body === undefined,

      render(event, message) {
        const { body } = content(event, message);
        return { body: typeof body === "string" ? JSON.parse(body) : Buffer.from(body).toString() };
      },

      async deliver(delivery: Delivery, signal) {
        const { body, headers: contentHeaders } = content(delivery.event, delivery.message);
        const headers = Object.assign(byLowerName(contentHeaders), fixed);
        headers["relay-event-id"] = delivery.event.id;
        headers["relay-event-type"] = printable(delivery.event.type);
        headers["relay-delivery-id"] = delivery.id;
        headers["relay-attempt"] = String(delivery.attempt);
        if (webhook) {
          const now = new Date();
          headers["webhook-id"] = delivery.id;
          headers["webhook-timestamp"] = String(Math.floor(now.getTime() / 1000));
          headers["webhook-signature"] = webhook.sign(delivery.id, now, Buffer.from(body).toString());
        }
        return await exchange(url, { method: options.method, headers, body, signal }, place);
      },
    };
  },
};

/** Headers by their names in lower case, so that one of the same name takes the place of another. */
function byLowerName(headers: Readonly<Record<string, string>>): Record<string, string> {
  const byName: Record<string, string> = {};
  for (const name in headers) byName[name.toLowerCase()] = headers[name]!;
  return byName;
}

function isSigningSecret(text: string): boolean {
  try {
    return text.startsWith("whsec_") && text.length > "whsec_".length && !!new Webhook(text);
  } catch {
    return false;
  }
}
