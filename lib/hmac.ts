/** Signatures that are an HMAC (RFC 2104) of the body in one header: made, and checked in constant time. */

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import type { SignatureProblem } from "./refusal.ts";

/** Whether a request is its sender's: `secretIndex` is the place of the secret in the config's list, from 0. */
export type Signed = { ok: true; secretIndex: number } | { ok: false; reason: SignatureProblem };

/** How a sender signs. */
export interface HmacScheme {
  header: string;
  /** What stands before the digest; a bare digest is accepted too. */
  prefix: string;
  algorithm: "sha1" | "sha256" | "sha512";
  encoding: "hex" | "base64";
}

/** Bytes of a digest. */
export const digestBytes = { sha1: 20, sha256: 32, sha512: 64 };

/** The header value for these bytes. */
export function signHmac(scheme: HmacScheme, secret: string, body: Uint8Array): string {
  return scheme.prefix + digest(scheme, secret, body).toString(scheme.encoding);
}

/** Checks a header value over these bytes against every secret. Never throws. */
export function verifyHmac(
  scheme: HmacScheme,
  secrets: readonly string[],
  body: Uint8Array,
  header: string | null,
): Signed {
  if (!header) return { ok: false, reason: "signature_missing" };
  // A header that is sent twice arrives as one, joined by commas (RFC 9110, section 5.3).
  const signatures = (header.includes(",") ? header.split(",") : [header])
    .map((one) => readSignature(scheme, one.trim())).filter((one) => !!one);
  if (signatures.length === 0) return { ok: false, reason: "signature_malformed" };
  let secretIndex = -1;
  secrets.forEach((secret, index) => {
    const expected = digest(scheme, secret, body);
    for (const signature of signatures) {
      if (timingSafeEqual(signature, expected)) secretIndex = index;
    }
  });
  return secretIndex < 0 ? { ok: false, reason: "signature_wrong" } : { ok: true, secretIndex };
}

function digest(scheme: Pick<HmacScheme, "algorithm">, secret: string, body: Uint8Array): Buffer {
  return createHmac(scheme.algorithm, secret).update(body).digest();
}

/** Reads one signature of a header to its bytes; `undefined` if it cannot be a digest of this scheme. */
function readSignature(scheme: HmacScheme, signature: string): Buffer | undefined {
  const text = signature.startsWith(scheme.prefix) ? signature.slice(scheme.prefix.length) : signature;
  const bytes = Buffer.from(text, scheme.encoding);
  if (bytes.byteLength !== digestBytes[scheme.algorithm]) return undefined;
  // What is no hex ends what is read of it, so that the rest is missing.
  const isWhole = scheme.encoding === "hex" ? text.length === 2 * bytes.byteLength : /^[\w+/-]+={0,2}$/.test(text);
  return isWhole ? bytes : undefined;
}
