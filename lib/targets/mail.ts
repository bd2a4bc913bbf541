/** A message on its way out by email, and what sends it. */

import { domainToASCII } from "node:url";
import addressParser from "nodemailer/lib/addressparser/index.js";
import type { Outcome } from "../outcome.ts";
import type { Policy } from "./target.ts";

/** Somebody's address, with a name or an empty one. */
export interface Mailbox {
  name: string;
  address: string;
}

/** A message to be sent. */
export interface Mail {
  /** The delivery's id, a UUID; the same in every attempt. */
  id: string;
  from: Mailbox;
  to: readonly Mailbox[];
  subject: string;
  text: string;
  html?: string;
  /** Without the angle brackets. */
  messageId: string;
  /** Further headers, in ASCII. */
  headers: Readonly<Record<string, string>>;
}

/** What sends mails: a mail server, or a provider's API. */
export interface Mailer {
  /** Where it sends to, without any secret. */
  readonly place: string;
  /** The whole URL that it posts to, of one that does. */
  readonly url?: string;
  readonly secrets: readonly string[];
  /** Most mails in a span of time, for a config that does not say. */
  readonly rate?: Policy["rates"][number];
  send(mail: Mail, signal: AbortSignal): Promise<Outcome>;
  /** Lets go of connections that are kept. */
  close?(): void;
}

/** The one mailbox that a text names, its domain in ASCII; `undefined` if it names none, or several. */
export function parseMailbox(text: string): Mailbox | undefined {
  const [one, ...more] = addressParser(text, { flatten: true });
  if (!one || more.length > 0 || !/^[^\s@<>]+@[^\s@<>]+$/.test(one.address)) return undefined;
  const address = asciiDomain(one.address);
  return domainOf(address) ? { name: one.name, address } : undefined;
}

/** An address with its domain in the form of {@link asciiName}. */
export function asciiDomain(address: string): string {
  const domain = domainOf(address);
  return address.slice(0, -domain.length) + asciiName(domain);
}

/** A domain as name servers know it; empty if it cannot be one. @see RFC 5891 */
export function asciiName(domain: string): string {
  return isAscii(domain) ? domain : domainToASCII(domain);
}

export function isAscii(text: string): boolean {
  return !/\P{ASCII}/u.test(text);
}

/** What stands behind the @ of an address. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

/** A mailbox as a header has it, the name quoted where it needs to be. @see RFC 5322, section 3.4 */
export function formatMailbox({ name, address }: Mailbox): string {
  if (name === "") return address;
  const quoted = /[()<>[\]:;@\\,."]/.test(name) ? `"${name.replaceAll(/["\\]/g, "\\$&")}"` : name;
  return `${quoted} <${address}>`;
}

/** A mailbox in the form that several APIs take, without a name that is empty. */
export function mailboxJson({ name, address }: Mailbox): { email: string; name?: string } {
  return name === "" ? { email: address } : { email: address, name };
}
