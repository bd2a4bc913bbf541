/** Email by Postmark. @see https://postmarkapp.com/developer/api/email-api */

import { options } from "../../options.ts";
import { formatMailbox } from "../mail.ts";
import { defineProvider, type ProviderFunction, providerShape } from "./provider.ts";

/**
 * Sends email through Postmark. `apiKey` is the token of a Postmark server.
 * @example
 * ```ts
 * email({
 *   via: postmark({ apiKey: file("/run/secrets/postmark") }),
 *   from: "Clínica <relay@clinica.example>",
 *   to: "equipe@clinica.example",
 * })
 * ```
 */
export const postmark: ProviderFunction = defineProvider({
  baseUrl: "https://api.postmarkapp.com",
  schema: options(providerShape),
  request: (mail, { apiKey }) => ({
    path: "/email",
    headers: { "X-Postmark-Server-Token": apiKey },
    body: {
      From: formatMailbox(mail.from),
      To: mail.to.map(formatMailbox).join(", "),
      Subject: mail.subject,
      TextBody: mail.text,
      HtmlBody: mail.html,
      // Without `X-PM-KeepID` Postmark puts an id of its own in the place of ours.
      Headers: Object.entries({ ...mail.headers, "Message-ID": `<${mail.messageId}>`, "X-PM-KeepID": "true" })
        .map(([Name, Value]) => ({ Name, Value })),
    },
  }),
  isTaken: ({ MessageID }) => typeof MessageID === "string",
  failure: ({ Message }) => ({ message: Message }),
});
