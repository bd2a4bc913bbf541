/** Email by Mailgun. @see https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages */

import { Buffer } from "node:buffer";
import * as z from "zod/mini";
import { options, text } from "../../options.ts";
import { formatMailbox } from "../mail.ts";
import { defineProvider, type ProviderFunction, type ProviderOptions, providerShape } from "./provider.ts";

/** Options of `mailgun()`. */
export interface MailgunOptions extends ProviderOptions {
  /** Your sending domain at Mailgun. */
  domain: string;
  /** The region of that domain. Default: `"us"`. */
  region?: "us" | "eu";
}

const regions = { us: "https://api.mailgun.net", eu: "https://api.eu.mailgun.net" };

/**
 * Sends email through Mailgun.
 * @example
 * ```ts
 * email({
 *   via: mailgun({ apiKey: env("MAILGUN_API_KEY"), domain: "mg.clinica.example" }),
 *   from: "Clínica <relay@clinica.example>",
 *   to: "equipe@clinica.example",
 * })
 * ```
 */
export const mailgun: ProviderFunction<MailgunOptions> = defineProvider({
  baseUrl: ({ region }) => regions[region],
  schema: options({
    ...providerShape,
    domain: text((words) => words.config.expectations.domain, /^[\w-]+(\.[\w-]+)+$/),
    region: z._default(z.enum(["us", "eu"]), "us"),
  }),
  request: (mail, { apiKey, domain }) => ({
    path: `/v3/${domain}/messages`,
    headers: { Authorization: `Basic ${Buffer.from(loginOf(apiKey)).toString("base64")}` },
    body: new URLSearchParams([
      ["from", formatMailbox(mail.from)],
      ...mail.to.map((one) => ["to", formatMailbox(one)]),
      ["subject", mail.subject],
      ["text", mail.text],
      ...(mail.html === undefined ? [] : [["html", mail.html]]),
      ["h:Message-Id", `<${mail.messageId}>`],
      ...Object.entries(mail.headers).map(([name, value]) => [`h:${name}`, value]),
    ]),
  }),
  isTaken: ({ id }) => typeof id === "string",
  failure: ({ message }) => ({ message }),
  secretsOf: ({ apiKey }) => [loginOf(apiKey)], // its Base64 is another text than the key's
});

function loginOf(apiKey: string): string {
  return `api:${apiKey}`;
}
