/** Email by Resend. @see https://resend.com/docs/api-reference/emails/send-email */

import { options } from "../../options.ts";
import { formatMailbox } from "../mail.ts";
import { defineProvider, type ProviderFunction, providerShape } from "./provider.ts";

/**
 * Sends email through Resend, two messages a second by default.
 * @example
 * ```ts
 * email({
 *   via: resend({ apiKey: env("RESEND_API_KEY") }),
 *   from: "Clínica <relay@clinica.example>",
 *   to: "equipe@clinica.example",
 * })
 * ```
 */
export const resend: ProviderFunction = defineProvider({
  baseUrl: "https://api.resend.com",
  schema: options(providerShape),
  request: (mail, { apiKey }) => ({
    path: "/emails",
    // The same key within a day gives the first answer again, and sends nothing.
    headers: { Authorization: `Bearer ${apiKey}`, "Idempotency-Key": mail.id },
    body: {
      from: formatMailbox(mail.from),
      to: mail.to.map(formatMailbox),
      subject: mail.subject,
      text: mail.text,
      html: mail.html,
      headers: { ...mail.headers, "Message-ID": `<${mail.messageId}>` },
    },
  }),
  isTaken: ({ id }) => typeof id === "string",
  failure: ({ message, name }) => ({ message, code: name }),
  // @see https://resend.com/docs/api-reference/errors: an earlier attempt is still being worked on.
  codes: { concurrent_idempotent_requests: "retry" },
  // @see https://resend.com/docs/api-reference/rate-limit: `Retry-After` is given, and every account may send two a second.
  rate: { perMs: 1_000, limit: 2 },
});
