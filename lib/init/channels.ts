/** Where notes can go, as `relay init` asks for it: of each kind the questions, and the target that the answers make. */

import { randomBytes } from "node:crypto";
import type { Language } from "../locale/mod.ts";
import { type Kind as PartKind, partOf } from "../part.ts";
import { isRecipient, shownRecipient } from "../recipient.ts";
import { discord, email, googleChat, http, ntfy, script, slack, teams, telegram, whatsapp } from "../targets/mod.ts";
import type { TargetDefinition } from "../targets/target.ts";
import { evolution, whatsappCloud, zapi } from "../targets/whatsapp/mod.ts";
import { meantNumber } from "../targets/whatsapp/number.ts";

/** A kind of destination. */
export type Kind = keyof Language["init"]["channels"];

/** What was answered, by field; empty where the user has no answer yet. */
export type Given = Readonly<Record<string, string>>;

/** Something to know of a destination: what is asked for it, and where the answer goes. */
export interface Field {
  name: string;
  /** The variable of `.env` that holds it. Absent: it stands in the config. */
  variable?: string;
  /** Nobody sees what is typed. */
  isHidden?: true;
  /** What is offered at first. */
  initial?: string;
  /** What an empty answer stands for, and the value that it gets. Absent: there has to be an answer. */
  empty?: { as: "later" | "random" | "without"; value?: () => string };
  /** The answer as an option of the config holds it. Default: the text. */
  read?(text: string): unknown;
}

/** A kind of destination, and the target that it makes. */
export interface Channel {
  /** The target's name in the config. */
  target: string;
  /** Functions of the config that it names. */
  imports: readonly string[];
  fields: readonly Field[];
  /** Where in the target's options a field lies, if not under its own name. */
  paths?: Readonly<Record<string, readonly string[]>>;
  /** The target with these values of its fields, to see whether the config takes them. */
  make(values: Readonly<Record<string, unknown>>): TargetDefinition;
  /** The code of the target. @param code That of each field: `env("NAME")`, or the value itself. */
  code(code: Readonly<Record<string, string>>): string;
  /** Where it delivers to, without any secret, as the summary shows it. */
  shown?(given: Given): string;
}

const later = (value: string): Field["empty"] => ({ as: "later", value: () => value });

/** A target that needs nothing but the URL of a webhook. */
function webhook(name: string, target: string, variable: string, placeholder: string, make: Channel["make"]): Channel {
  return {
    target,
    imports: [name],
    fields: [{ name: "url", variable, empty: later(placeholder) }],
    make,
    code: ({ url }) => `${name}({ url: ${url} })`,
  };
}

/** A target that sends to people on WhatsApp. @param fields Of the gateway. @param more Code of further options. */
function onWhatsapp(
  gateway: string,
  target: string,
  fields: readonly Field[],
  via: (values: Record<string, unknown>) => unknown,
  more: Pick<Channel, "fields" | "paths" | "code"> & { options(values: Record<string, unknown>): object },
): Channel {
  const names = fields.map(({ name }) => name);
  return {
    target,
    imports: ["whatsapp", gateway],
    fields: [...fields, { name: "to", read: numbersIn }, ...more.fields],
    paths: { ...Object.fromEntries(names.map((name) => [name, ["via", name]])), ...more.paths },
    make: (values) => whatsapp(loose({ via: via(values), to: values.to, ...more.options(values) })),
    code: (code) => {
      const options = names.map((name) => `${name}: ${code[name]}`).join(", ");
      return `whatsapp({\n      via: ${gateway}({ ${options} }),\n      to: ${code.to},\n${more.code(code)}    })`;
    },
    shown: ({ to = "" }) => numbersIn(to).map(shownRecipient).join(", "),
  };
}

/** Options that are not known to be right yet. */
// deno-lint-ignore no-explicit-any -- the schema of each kind judges them
const loose = (options: Record<string, unknown>): any => options;

const nothing = { fields: [], options: () => ({}), code: () => "" };

const placeholder = "REPLACE-WITH-YOURS";

/** Every kind of destination, in the order in which they are offered. */
export const channels: Readonly<Record<Kind, Channel>> = {
  slack: webhook(
    "slack",
    "plantao",
    "SLACK_WEBHOOK_URL",
    "https://hooks.slack.com/services/REPLACE/WITH/YOURS",
    (options) => slack(loose(options)),
  ),
  email: {
    target: "equipe",
    imports: ["email"],
    fields: [
      { name: "via", variable: "SMTP_URL", empty: later("smtp://user:password@smtp.example.com:587") },
      { name: "from" },
      { name: "to", read: listOf },
    ],
    make: (options) => email(loose(options)),
    code: ({ via, from, to }) => `email({ via: ${via}, from: ${from}, to: ${to} })`,
    shown: ({ to = "" }) => listOf(to).join(", "),
  },
  whatsapp: onWhatsapp(
    "whatsappCloud",
    "whats",
    [
      { name: "phoneNumberId" },
      { name: "token", variable: "WHATSAPP_TOKEN", isHidden: true, empty: later(placeholder) },
    ],
    (options) => whatsappCloud(loose(options)),
    {
      fields: [{ name: "template" }, { name: "language", initial: "pt_BR" }],
      paths: { template: ["template", "name"], language: ["template", "language"] },
      options: ({ template: name, language }) => ({ template: { name, language } }),
      code: ({ template, language }) =>
        `      template: { name: ${template}, language: ${language}, parameters: (e) => [e.data.note_id ?? e.data.id] },\n`,
    },
  ),
  evolution: onWhatsapp(
    "evolution",
    "whatsEvolution",
    [
      { name: "url", initial: "http://localhost:8080" },
      { name: "instance" },
      { name: "apiKey", variable: "EVOLUTION_API_KEY", isHidden: true, empty: later(placeholder) },
    ],
    (options) => evolution(loose(options)),
    nothing,
  ),
  zapi: onWhatsapp(
    "zapi",
    "whatsZapi",
    [
      { name: "instance", variable: "ZAPI_INSTANCE", empty: later(placeholder) },
      { name: "token", variable: "ZAPI_TOKEN", isHidden: true, empty: later(placeholder) },
      { name: "clientToken", variable: "ZAPI_CLIENT_TOKEN", isHidden: true, empty: later(placeholder) },
    ],
    (options) => zapi(loose(options)),
    nothing,
  ),
  telegram: {
    target: "telegram",
    imports: ["telegram"],
    fields: [
      { name: "token", variable: "TELEGRAM_TOKEN", isHidden: true, empty: later(`0:${placeholder}`) },
      { name: "chat", read: (text) => /^-?\d+$/.test(text) ? Number(text) : text },
    ],
    make: (options) => telegram(loose(options)),
    code: ({ token, chat }) => `telegram({ token: ${token}, chat: ${chat} })`,
    shown: ({ chat = "" }) => chat,
  },
  teams: webhook(
    "teams",
    "teams",
    "TEAMS_WEBHOOK_URL",
    "https://default.environment.api.powerplatform.com/REPLACE/WITH/YOURS",
    (options) => teams(loose(options)),
  ),
  googleChat: webhook(
    "googleChat",
    "googleChat",
    "GOOGLE_CHAT_WEBHOOK_URL",
    "https://chat.googleapis.com/v1/spaces/REPLACE/messages?key=WITH&token=YOURS",
    (options) => googleChat(loose(options)),
  ),
  discord: webhook(
    "discord",
    "discord",
    "DISCORD_WEBHOOK_URL",
    "https://discord.com/api/webhooks/REPLACE/WITH-YOURS",
    (options) => discord(loose(options)),
  ),
  ntfy: {
    target: "celular",
    imports: ["ntfy"],
    fields: [
      { name: "url", initial: "https://ntfy.sh" },
      { name: "topic", variable: "NTFY_TOPIC", empty: { as: "random", value: randomTopic } },
      { name: "token", variable: "NTFY_TOKEN", isHidden: true, empty: { as: "without" } },
    ],
    make: (options) => ntfy(loose(options)),
    code: ({ url, topic, token }) =>
      `ntfy({ url: ${url}, topic: ${topic}${token === undefined ? "" : `, token: ${token}`} })`,
    shown: ({ url = "" }) => new URL(url).host,
  },
  http: {
    target: "sistema",
    imports: ["http"],
    fields: [{ name: "url", variable: "SISTEMA_URL" }],
    make: (options) => http(loose(options)),
    code: ({ url }) => `http({ url: ${url} })`,
    shown: ({ url = "" }) => new URL(url).origin,
  },
  script: {
    target: "arquivo",
    imports: ["script"],
    fields: [{ name: "command", read: (text) => text.split(/\s+/).filter(Boolean) }],
    make: (options) => script(loose(options)),
    code: ({ command }) => `script({ command: ${command} })`,
    shown: ({ command = "" }) => command,
  },
};

/** Whether a text is one of the kinds. */
export function isKind(text: string | undefined): text is Kind {
  return text !== undefined && Object.hasOwn(channels, text);
}

/** Whether the config takes an answer: its own rules judge it. */
export function accepts(channel: Channel, { name, empty, read = asIs }: Field, text: string): boolean {
  if (text === "") return empty !== undefined;
  const { kind, options } = partOf<PartKind>("target", channel.make({ [name]: read(text) }))!;
  const at = channel.paths?.[name] ?? [name];
  const issues = kind.schema.safeParse(options).error?.issues ?? [];
  return !issues.some(({ path }) => at.every((part, index) => path[index] === part));
}

function asIs(text: string): string {
  return text;
}

/** The texts of a list that a person typed. */
function listOf(text: string): string[] {
  return text.split(/[,;]/).map((one) => one.trim()).filter(Boolean);
}

/** The numbers of a list that a person typed, such as `31 99999-8888`, in the form of the config. */
function numbersIn(text: string): string[] {
  return listOf(text).map((one) => {
    const meant = isRecipient(one) ? undefined : meantNumber(one);
    return meant === undefined ? one : JSON.parse(meant);
  });
}

/** One that nobody guesses: on a public server, whoever knows it can read it. */
function randomTopic(): string {
  return `relay-${randomBytes(10).toString("hex")}`;
}
