/** Verifying: a request to a source's path is a sender's handshake, a genuine event, or refused. */

import type { Incoming } from "../http/incoming.ts";
import { isDebug, log } from "../log.ts";
import type { Handshake, Source, SourceRequest, Verification } from "../sources/source.ts";

/**
 * What a request is, according to its source; `undefined` if its method is one that no event uses.
 * @param now When it came in, in Unix milliseconds.
 */
export function verify(
  incoming: Incoming,
  source: Source,
  body: Uint8Array,
  now: number,
): Handshake | Verification | undefined {
  const request = requestOf(incoming, body, now);
  const handshake = source.handshake?.(request);
  if (handshake) return handshake;
  if (request.method !== "POST") return undefined;
  const verified = source.verify(request);
  if (isDebug() && (verified.ok || verified.reason === "body_invalid")) {
    log.debug("body of a genuine request to {source}", { source: source.name, body: new TextDecoder().decode(body) });
  }
  return verified;
}

/** The request, as its source sees it. Most read only one header and the body, so nothing else is prepared. */
function requestOf(incoming: Incoming, body: Uint8Array, now: number): SourceRequest {
  return {
    method: incoming.method,
    get url() {
      return incoming.url;
    },
    headers: {
      get: (name) => incoming.header(name),
      [Symbol.iterator]: () => incoming.request().headers[Symbol.iterator](),
    },
    body,
    now,
  };
}
