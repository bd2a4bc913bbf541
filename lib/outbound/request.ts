/**
 * The one way out: every request that leaves the relay is made here, and what comes back is bounded. Nothing is
 * decompressed, no redirect is followed, and one deadline holds for connecting, sending and the answer.
 */

import { Buffer } from "node:buffer";
import { open, type Opened, proxyRefused } from "./connect.ts";
import type { Answer, AnswerHeaders, Bounds } from "./connection.ts";
import { ConnectionLost } from "./error.ts";
import { headForProxy, writeHead } from "./head.ts";
import { Pool } from "./pool.ts";

export type { AnswerHeaders } from "./connection.ts";

/** What to send, and how far to wait for the answer. */
export interface RequestOptions {
  /** Default: `GET`. */
  method?: string;
  /** Those that manage the connection or frame the body, such as `Content-Length`, are left out: they are set here. */
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array | string;
  /** The deadline. Once the status has come it ends the reading of the body alone. */
  signal: AbortSignal;
  /** Most bytes of the answer's body; the rest is not waited for. Default: 64 KiB. */
  maxBytes?: number;
  /** Longest wait for the rest of the body once the status has come, in milliseconds. Default: 1 s. */
  restMs?: number;
  /** A program of this machine is asked: by no proxy, and whatever certificate it shows. Default: no. */
  isHere?: boolean;
}

/** An answer, and by which connection it came. */
export interface OutboundAnswer extends Answer {
  /** Fingerprint (SHA-256) of the certificate, where a program of this machine was asked by HTTPS. */
  fingerprint?: string;
}

const MAX_BYTES = 64 * 1024;

const REST_MS = 1_000;

/** How long a connection is kept for the next request, in milliseconds; common servers close theirs after 5 s. */
const KEPT_MS = 4_000;

/** Longest time that a connection is kept where its server says how long, in milliseconds. */
const MAX_KEPT_MS = 30_000;

/** How much sooner than its server a connection is given up, in milliseconds. */
const EARLY_MS = 1_000;

const pool = new Pool(256);

/**
 * Makes a request and gives its answer, whatever its status.
 * @throws {OutboundError} if there is no answer, or none that can be used; {Error} with the code of the system or of TLS;
 * the signal's reason if the deadline comes before the status; {TypeError} if a header cannot be sent.
 */
export async function request(url: URL, options: RequestOptions): Promise<OutboundAnswer> {
  const { method = "GET", headers = {}, isHere = false, signal, maxBytes = MAX_BYTES, restMs = REST_MS } = options;
  const body = typeof options.body === "string" ? Buffer.from(options.body) : options.body;
  const head = writeHead({ method, url, headers, bodyBytes: body?.byteLength });
  const message = { method, url, head, body, isHere, bounds: { maxBytes, restMs, signal } };
  const kept = isHere ? undefined : pool.take(url.origin);
  if (kept) {
    try {
      return await exchange(kept, message);
    } catch (error) {
      // Its server closed it, perhaps in the moment in which the request was sent.
      if (!(error instanceof ConnectionLost && error.isUnanswered)) throw error;
    }
  }
  return await exchange(await open(url, isHere, signal), message);
}

/** Closes the connections that nothing is under way on. */
export function closeIdle(): void {
  pool.close();
}

interface Message {
  method: string;
  url: URL;
  head: string;
  body: Uint8Array | undefined;
  isHere: boolean;
  bounds: Bounds;
}

async function exchange(opened: Opened, message: Message): Promise<OutboundAnswer> {
  const { method, url, body, isHere, bounds } = message;
  const { connection, proxy, fingerprint } = opened;
  const head = proxy ? headForProxy(message.head, url, proxy.headers) : message.head;
  const answer: OutboundAnswer = await connection.send(method, head, body, bounds);
  if (isHere) connection.close();
  else if (connection.isOpen) pool.keep(url.origin, opened, keptMs(answer.headers));
  if (proxy && isOfProxy(answer)) throw proxyRefused(proxy, answer.status);
  if (fingerprint !== undefined) answer.fingerprint = fingerprint;
  return answer;
}

/** How long a connection is kept, by what its server says of that. */
function keptMs(headers: AnswerHeaders): number {
  const seconds = /timeout=(\d+)/i.exec(headers.get("Keep-Alive") ?? "")?.[1];
  return seconds === undefined ? KEPT_MS : Math.min(Number(seconds) * 1000 - EARLY_MS, MAX_KEPT_MS);
}

/**
 * Whether a proxy that passes on plain HTTP has answered in place of the target. A status that both could give is told by
 * what proxies add to their own pages. @see RFC 9110, section 15.5.8, and RFC 9209
 */
function isOfProxy({ status, headers }: Answer): boolean {
  return status === 407 || headers.get("X-Squid-Error") !== null ||
    /;\s*error=/i.test(headers.get("Proxy-Status") ?? "");
}
