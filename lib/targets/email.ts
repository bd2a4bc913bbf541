/** Delivers by email: one message to all recipients. */

import { createTransport, type SentMessageInfo } from "nodemailer";
import addressParser from "nodemailer/lib/addressparser/index.js";
import { z } from "zod";
import type { NoteApi, Noted } from "../connectvets/api.ts";
import { type AnyEvent, payloadOf, printable, type RelayEvent } from "../event.ts";
import { options } from "../options.ts";
import type { Outcome } from "../outcome.ts";
import type { SecretText } from "../secret.ts";
import { defaultMessage, type LocaleOptions, localeShape } from "./default_message.ts";
import { fieldsFor, mapTexts, type MessageFields, messageShape, textOf, type TextOption } from "./message.ts";
import { decode, secretsOfUrl } from "./network.ts";
import { smtpOutcome } from "./outcomes.ts";
import {
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
  extends TargetOptions, LocaleOptions, EnrichOptions<Api> {
  /** Mail server: `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465` (TLS from the start). */
  via: SecretText;
  /** Sender, `relay@clinica.example` or `Name <relay@clinica.example>`. */
  from: string;
  /** Recipients. */
  to: string | readonly string[];
  /** Default: a subject in `locale`. */
  subject?: TextOption<AnyEvent & Noted<Api>>;
  /** Default: a text in `locale`. */
  text?: TextOption<AnyEvent & Noted<Api>>;
  /** In a function, the event's texts are HTML-escaped. Default: a page in `locale`, unless `text` is given. */
  html?: TextOption<AnyEvent & Noted<Api>>;
  /** `false` sends without TLS where the server offers none. Default: `true`, but for a server on this machine. */
  requireTls?: boolean;
}

/** Delivers by email over SMTP. Delivered: the server took the message for at least one recipient. */
export function email<Api extends NoteApi | undefined = undefined>(options: EmailOptions<Api>): TargetDefinition {
  return { target: "email", options };
}

const address = z.string().refine(isAddress, 'expected an address such as "equipe@clinica.example"');

const schema = options({
  ...targetShape,
  ...enrichShape,
  ...localeShape,
  via: z.url({ protocol: /^smtps?$/, error: 'expected a URL such as "smtp://user:password@host:587"' }),
  from: address,
  to: z.union([address.transform((one) => [one]), z.array(address).min(1, "expected at least one recipient")]),
  subject: messageShape.subject,
  text: messageShape.text,
  html: messageShape.html,
  requireTls: z.boolean().optional(),
});

interface Mail {
  subject: string;
  text: string;
  html?: string;
}

export const emailTarget: TargetKind<z.output<typeof schema>> = {
  kind: "email",
  schema,
  fields: ["subject", "text", "html"],
  build(name, options, context) {
    const { locale = context.locale, timeZone = context.timeZone } = options;
    const policy = policyOf(options);
    const server = new URL(options.via);
    const password = decode(server.password);
    const place = `${server.protocol}//${server.host}`;
    const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(server.hostname);
    const transport = createTransport({
      pool: true,
      maxConnections: policy.concurrency,
      host: server.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(server.port) || (server.protocol === "smtps:" ? 465 : 587),
      secure: server.protocol === "smtps:",
      requireTLS: options.requireTls ?? !isLocal,
      // A certificate proves nothing that matters on the way to this very machine.
      tls: { rejectUnauthorized: !isLocal },
      auth: server.username ? { user: decode(server.username), pass: password } : undefined,
      connectionTimeout: policy.timeoutMs,
      greetingTimeout: policy.timeoutMs,
      socketTimeout: policy.timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    const host = addressParser(options.from, { flatten: true })[0]!.address.split("@").at(-1);

    function render(event: RelayEvent, message: MessageFields): Mail {
      const payload = payloadOf(event);
      const own = defaultMessage(event, locale, timeZone);
      const given = fieldsFor(event, options, message);
      const text = textOf("text", given.text, payload);
      const html = textOf("html", given.html, mapTexts(payload, escapeHtml));
      const subject = textOf("subject", given.subject, payload);
      const facts = own.facts.map(([label, value]) => `${label}: ${value}`);
      return {
        subject: subject ?? own.title,
        text: text ?? [own.title, "", ...facts, ""].join("\n"),
        html: html ?? (text === undefined ? page(mapTexts(own, escapeHtml)) : undefined),
      };
    }

    return {
      name,
      kind: "email",
      policy,
      address: `${options.to.join(", ")} via ${place}`,
      secrets: password ? secretsOfUrl(options.via) : [],
      warnings: [],
      enrich: options.enrich,
      render: (event, message) => ({ ...render(event, message) }),

      async deliver(delivery, signal) {
        const mail = render(delivery.event, delivery.message);
        const sending = transport.sendMail({
          ...mail,
          signal,
          from: options.from,
          to: options.to,
          messageId: `<${delivery.id}@${host}>`,
          headers: {
            "Relay-Event-Id": delivery.event.id,
            "Relay-Event-Type": printable(delivery.event.type),
            "Auto-Submitted": "auto-generated", // RFC 3834
          },
        });
        return await sending.then(accepted, (error) => smtpOutcome(error, place));
      },

      close: () => transport.close(),
    };
  },
};

function accepted(info: SentMessageInfo): Outcome {
  const { response = "", rejected = [] } = info;
  const refused = rejected.join(", ");
  return {
    kind: "delivered",
    status: Number.parseInt(response) || undefined,
    answer: refused ? `${response} (refused: ${refused})` : response,
  };
}

function isAddress(text: string): boolean {
  const [one, ...more] = addressParser(text, { flatten: true });
  return more.length === 0 && /^[^\s@<>]+@[^\s@<>]+$/.test(one?.address ?? "");
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

function page({ title, facts }: { title: string; facts: [string, string][] }): string {
  const rows = facts.map(([label, value]) =>
    `<tr><th style="text-align:left;vertical-align:top;padding:4px 16px 4px 0;color:#555">${label}</th>` +
    `<td style="padding:4px 0">${value}</td></tr>`
  );
  return `<div style="font:16px/1.5 sans-serif;max-width:40em"><h1 style="font-size:20px">${title}</h1>` +
    `<table style="border-collapse:collapse">${rows.join("")}</table></div>`;
}
