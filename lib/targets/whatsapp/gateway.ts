/** What gateways to WhatsApp have in common: each takes a message for one recipient, and its answer is the outcome. */

import * as z from "zod/mini";
import type { Outcome } from "../../outcome.ts";
import { text } from "../../options.ts";
import type { HeardReceipt } from "../../receipt.ts";
import type { Delivery } from "../target.ts";
import type { TemplateMessage } from "./template.ts";

/** A gateway to WhatsApp, made by `whatsappCloud()`, `evolution()` or `zapi()`: the `via` of a WhatsApp target. */
export interface WhatsappGateway {
  readonly gateway: object;
  readonly options: unknown;
}

/** A text, or a template that is filled in. */
export type WhatsappMessage = { text: string } | { template: TemplateMessage };

/** A gateway at work. */
export interface Gateway {
  /** Where it is, without any secret. */
  place: string;
  /** The whole URL, which is compared and never shown. */
  url: string;
  secrets: readonly string[];
  /** Whether it is WhatsApp's own: it takes templates and ids that are scoped to a business, and keeps the 24-hour window. */
  isOfficial: boolean;
  /** What it tells, in the body of a genuine request, of messages that it took. @param now Unix milliseconds. */
  heard(body: Record<string, unknown>, now: number): HeardReceipt[];
  /** Makes one attempt. What the outcome tells may hold the recipient's number. */
  send(message: WhatsappMessage, to: Recipient, signal: AbortSignal): Promise<Outcome>;
}

/** To whom a message goes, and for which delivery. */
export interface Recipient extends Pick<Delivery, "id" | "attempt"> {
  /** A number in E.164, or an id that is scoped to a business. */
  recipient: string;
}

/** A kind of gateway: its schema gives the gateway at work. */
export interface GatewayKind {
  readonly schema: z.ZodMiniType<Gateway>;
}

/** Makes the function of a config for a gateway. */
export function defineGateway<Public, Read>(
  schema: z.ZodMiniType<Read>,
  open: (options: Read) => Gateway,
): (options: Public) => WhatsappGateway {
  const gateway: GatewayKind = { schema: z.pipe(schema, z.transform(open)) };
  return (options) => ({ gateway, options });
}

/** Reads a key that goes into a header or a URL. */
export const key = text((words) => words.config.expectations.apiKey, /^[\x21-\x7e]+$/);

/** Reads the name or id of an instance, which is a part of the gateway's URL. */
export const instance = text((words) => words.config.expectations.whatsappInstance, /^[^/?#]*[^/?#\s][^/?#]*$/);
