/** What a source is: a path that receives events, and a scheme that says whether they are genuine. */

import * as z from "zod/mini";
import type { AnyEvent, Payload, RelayEvent } from "../event.ts";
import type { Phrase } from "../locale/phrase.ts";
import type { Told } from "../locale/told.ts";
import { expected, fn, pathText, text } from "../options.ts";
import type { Signed } from "../hmac.ts";
import type { SignatureProblem } from "../refusal.ts";
import type { SecretText } from "../secret.ts";
import { type Rate, rate, type Size, size } from "../units.ts";

/** Options that every source takes. */
export interface SourceOptions {
  /** The path that receives the webhooks, such as `/webhook`. */
  path: string;
  /** The secret that signs them, or a list while you replace one: relay accepts each of them. */
  secret: SecretText | readonly SecretText[];
  /** Returns a key: events with the same key are one event. Default: the `id` of the body, or else its bytes. */
  dedupe?: (event: AnyEvent) => string;
  /** Largest body that relay accepts. Default: the config's `maxBody`. */
  maxBody?: Size;
  /** How many requests one client address can send. Default: the config's `rateLimit`. */
  rateLimit?: Rate;
}

/** A source in a config, made by `connectvets()` or `hmac()`. */
export interface SourceDefinition {
  readonly source: object;
  readonly options: unknown;
}

const secret = text((words) => words.config.expectations.secret, /[^]/);

/** The zod shape of {@link SourceOptions}. */
export const sourceShape = {
  path: pathText,
  secret: z.union([
    z.pipe(secret, z.transform((one) => [one])),
    z.array(secret).check(z.minLength(1, expected((words) => words.config.expectations.oneSecret))),
  ], { error: expected((words) => words.config.expectations.secrets) }),
  dedupe: z.optional(fn),
  maxBody: z.optional(size),
  rateLimit: z.optional(rate),
};

/** Headers of a request: web standards' `Headers` are some. A name counts in upper and lower case alike. */
export interface RequestHeaders extends Iterable<[name: string, value: string]> {
  /** The values of a name, joined by commas where it was sent several times (RFC 9110, 5.3); `null` if it was not. */
  get(name: string): string | null;
}

/** A request to a source's path, whole, as it came in. */
export interface SourceRequest {
  /** In upper case, such as `POST`. */
  readonly method: string;
  /** Whole, with its query. A proxy in front may have changed scheme and host. */
  readonly url: string;
  readonly headers: RequestHeaders;
  /** The bytes received. */
  readonly body: Uint8Array;
  /** When it came in, in Unix milliseconds. */
  readonly now: number;
}

/** What a request tells of, whoever sent it. */
export interface SourceEvent {
  /** What the sender calls this kind of event, such as `note.failed`. Routes match on it. */
  readonly type: string;
  /** The sender's own id of the event, the same each time that it sends the event. Not empty. */
  readonly id?: string;
  /**
   * When the event happened, in Unix milliseconds. It becomes part of what makes the event the same, so it must be the
   * same each time that the sender sends it: never the time of a request or of a signature.
   */
  readonly time?: number;
  /** What the config's functions see: what {@link Source.view} gives once the event is stored. */
  readonly payload: Payload;
}

/** Reading a request gave an event, or one sentence, without a full stop, that says to its sender why it holds none. */
export type ReadEvent = { event: SourceEvent } | { problem: Told };

/** A request that is refused: it is not its sender's (401), or what it holds is no event (400), as `problem` says. */
export type SourceRefusal =
  | { ok: false; reason: SignatureProblem; problem?: undefined }
  | { ok: false; reason: "body_invalid"; problem: string };

/** A genuine event, or why there is none. */
export type Verification =
  | { ok: true; event: SourceEvent; secretIndex: number; headers: Record<string, string> }
  | SourceRefusal;

/** How a sender's handshake is answered. */
export type Handshake = { ok: true; status: number; headers: Record<string, string>; body: string } | SourceRefusal;

/** What is known about a signature, in sentences without any secret. */
export interface Explanation {
  isGood: boolean;
  sentences: Phrase[];
}

/** A stored event, as far as its source must know it to show it. */
export type ViewedEvent = Pick<RelayEvent, "type" | "body" | "headers">;

/** A source at work. None of its methods throws, and none needs `this`. */
export interface Source {
  readonly name: string;
  readonly kind: string;
  readonly path: string;
  /** Values that must not be printed. */
  readonly secrets: readonly string[];
  /** How many secrets the sender may sign with: `secretIndex` is the place of one of them in the config's list. */
  readonly secretCount: number;
  /** Headers that prove who sent a request, as the sender spells them. They go on with the body, and are never shown. */
  readonly signatureHeaders: readonly string[];
  readonly dedupe?: (event: unknown) => unknown;
  readonly maxBodyBytes?: number;
  readonly rateLimit?: { perMs: number; limit: number };
  /**
   * Answers what a sender asks to see that its receiver is there, such as a challenge in a `GET`; `undefined` for a
   * request that asks nothing of the kind. It is given every request to the path, of any method, before
   * {@link Source.verify}. Whether the request is genuine is for it to find out.
   */
  handshake?(request: SourceRequest): Handshake | undefined;
  /**
   * The event of a genuine `POST`. Who sent it is checked over the bytes received, in constant time and against every
   * secret, before anything of it is parsed.
   */
  verify(request: SourceRequest): Verification;
  /** The event that a request holds, whoever sent it: for a look at what would come of it. */
  read(request: Pick<SourceRequest, "headers" | "body">): ReadEvent;
  /** What the config's functions see of an event that this source, or another one of its name, had verified. */
  view(event: ViewedEvent): Payload;
  /**
   * What the sender would post for an event of this type, but for the signature.
   * @param type Counts only where the body does not name it.
   * @param body Stands in place of a sample.
   */
  draft(type: string, body?: Uint8Array): { headers: Record<string, string>; body: Uint8Array };
  /** The headers that sign this request under the first secret, to be added to those that it has. */
  sign(request: SourceRequest): Record<string, string>;
  /**
   * Whether a signature of these bytes is good, and what would explain it.
   * @param signature As its header has it.
   * @param now Unix milliseconds.
   * @param sources All of the config's, whose secrets may have been taken for this one's.
   */
  explain(signature: string, body: Uint8Array, now: number, sources: readonly Source[]): Explanation;
}

/** A source that has a limit for every body: its own, or the config's. */
export interface BoundedSource extends Source {
  readonly maxBodyBytes: number;
}

/** A kind of source: its schema, and how its options become a source at work. */
export interface SourceKind<Options> {
  readonly kind: string;
  readonly schema: z.ZodMiniType<Options>;
  build(name: string, options: Options): Source;
}

/** {@link Source.verify} of a scheme whose check needs nothing parsed. */
export function verifier(
  check: (request: SourceRequest) => Signed,
  { read, signatureHeaders }: Pick<Source, "read" | "signatureHeaders">,
): Source["verify"] {
  return (request) => {
    const signed = check(request);
    if (!signed.ok) return signed;
    const found = read(request);
    if ("problem" in found) return { ok: false, reason: "body_invalid", problem: String(found.problem) };
    const headers: Record<string, string> = {};
    for (const name of ["Content-Type", ...signatureHeaders]) {
      const value = request.headers.get(name);
      if (value) headers[name] = value;
    }
    return { ok: true, event: found.event, secretIndex: signed.secretIndex, headers };
  };
}

/**
 * A request that this source's sender may make, for {@link Source.sign}.
 * @param now Unix milliseconds.
 * @param url Where it goes; by default to the source's path on this machine.
 */
export function requestTo(
  source: Pick<Source, "path">,
  { headers, body }: ReturnType<Source["draft"]>,
  now: number,
  url = `http://localhost${source.path}`,
): SourceRequest {
  return { method: "POST", url, headers: new Headers(headers), body, now };
}
