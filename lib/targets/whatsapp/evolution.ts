/** Evolution API, which speaks to WhatsApp as a phone does. @see https://doc.evolution-api.com/v2/api-reference/message-controller/send-text */

import * as z from "zod/mini";
import { isObject } from "../../json.ts";
import { expected, options } from "../../options.ts";
import type { SecretText } from "../../secret.ts";
import { baseUrl } from "../base_url.ts";
import { post, type Reading, type Vendor, type VendorAnswer } from "../vendor.ts";
import { defineGateway, instance, key, type WhatsappGateway } from "./gateway.ts";
import { heardFromEvolution } from "./heard.ts";
import { digitsOf } from "./number.ts";

/** Options of `evolution()`. */
export interface EvolutionOptions {
  /** Address of your Evolution API, version 2 or later, such as `http://localhost:8080`. */
  url: string;
  /** Name of the instance, not its id. */
  instance: string;
  /** The key of the instance, or of the server. */
  apiKey: SecretText;
}

/** How a number that has no WhatsApp is told of. */
const NOT_THERE = "exists: false";

const vendor: Vendor = {
  name: "Evolution API",
  // It gives no codes: the status says it, or its words.
  // @see https://github.com/evolution-foundation/evolution-api, issues 1412, 1462 and 2308
  errors: [
    { codes: [new RegExp(`^${NOT_THERE}`)], kind: "dead", reason: "recipient_unreachable" },
    { codes: [/connection closed|not connected/i], kind: "retry", reason: "server_failed" }, // the phone is offline
    { codes: [401, 403], kind: "dead", reason: "token_refused" },
    { codes: [404], kind: "dead", reason: "refused" }, // no instance of this name
    { codes: [429], kind: "retry", reason: "rate_limited", pauseMs: 10_000 },
    { codes: [[500, 599]], kind: "retry", reason: "server_failed" },
  ],
  read,
};

const schema = options({
  url: z.nonoptional(baseUrl, expected((words) => words.config.expectations.httpUrl)),
  instance,
  apiKey: key,
});

/**
 * Sends by an Evolution API of your own. Delivered when it has taken the message, which it may do while its phone is gone.
 * @example
 * ```ts
 * whatsapp({
 *   via: evolution({ url: "http://localhost:8080", instance: "clinica", apiKey: env("EVOLUTION_KEY") }),
 *   to: "+5531999998888",
 * })
 * ```
 */
export const evolution: (options: EvolutionOptions) => WhatsappGateway = defineGateway(
  schema,
  ({ url: base, instance, apiKey }) => {
    const place = new URL(base).origin;
    const url = new URL(`${base}/message/sendText/${encodeURIComponent(instance)}`);
    return {
      place,
      url: url.href,
      secrets: [apiKey],
      isOfficial: false,
      heard: (body, now) => heardFromEvolution(body, now, vendor),
      send: (message, { attempt, recipient }, signal) => {
        if (!("text" in message)) throw new Error("Evolution API takes no templates");
        const body = { number: digitsOf(recipient), text: message.text, linkPreview: false };
        return post(vendor, { url, headers: { apikey: apiKey }, body }, { place, attempt, signal });
      },
    };
  },
);

function read({ status, json }: VendorAnswer): Reading {
  const { key, error, response, status: told } = json;
  const isError = error !== undefined || told === "ERROR";
  if (!isError && (status === 200 || status === 201) && isObject(key) && typeof key.id === "string") {
    return { isTaken: true, message: key.id };
  }
  // An error inside a 200 has the status that it should have had.
  const code = isError && status < 300 ? typeof told === "number" ? told : status : undefined;
  return { isTaken: false, code, said: wordsOf(isObject(response) ? response.message : json.message) ?? error };
}

/** Its words are a text, a list of texts, or a list of what it knows of the number. */
function wordsOf(message: unknown): string | undefined {
  const words = [message].flat(3).flatMap((one) => {
    if (typeof one === "string") return [one];
    return isObject(one) && one.exists === false ? [NOT_THERE] : [];
  });
  return words.length > 0 ? words.join("; ") : undefined;
}
