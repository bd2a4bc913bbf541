/** Requests as a source sees them, and a source of a kind that no config can name, unlike those that one can. */

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Signed } from "../../lib/hmac.ts";
import { Told } from "../../lib/locale/told.ts";
import {
  type Handshake,
  type ReadEvent,
  type RequestHeaders,
  requestTo,
  type Source,
  type SourceRequest,
  verifier,
} from "../../lib/sources/source.ts";

/** Headers of any value, those too that web standards refuse. */
export function headersOf(fields: Record<string, string>): RequestHeaders {
  const lower = new Map(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]));
  return { get: (name) => lower.get(name.toLowerCase()) ?? null, [Symbol.iterator]: () => lower[Symbol.iterator]() };
}

/** A request as this source's sender signs it. */
export function signedRequest(source: Source, draft: ReturnType<Source["draft"]>, now: number): SourceRequest {
  const request = requestTo(source, draft, now);
  return { ...request, headers: headersOf({ ...draft.headers, ...source.sign(request) }) };
}

/** How far a signature's time may be from now, in milliseconds. */
export const TOLERANCE_MS = 300_000;

const signatureHeaders = ["X-Form-Signature", "X-Form-Time"];

/**
 * A source whose events are forms, signed over time, method, URL and body, with the time in a header of its own. A `GET`
 * with its token is answered by the challenge in it.
 */
export function formSource(name: string, path: string, secrets: readonly string[], token = "token"): Source {
  const source: Pick<Source, "read" | "view" | "draft" | "sign"> = {
    read({ body }): ReadEvent {
      const fields = fieldsOf(body);
      const { Event: type, Id: id, At: at } = fields;
      if (!type) return { problem: Told.of("The form has no Event") };
      return {
        event: { type, id, time: at ? Number(at) : undefined, payload: { event: type, data: fields, payload: fields } },
      };
    },
    view({ type, body }) {
      const fields = fieldsOf(body);
      return { event: type, data: fields, payload: fields };
    },
    draft: (type, body = Buffer.from(new URLSearchParams({ Event: type, Text: "olá" }).toString())) => ({
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body,
    }),
    sign(request) {
      const time = String(Math.floor(request.now / 1000));
      return { "X-Form-Time": time, "X-Form-Signature": digest(secrets[0]!, time, request).toString("base64") };
    },
  };

  function check(request: SourceRequest): Signed {
    const time = request.headers.get("X-Form-Time");
    const given = request.headers.get("X-Form-Signature");
    if (!time || !given) return { ok: false, reason: "signature_missing" };
    const signature = Buffer.from(given, "base64");
    if (signature.length !== 32 || !/^\d+$/.test(time)) return { ok: false, reason: "signature_malformed" };
    const secretIndex = secrets.findLastIndex((one) => timingSafeEqual(digest(one, time, request), signature));
    const isStale = Math.abs(request.now - 1000 * Number(time)) > TOLERANCE_MS;
    return secretIndex < 0 || isStale ? { ok: false, reason: "signature_wrong" } : { ok: true, secretIndex };
  }

  function handshake({ method, url }: SourceRequest): Handshake | undefined {
    const { searchParams } = new URL(url);
    const challenge = searchParams.get("challenge");
    if (method !== "GET" || challenge === null) return undefined;
    if (searchParams.get("token") !== token) return { ok: false, reason: "signature_wrong" };
    return {
      ok: true,
      status: 200,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ challenge }),
    };
  }

  return {
    ...source,
    name,
    kind: "form",
    path,
    secrets: [...secrets, token],
    secretCount: secrets.length,
    signatureHeaders,
    handshake,
    verify: verifier(check, { ...source, signatureHeaders }),
    explain: () => ({ isGood: false, sentences: [] }),
  };
}

function fieldsOf(body: Uint8Array): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(Buffer.from(body).toString()));
}

function digest(secret: string, time: string, { method, url, body }: SourceRequest): Buffer {
  return createHmac("sha256", secret).update(`${time}.${method}.${url}.`).update(body).digest();
}
