/** What a source is: a path that receives events, and a scheme that says whether they are genuine. */

import { z } from "zod";
import type { AnyEvent } from "../event.ts";
import { fn } from "../options.ts";
import type { SecretText } from "../secret.ts";
import { type Rate, rate, type Size, size } from "../units.ts";

/** Options that every source takes. */
export interface SourceOptions {
  /** Path that receives this source's events, such as `/webhook`. */
  path: string;
  /** The secret that signs them; a list while a secret is being replaced: each of them is accepted. */
  secret: SecretText | readonly SecretText[];
  /** Gives the key that makes an event the same as one before; without it, the payload's `id`, else its bytes. */
  dedupe?: (event: AnyEvent) => string;
  /** Most bytes of a body. Default: the config's `maxBody`. */
  maxBody?: Size;
  /** Most requests of one client address. Default: the config's `rateLimit`. */
  rateLimit?: Rate;
}

/** A source in a config, made by `connectvets()` or `hmac()`. */
export interface SourceDefinition {
  readonly source: object;
  readonly options: unknown;
}

const secret = z.string().min(1, "expected a secret that is not empty");

/** The zod shape of {@link SourceOptions}. */
export const sourceShape = {
  path: z.string().regex(/^\/[\w\-.~/]*$/, 'expected a path that starts with "/", of letters, digits and "-._~/"'),
  secret: z.union([secret.transform((one) => [one]), z.array(secret).min(1, "expected at least one secret")]),
  dedupe: fn.optional(),
  maxBody: size.optional(),
  rateLimit: rate.optional(),
};

/** Why a signature was refused; for the operator's log, never for the sender. */
export type RefusalReason = "signature_missing" | "signature_malformed" | "signature_wrong";

/** A genuine event, with the place of its secret in the list, or the reason why not. */
export type Verification = { ok: true; secretIndex: number } | { ok: false; reason: RefusalReason };

/** A source at work. */
export interface Source {
  readonly name: string;
  readonly kind: string;
  readonly path: string;
  /** Header that carries the signature, as the sender spells it. */
  readonly signatureHeader: string;
  readonly secrets: readonly string[];
  readonly dedupe?: (event: unknown) => unknown;
  readonly maxBodyBytes?: number;
  readonly rateLimit?: { perMs: number; limit: number };
  /** Checks the signature over these bytes in constant time against every secret. Never throws. */
  verify(body: Uint8Array, signature: string | null): Verification;
  /** The header value for these bytes under the first secret. */
  sign(body: Uint8Array): string;
}

/** A source that has a limit for every body: its own, or the config's. */
export interface BoundedSource extends Source {
  readonly maxBodyBytes: number;
}

/** A kind of source: its schema, and how its options become a source at work. */
export interface SourceKind<Options> {
  readonly kind: string;
  readonly schema: z.ZodType<Options>;
  build(name: string, options: Options): Source;
}
