/** WhatsApp's own API, run by Meta. @see https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages */

import * as z from "zod/mini";
import { isObject } from "../../json.ts";
import { options, text } from "../../options.ts";
import type { SecretText } from "../../secret.ts";
import { baseUrl } from "../base_url.ts";
import { post, type Reading, type Vendor, type VendorAnswer, type VendorError } from "../vendor.ts";
import { cloudErrors, tabled } from "./cloud_errors.ts";
import { defineGateway, key, type WhatsappGateway, type WhatsappMessage } from "./gateway.ts";
import { heardFromCloud } from "./heard.ts";
import { digitsOf, isNumber } from "./number.ts";

/** Options of `whatsappCloud()`. */
export interface WhatsappCloudOptions {
  /** The id of the sending number, which WhatsApp Manager shows; not the number itself. */
  phoneNumberId: string;
  /** A token of a system user with the permission `whatsapp_business_messaging`. One of the app's dashboard ends in a day. */
  token: SecretText;
  /** Version of the Graph API. Default: `"v25.0"`. */
  version?: string;
  /** Another address of the API, such as a proxy, or a server in your tests. Default: `https://graph.facebook.com`. */
  baseUrl?: string;
}

/** Meta keeps it until 2028-07-29. @see https://developers.facebook.com/docs/graph-api/changelog */
const DEFAULT_VERSION = "v25.0";

const vendor: Vendor = { name: "WhatsApp", errors: cloudErrors, read };

const schema = options({
  phoneNumberId: text((words) => words.config.expectations.phoneNumberId, /^\d{5,20}$/),
  token: key,
  version: z._default(
    text((words) => words.config.expectations.graphVersion, /^v\d{1,3}\.\d$/, meantVersion),
    DEFAULT_VERSION,
  ),
  baseUrl,
});

/**
 * Sends by WhatsApp's Cloud API. The recipient has to have written within 24 hours, or the target needs a `template`.
 * @example
 * ```ts
 * whatsapp({
 *   via: whatsappCloud({ phoneNumberId: "105512345678901", token: env("WA_TOKEN") }),
 *   to: "+5531999998888",
 *   template: { name: "nota_falhou", language: "pt_BR", parameters: (e) => [e.data.note_id] },
 * })
 * ```
 */
export const whatsappCloud: (options: WhatsappCloudOptions) => WhatsappGateway = defineGateway(
  schema,
  ({ phoneNumberId, token, version, baseUrl = "https://graph.facebook.com" }) => {
    const place = new URL(baseUrl).origin;
    const url = new URL(`${baseUrl}/${version}/${phoneNumberId}/messages`);
    return {
      place,
      url: url.href,
      secrets: [token],
      isOfficial: true,
      heard: (body, now) => heardFromCloud(body, now, vendor, readError),
      send: (message, { id, attempt, recipient }, signal) => {
        const body = {
          messaging_product: "whatsapp",
          recipient_type: "individual",
          ...addressed(recipient),
          ...contentOf(message),
          biz_opaque_callback_data: id, // comes back with what becomes of the message
        };
        return post(vendor, { url, headers: { Authorization: `Bearer ${token}` }, body }, { place, attempt, signal });
      },
    };
  },
);

/** @see https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids */
function addressed(recipient: string) {
  return isNumber(recipient) ? { to: digitsOf(recipient) } : { recipient };
}

function contentOf(message: WhatsappMessage) {
  return "text" in message
    ? { type: "text", text: { body: message.text, preview_url: false } }
    : { type: "template", template: message.template };
}

/** Of Brazilian mobiles WhatsApp's own id may lack the ninth digit: who was sent to is not compared. */
function read({ json }: VendorAnswer): Reading {
  const { error, messages } = json;
  if (error === undefined) {
    const [message] = Array.isArray(messages) ? messages : [];
    if (isObject(message) && typeof message.id === "string") return { isTaken: true, message: message.id };
    return { isTaken: false };
  }
  return { isTaken: false, ...(isObject(error) ? readError(error) : { said: error }) };
}

/** An error, in an answer or told later. */
function readError(error: Record<string, unknown>): VendorError {
  const { code, message, title, error_data: data, is_transient: isTransient } = error;
  const details = isObject(data) ? data.details : undefined;
  const known = typeof code === "string" && /^\d+$/.test(code) ? Number(code) : code;
  return {
    code: typeof known === "number" ? tabled(known) : undefined,
    said: details ?? message ?? title,
    isTransient: isTransient === true,
  };
}

/** `"25"` and `"v25"` are `"v25.0"`. */
function meantVersion(value: unknown): string | undefined {
  const [, major] = /^v?(\d{1,3})(?:\.0)?$/i.exec(String(value)) ?? [];
  return major && `"v${major}.0"`;
}
