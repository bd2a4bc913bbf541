/** Delivers by email: one message to all recipients. */

import { X509Certificate } from "node:crypto";
import * as z from "zod/mini";
import type { NoteApi, Noted } from "../connectvets/api.ts";
import { type AnyEvent, payloadOf, printable, type ReadableEvent, type RelayEvent } from "../event.ts";
import { writeHtml } from "../messages/html_message.tsx";
import { digestNotice } from "../messages/digest_notice.ts";
import { noticeOf } from "../messages/event_notice.ts";
import { type DefaultMessageOptions, defaultMessageShape, styleOf } from "../messages/style.ts";
import { writeText } from "../messages/text_message.ts";
import { expected, options, says, text } from "../options.ts";
import { partOf } from "../part.ts";
import type { SecretText } from "../secret.ts";
import { digestId, digestText } from "./digest.ts";
import { asciiName, domainOf, type Mailer, parseMailbox } from "./mail.ts";
import { fieldsFor, mapTexts, type MessageFields, messageShape, textOf, type TextOption } from "./message.ts";
import { type PeopleOptions, peoplePolicy, peopleShape } from "./people.ts";
import * as providers from "./providers/mod.ts";
import type { EmailProvider, ProviderKind } from "./providers/provider.ts";
import { ehloName, smtpMailer } from "./smtp.ts";
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

/** Options of `email()`. */
export interface EmailOptions<Api extends NoteApi | undefined = undefined>
  extends TargetOptions, PeopleOptions<AnyEvent & Noted<Api>>, DefaultMessageOptions, EnrichOptions<Api> {
  /**
   * A mail server, `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465` (TLS), or a provider, such as
   * `resend({ apiKey: env("RESEND_API_KEY") })`.
   */
  via: SecretText | EmailProvider;
  /** The sender: `relay@clinica.example` or `Name <relay@clinica.example>`. */
  from: string;
  /** One recipient, or several, who all get the same mail. */
  to: string | readonly string[];
  /** Default: a subject in the language of `locale`. */
  subject?: TextOption<AnyEvent & Noted<Api>>;
  /** Default: a text in the language of `locale`. */
  text?: TextOption<AnyEvent & Noted<Api>>;
  /** Texts of the event are escaped. Default: HTML in the language of `locale`, unless you set `text`. */
  html?: TextOption<AnyEvent & Noted<Api>>;
  /** `false` allows a mail server without TLS. Default: `true`, except for a server on this machine. */
  requireTls?: boolean;
  /** The certificate of your own authority, in PEM, such as `file("ca.pem")`. It replaces the ones that relay knows. */
  ca?: SecretText;
  /** The name in EHLO, such as `relay.clinica.example`. Default: the machine's full name, or the domain of `from`. */
  name?: string;
}

/** Sends email. Delivered when the provider accepts it, or the server for at least one recipient. */
export function email<Api extends NoteApi | undefined = undefined>(options: EmailOptions<Api>): TargetDefinition {
  return { target: emailTarget, options };
}

const address = text((words) => words.config.expectations.address, (text) => parseMailbox(text) !== undefined);

const server = z.url({ protocol: /^smtps?$/, error: expected((words) => words.config.expectations.smtpUrl) });

/** Reads an {@link EmailProvider} into its mailer; mistakes in its options lie where their author wrote them. */
const provider = z.transform((value: unknown, { issues }): Mailer => {
  const part = partOf<ProviderKind>("provider", value);
  const read = part?.kind.schema.safeParse(part.options);
  if (read?.success) return read.data;
  if (read) {
    for (const issue of read.error.issues) issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
  } else issues.push({ code: "invalid_type", expected: "object", input: value });
  return z.NEVER;
});

const schema = options({
  ...targetShape,
  ...peopleShape,
  ...enrichShape,
  ...defaultMessageShape,
  via: z.union([server, provider], {
    error: expected((words) =>
      words.config.expectations.via(Object.keys(providers).map((name) => `${name}()`).join(", "))
    ),
  }),
  from: address,
  to: z.union([
    z.pipe(address, z.transform((one) => [one])),
    z.array(address).check(z.minLength(1, expected((words) => words.config.expectations.oneRecipient))),
  ]),
  subject: messageShape.subject,
  text: messageShape.text,
  html: messageShape.html,
  requireTls: z.optional(z.boolean()),
  ca: z.optional(text((words) => words.config.expectations.certificate, isCertificate)),
  name: z.optional(z.pipe(
    text((words) => words.config.expectations.hostName, (text) => isHostName(asciiName(text))),
    z.transform(asciiName),
  )),
}).check(z.superRefine((given, { addIssue }) => {
  if (typeof given.via === "string") return;
  for (const name of ["requireTls", "ca", "name"] as const) {
    if (given[name] === undefined) continue;
    addIssue({ code: "custom", path: [name], message: says((words) => words.config.onlyWithServer) });
  }
}));

interface Content {
  subject: string;
  text: string;
  html?: string;
}

export const emailTarget: TargetKind<z.output<typeof schema>> = {
  schema,
  fields: ["subject", "text", "html"],
  build(name, options, context) {
    const style = styleOf(options, context);
    const { via } = options;
    const own = policyOf(options, typeof via === "string" || !via.rate ? {} : { rates: [via.rate] });
    const policy = peoplePolicy(own, options, context, style);
    const from = parseMailbox(options.from)!;
    const { requireTls, ca, name: ehlo = ehloName(from.address) } = options;
    const mailer = typeof via === "string" ? smtpMailer(via, policy, { requireTls, ca, name: ehlo }) : via;
    const to = options.to.map((one) => parseMailbox(one)!);

    function render(event: ReadableEvent, message: MessageFields): Content {
      const payload = payloadOf(event);
      const notice = noticeOf(event, style);
      const given = fieldsFor(event, options, message);
      const text = textOf("text", given.text, payload);
      const html = textOf("html", given.html, mapTexts(payload, escapeHtml));
      const subject = textOf("subject", given.subject, payload);
      return {
        subject: subject ?? notice.title,
        text: text ?? writeText(notice),
        html: html ?? (text === undefined ? writeHtml(notice, style.locale) : undefined),
      };
    }

    function renderAll(deliveries: readonly Pick<Delivery, "event">[]): Content {
      const notice = digestNotice(deliveries.map(({ event }) => event), style);
      const text = digestText(options.digest?.text, deliveries, (text) => text);
      const html = text === undefined ? writeHtml(notice, style.locale) : undefined;
      return { subject: notice.title, text: text ?? writeText(notice), html };
    }

    /** @param id Is the same in every attempt to send the same. */
    async function send(
      { subject, ...content }: Content,
      id: string,
      events: readonly RelayEvent[],
      signal: AbortSignal,
    ) {
      const types = [...new Set(events.map(({ type }) => printable(type)))];
      const mail = {
        ...content,
        id,
        from,
        to,
        subject: subject.replaceAll(/[\r\n]+/g, " "), // a line's end would end the header
        messageId: `${id}@${domainOf(from.address)}`,
        headers: {
          ...(events.length === 1 && { "Relay-Event-Id": events[0]!.id }),
          ...(types.length === 1 && { "Relay-Event-Type": types[0]! }),
          "Auto-Submitted": "auto-generated", // RFC 3834
        },
      };
      return await mailer.send(mail, signal);
    }

    return {
      name,
      kind: "email",
      policy,
      address: `${options.to.join(", ")} via ${mailer.place}`,
      url: mailer.url,
      secrets: mailer.secrets,
      warnings: [],
      enrich: options.enrich,
      render: (event, message) => ({ ...render(event, message) }),

      deliver: async ({ id, event, message }, signal) => await send(render(event, message), id, [event], signal),
      renderAll: (deliveries) => ({ ...renderAll(deliveries) }),
      deliverAll: async (deliveries, signal) =>
        await send(renderAll(deliveries), digestId(deliveries), deliveries.map(({ event }) => event), signal),

      close: () => mailer.close?.(),
    };
  },
};

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/** Whether EHLO can say it: a host's name, or an address in brackets. @see RFC 5321, section 4.1.3 */
function isHostName(text: string): boolean {
  return /^([a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|\[(IPv6:)?[0-9a-f.:]+\])$/i.test(text);
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}
