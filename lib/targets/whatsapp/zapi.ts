/** Z-API, which speaks to WhatsApp as a phone does. @see https://developer.z-api.io/en/message/send-text */

import { options } from "../../options.ts";
import type { SecretText } from "../../secret.ts";
import { baseUrl } from "../base_url.ts";
import { post, type Reading, type Vendor, type VendorAnswer } from "../vendor.ts";
import { defineGateway, instance, key, type WhatsappGateway } from "./gateway.ts";
import { heardFromZapi } from "./heard.ts";
import { digitsOf } from "./number.ts";

/** Options of `zapi()`. */
export interface ZapiOptions {
  /** The id of the instance. */
  instance: SecretText;
  /** The token of the instance. */
  token: SecretText;
  /** The account's security token. @see https://developer.z-api.io/en/security/client-token */
  clientToken: SecretText;
  /** Another address of the API, such as a proxy, or a server in your tests. Default: `https://api.z-api.io`. */
  baseUrl?: string;
}

const vendor: Vendor = {
  name: "Z-API",
  // It gives no codes, and its statuses say little: its words do.
  // @see https://developer.z-api.io/en/webhooks/on-message-send-examples
  errors: [
    { codes: [/phone number does not exist|invalid phone/i], kind: "dead", reason: "recipient_unreachable" },
    {
      codes: [/client-?token|instance not found|token not found|unauthorized/i],
      kind: "dead",
      reason: "token_refused",
    },
    { codes: [/subscri|trial|payment/i], kind: "dead", reason: "number_blocked" },
    {
      codes: [/not connected|disconnected|restore the session|time-?out|error on send/i],
      kind: "retry",
      reason: "server_failed",
    },
    { codes: [401, 403], kind: "dead", reason: "token_refused" },
    { codes: [402], kind: "dead", reason: "number_blocked" },
    { codes: [429], kind: "retry", reason: "rate_limited", pauseMs: 10_000 },
  ],
  read,
};

const schema = options({ instance, token: key, clientToken: key, baseUrl });

/**
 * Sends by Z-API. Delivered when it has put the message into its queue.
 * @example
 * ```ts
 * whatsapp({
 *   via: zapi({ instance: env("ZAPI_INSTANCE"), token: env("ZAPI_TOKEN"), clientToken: env("ZAPI_CLIENT_TOKEN") }),
 *   to: "+5531999998888",
 * })
 * ```
 */
export const zapi: (options: ZapiOptions) => WhatsappGateway = defineGateway(
  schema,
  ({ instance, token, clientToken, baseUrl = "https://api.z-api.io" }) => {
    const place = new URL(baseUrl).origin;
    const path = `/instances/${encodeURIComponent(instance)}/token/${encodeURIComponent(token)}/send-text`;
    const url = new URL(baseUrl + path);
    return {
      place,
      url: url.href,
      secrets: [token, clientToken, instance],
      isOfficial: false,
      heard: (body, now) => heardFromZapi(body, now, vendor),
      send: (message, { attempt, recipient }, signal) => {
        if (!("text" in message)) throw new Error("Z-API takes no templates");
        const body = { phone: digitsOf(recipient), message: message.text };
        return post(vendor, { url, headers: { "Client-Token": clientToken }, body }, { place, attempt, signal });
      },
    };
  },
);

function read({ status, json }: VendorAnswer): Reading {
  const { error, message, messageId, id, zaapId } = json;
  const taken = [messageId, id, zaapId].find((one) => typeof one === "string");
  if (error === undefined && status === 200 && taken !== undefined) return { isTaken: true, message: taken };
  const code = error !== undefined && status < 300 ? status : undefined; // an error all the same
  return { isTaken: false, code, said: typeof error === "string" ? join(error, message) : message };
}

/** `error` may be a name, such as `NOT_FOUND`, and `message` the words. */
function join(error: string, message: unknown): string {
  return typeof message === "string" && message !== error ? `${error}: ${message}` : error;
}
