/**
 * A server that answers as Z-API does: it checks requests, keeps the messages that it put into its queue, and is wrong as
 * it is when a test says so.
 * @see https://developer.z-api.io/en/message/send-text
 */

import type { Respond, SinkRequest } from "../sink.ts";
import { startVendor, type VendorAnswer, type VendorServer } from "./server.ts";
import { readWhatsapp } from "./whatsapp_markup.ts";

export const ZAPI_INSTANCE = "3C0F5A1D2E4B60718293A4B5C6D7E8F9";
export const ZAPI_TOKEN = "9F8E7D6C5B4A39281706F5E4D3C2B1A0";
export const CLIENT_TOKEN = "F0123456789abcdefS";

/** A message that the server put into its queue. */
export interface ZapiMessage {
  messageId: string;
  phone: string;
  message: string;
}

/** Status and body of an answer. */
export type ZapiAnswer = [status: number, body: object];

export interface ZapiServer extends VendorServer {
  url: string;
  taken: ZapiMessage[];
  /** Answers to the next requests, before anything is checked. */
  failures: ZapiAnswer[];
  /** Is told of each message that is taken, such as to send webhooks. */
  onTaken?: (message: ZapiMessage) => void;
}

/** Starts the server on loopback; `answers` are those to the first requests. */
export async function startZapi(
  parts: Partial<ZapiServer> = {},
  ...answers: (VendorAnswer | Respond)[]
): Promise<ZapiServer> {
  const vendor = await startVendor((request, given) => {
    const count = server.taken.length;
    const [status, body] = server.failures.shift() ?? respond(server, request, given);
    const message = server.taken[count];
    return { status, body, ...(message && { shown: readWhatsapp(message.message) }) };
  }, answers);
  const server: ZapiServer = { ...vendor, url: vendor.sink.url, taken: [], failures: [], ...parts };
  return server;
}

// deno-lint-ignore no-explicit-any -- a request may hold anything
function respond(server: ZapiServer, { method, path, headers }: SinkRequest, given: any): ZapiAnswer {
  const [, instance, token] = /^\/instances\/([^/]+)\/token\/([^/]+)\/send-text$/.exec(path) ?? [];
  if (instance === undefined) return [404, { error: "NOT_FOUND", message: "Unable to find matching target resource" }];
  if (method !== "POST") return [405, { error: "METHOD_NOT_ALLOWED" }];
  if (!headers["content-type"]?.startsWith("application/json")) return [415, { error: "Unsupported Media Type" }];
  if (instance !== ZAPI_INSTANCE || token !== ZAPI_TOKEN) return [400, { error: "Instance not found" }];
  const client = headers["client-token"];
  if (client !== CLIENT_TOKEN) return [403, { error: `Client-Token ${client ?? "null"} not allowed` }];
  const { phone, message } = given;
  if (!/^\d{7,15}$/.test(phone) || !message) return [400, { error: "Invalid request", message: "phone and message" }];
  const messageId = `D241${server.taken.length + 1}`;
  const taken = { messageId, phone, message };
  server.taken.push(taken);
  server.onTaken?.(taken);
  return [200, { zaapId: `3999${server.taken.length}`, messageId, id: messageId }];
}
