/** Email by Twilio SendGrid. @see https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send */

import * as z from "zod/mini";
import { options } from "../../options.ts";
import { mailboxJson } from "../mail.ts";
import { defineProvider, type ProviderFunction, type ProviderOptions, providerShape } from "./provider.ts";

/** Options of `sendgrid()`. */
export interface SendgridOptions extends ProviderOptions {
  /** `"eu"` for a subuser in the European Union, with a key of its own. Default: `"global"`. */
  region?: "global" | "eu";
}

const regions = { global: "https://api.sendgrid.com", eu: "https://api.eu.sendgrid.com" };

/**
 * Sends email through SendGrid.
 * @example
 * ```ts
 * email({
 *   via: sendgrid({ apiKey: env("SENDGRID_API_KEY") }),
 *   from: "Clínica <relay@clinica.example>",
 *   to: "equipe@clinica.example",
 * })
 * ```
 */
export const sendgrid: ProviderFunction<SendgridOptions> = defineProvider({
  baseUrl: ({ region }) => regions[region],
  schema: options({ ...providerShape, region: z._default(z.enum(["global", "eu"]), "global") }),
  request: (mail, { apiKey }) => ({
    path: "/v3/mail/send",
    headers: { Authorization: `Bearer ${apiKey}` },
    body: {
      personalizations: [{ to: mail.to.map(mailboxJson) }],
      from: mailboxJson(mail.from),
      subject: mail.subject,
      // Plain text must come first.
      content: [
        { type: "text/plain", value: mail.text },
        ...(mail.html === undefined ? [] : [{ type: "text/html", value: mail.html }]),
      ],
      headers: { ...mail.headers, "Message-ID": `<${mail.messageId}>` },
    },
  }),
  // Without a body; 200 is for a message that is valid and not sent, in its sandbox.
  isTaken: (_, status) => status === 202,
  failure: ({ errors }) => ({ message: Array.isArray(errors) ? errors.map(wordsOf).join("; ") : undefined }),
  retryAfter: (headers) => headers.get("Retry-After") ?? resetOf(headers.get("X-RateLimit-Reset")),
});

/** `{ message, field }`, the field `null` where none is at fault. */
function wordsOf(error: { message?: unknown; field?: unknown } | null): string {
  const { message, field } = error ?? {};
  return typeof field === "string" ? `${message} (${field})` : String(message);
}

/** The header tells a time, in Unix seconds. */
function resetOf(seconds: string | null): string | null {
  return seconds && /^\d{1,11}$/.test(seconds) ? new Date(Number(seconds) * 1000).toUTCString() : null;
}
