/** Events signed with an HMAC (RFC 2104) in a header. */

import * as z from "zod/mini";
import { options, text } from "../options.ts";
import { explainHmac } from "./explain.ts";
import { type HmacScheme, signHmac, verifyHmac } from "../hmac.ts";
import { jsonEvents } from "./json_event.ts";
import {
  type Source,
  type SourceDefinition,
  type SourceKind,
  type SourceOptions,
  type SourceRequest,
  sourceShape,
  verifier,
} from "./source.ts";

/** Options of `hmac()`. */
export interface HmacOptions extends SourceOptions {
  /** The header with the signature. */
  header: string;
  /** What comes before the signature in the header, such as `sha256=`. relay also accepts a signature without it. */
  prefix?: string;
  /** The hash function. Default: `sha256`. */
  algorithm?: "sha1" | "sha256" | "sha512";
  /** How the signature is written. Default: `hex`, in upper or lower case. */
  encoding?: "hex" | "base64";
}

/** Receives webhooks of any sender that signs the body with an HMAC. */
export function hmac(options: HmacOptions): SourceDefinition {
  return { source: hmacSource, options };
}

const schema = options({
  ...sourceShape,
  header: text((words) => words.config.expectations.header, /^[\w-]+$/),
  prefix: z._default(text((words) => words.config.expectations.prefix, () => true), ""),
  algorithm: z._default(z.enum(["sha1", "sha256", "sha512"]), "sha256"),
  encoding: z._default(z.enum(["hex", "base64"]), "hex"),
});

export const hmacSource: SourceKind<z.output<typeof schema>> = {
  kind: "hmac",
  schema,
  build: (name, options) => hmacBuild("hmac", name, options, options),
};

/** Builds a source of any kind that signs the body by an HMAC scheme and sends JSON that names its type as `event`. */
export function hmacBuild(
  kind: string,
  name: string,
  scheme: HmacScheme,
  options: z.output<z.ZodMiniObject<typeof sourceShape>>,
): Source {
  const secrets = options.secret;
  const signatureHeaders = [scheme.header];
  const check = ({ headers, body }: SourceRequest) => verifyHmac(scheme, secrets, body, headers.get(scheme.header));
  return {
    ...jsonEvents,
    name,
    kind,
    path: options.path,
    secrets,
    secretCount: secrets.length,
    signatureHeaders,
    dedupe: options.dedupe,
    maxBodyBytes: options.maxBody,
    rateLimit: options.rateLimit,
    verify: verifier(check, { ...jsonEvents, signatureHeaders }),
    sign: ({ body }) => ({ [scheme.header]: signHmac(scheme, secrets[0]!, body) }),
    explain: (signature, body, _, sources) => explainHmac({ name, secrets, scheme }, signature, body, sources),
  };
}
