/** Email by Brevo. @see https://developers.brevo.com/reference/send-transac-email */

import { options } from "../../options.ts";
import { mailboxJson } from "../mail.ts";
import { defineProvider, type ProviderFunction, providerShape } from "./provider.ts";

/**
 * Sends email through Brevo.
 * @example
 * ```ts
 * email({
 *   via: brevo({ apiKey: env("BREVO_API_KEY") }),
 *   from: "Clínica <relay@clinica.example>",
 *   to: "equipe@clinica.example",
 * })
 * ```
 */
export const brevo: ProviderFunction = defineProvider({
  baseUrl: "https://api.brevo.com",
  schema: options(providerShape),
  request: (mail, { apiKey }) => ({
    path: "/v3/smtp/email",
    headers: { "api-key": apiKey },
    body: {
      sender: mailboxJson(mail.from),
      to: mail.to.map(mailboxJson),
      subject: mail.subject,
      textContent: mail.text,
      htmlContent: mail.html,
      // Another message with the same key within half an hour is refused.
      headers: { ...mail.headers, "Message-ID": `<${mail.messageId}>`, idempotencyKey: mail.id },
    },
  }),
  isTaken: ({ messageId }) => typeof messageId === "string",
  failure: ({ message, code }) => ({ message, code }),
  codes: {
    // @see https://developers.brevo.com/docs/heterogenous-versions-batch-emails: an earlier attempt was taken.
    duplicate_parameter: "delivered",
    not_enough_credits: "retry", // there are new ones every day
  },
  // @see https://developers.brevo.com/docs/limit-headers: seconds.
  retryAfter: (headers) => headers.get("Retry-After") ?? headers.get("x-sib-ratelimit-reset"),
});
