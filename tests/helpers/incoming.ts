/** Requests as they reach a handler, without a connection. */

import { Buffer } from "node:buffer";
import type { Incoming } from "../../lib/http/incoming.ts";

/** A request that has come whole. */
export function incomingOf(
  url: string,
  { method = "GET", headers = {}, body = "", client = "192.0.2.1", signal }: {
    method?: string;
    headers?: HeadersInit;
    body?: string | Uint8Array;
    client?: string;
    signal?: AbortSignal;
  } = {},
): Incoming {
  const request = new Request(url, { method, headers, signal });
  const bytes = Buffer.from(body);
  const length = Number(request.headers.get("Content-Length") ?? bytes.length);
  return {
    method,
    url,
    client,
    signal: request.signal,
    header: (name) => request.headers.get(name),
    request: () => request,
    body: (maxBytes) => Promise.resolve(length > maxBytes ? "too_large" : bytes),
  };
}
