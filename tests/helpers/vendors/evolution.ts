/**
 * A server that answers as Evolution API 2 does: it checks requests, keeps the messages that it took, and is wrong as it is
 * when a test says so.
 * @see https://github.com/evolution-foundation/evolution-api
 */

import type { Respond, SinkRequest } from "../sink.ts";
import { startVendor, type VendorAnswer, type VendorServer } from "./server.ts";
import { readWhatsapp } from "./whatsapp_markup.ts";

export const INSTANCE = "clinica sul";
export const EVOLUTION_KEY = "B6D711FCDE4D4FD5936544120E713976";

/** A message that the server took. */
export interface EvolutionMessage {
  id: string;
  number: string;
  text: string;
  linkPreview?: boolean;
  /** Whether it ever left the server: one that did not stays `PENDING` for ever. */
  isSent: boolean;
}

/** Status and body of an answer. */
export type EvolutionAnswer = [status: number, body: object];

export interface EvolutionServer extends VendorServer {
  url: string;
  taken: EvolutionMessage[];
  /** Numbers that it finds no WhatsApp for, rightly or not. */
  unknown: Set<string>;
  /** Its phone is gone: it goes on taking messages that it never sends. */
  isOffline: boolean;
  /** Answers to the next requests, before anything is checked. */
  failures: EvolutionAnswer[];
  /** Is told of each message that is taken, such as to send webhooks. */
  onTaken?: (message: EvolutionMessage) => void;
}

/** An error as the server tells it. */
export function evolutionError(status: number, error: string, ...message: unknown[]): EvolutionAnswer {
  return [status, { status, error, response: { message } }];
}

/** Starts the server on loopback; `answers` are those to the first requests. */
export async function startEvolution(
  parts: Partial<EvolutionServer> = {},
  ...answers: (VendorAnswer | Respond)[]
): Promise<EvolutionServer> {
  const vendor = await startVendor((request, given) => {
    const count = server.taken.length;
    const [status, body] = server.failures.shift() ?? respond(server, request, given);
    const message = server.taken[count];
    return { status, body, ...(message && { shown: readWhatsapp(message.text) }) };
  }, answers);
  const server: EvolutionServer = {
    ...vendor,
    url: vendor.sink.url,
    taken: [],
    unknown: new Set(),
    isOffline: false,
    failures: [],
    ...parts,
  };
  return server;
}

// deno-lint-ignore no-explicit-any -- a request may hold anything
function respond(server: EvolutionServer, { method, path, headers }: SinkRequest, given: any): EvolutionAnswer {
  const [, name] = /^\/message\/sendText\/([^/]+)$/.exec(path) ?? [];
  if (method !== "POST" || name === undefined) {
    return evolutionError(404, "Not Found", `Cannot ${method} ${path}`);
  }
  const instance = decodeURIComponent(name);
  if (instance !== INSTANCE) return evolutionError(404, "Not Found", `The "${instance}" instance does not exist`);
  if (headers.apikey !== EVOLUTION_KEY) return evolutionError(401, "Unauthorized", "Unauthorized");
  const { number, text, linkPreview } = given;
  if (typeof text !== "string" || text === "") {
    return evolutionError(400, "Bad Request", ['instance requires property "text"']);
  }
  if (!/^\d{7,15}$/.test(number)) return evolutionError(400, "Bad Request", ['instance requires property "number"']);
  const jid = `${number}@s.whatsapp.net`;
  if (server.unknown.has(number)) return evolutionError(400, "Bad Request", { exists: false, jid, number });
  const id = `3EB0${server.taken.length + 1}`;
  const message = { id, number, text, linkPreview, isSent: !server.isOffline };
  server.taken.push(message);
  server.onTaken?.(message);
  const key = { remoteJid: jid, fromMe: true, id };
  return [201, { key, message: { conversation: text }, messageTimestamp: "1717689097", status: "PENDING" }];
}
