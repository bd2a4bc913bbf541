/** Events signed with an HMAC (RFC 2104) in a header. */

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { options } from "../options.ts";
import type { Source, SourceDefinition, SourceKind, SourceOptions, Verification } from "./source.ts";
import { sourceShape } from "./source.ts";

/** Options of `hmac()`. */
export interface HmacOptions extends SourceOptions {
  /** Header that carries the signature. */
  header: string;
  /** What stands before the digest in the header, such as `sha256=`; a bare digest is accepted too. */
  prefix?: string;
  /** Hash function. Default: `sha256`. */
  algorithm?: "sha1" | "sha256" | "sha512";
  /** How the digest is written. Default: `hex`, in upper or lower case. */
  encoding?: "hex" | "base64";
}

/** Receives events of any sender that signs the body with an HMAC. */
export function hmac(options: HmacOptions): SourceDefinition {
  return { source: hmacSource, options };
}

/** How a sender signs. */
export interface HmacScheme {
  header: string;
  prefix: string;
  algorithm: "sha1" | "sha256" | "sha512";
  encoding: "hex" | "base64";
}

const schema = options({
  ...sourceShape,
  header: z.string().regex(/^[\w-]+$/, "expected the name of a header"),
  prefix: z.string().default(""),
  algorithm: z.enum(["sha1", "sha256", "sha512"]).default("sha256"),
  encoding: z.enum(["hex", "base64"]).default("hex"),
});

export const hmacSource: SourceKind<z.output<typeof schema>> = {
  kind: "hmac",
  schema,
  build: (name, options) => hmacBuild("hmac", name, options, options),
};

/** Builds a source of any kind that signs by an HMAC scheme. */
export function hmacBuild(
  kind: string,
  name: string,
  scheme: HmacScheme,
  options: z.output<z.ZodObject<typeof sourceShape>>,
): Source {
  const secrets = options.secret;
  return {
    name,
    kind,
    path: options.path,
    signatureHeader: scheme.header,
    secrets,
    dedupe: options.dedupe,
    maxBodyBytes: options.maxBody,
    rateLimit: options.rateLimit,
    verify: (body, signature) => verifyHmac(scheme, secrets, body, signature),
    sign: (body) => signHmac(scheme, secrets[0]!, body),
  };
}

/** The header value for these bytes. */
export function signHmac(scheme: HmacScheme, secret: string, body: Uint8Array): string {
  return scheme.prefix + digest(scheme, secret, body).toString(scheme.encoding);
}

function digest(scheme: Pick<HmacScheme, "algorithm">, secret: string, body: Uint8Array): Buffer {
  return createHmac(scheme.algorithm, secret).update(body).digest();
}

/** Reads one signature of a header to its bytes; `undefined` if it cannot be a digest of this scheme. */
function readSignature(scheme: HmacScheme, signature: string): Buffer | undefined {
  const text = signature.startsWith(scheme.prefix) ? signature.slice(scheme.prefix.length) : signature;
  const bytes = Buffer.from(text, scheme.encoding);
  const isWhole = scheme.encoding === "hex" ? /^(?:[0-9a-f]{2})+$/i.test(text) : /^[\w+/-]+={0,2}$/.test(text);
  return isWhole && bytes.byteLength === digestBytes[scheme.algorithm] ? bytes : undefined;
}

const digestBytes = { sha1: 20, sha256: 32, sha512: 64 };

function verifyHmac(
  scheme: HmacScheme,
  secrets: readonly string[],
  body: Uint8Array,
  header: string | null,
): Verification {
  if (!header) return { ok: false, reason: "signature_missing" };
  // A header that is sent twice arrives as one, joined by commas (RFC 9110, section 5.3).
  const signatures = header.split(",").map((one) => readSignature(scheme, one.trim())).filter((one) => !!one);
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
