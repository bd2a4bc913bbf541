/** What email providers have in common: a message is one request to their API, and its answer the outcome. */

import * as z from "zod/mini";
import { Told } from "../../locale/told.ts";
import { text } from "../../options.ts";
import type { AnswerHeaders, RequestOptions } from "../../outbound/request.ts";
import type { Outcome } from "../../outcome.ts";
import type { SecretText } from "../../secret.ts";
import { VERSION } from "../../version.ts";
import { baseUrl } from "../base_url.ts";
import type { Mail, Mailer } from "../mail.ts";
import { exchange } from "../exchange.ts";
import { withWords } from "../outcomes.ts";
import type { Policy } from "../target.ts";

/** Options that every email provider takes. */
export interface ProviderOptions {
  /** The key of the provider's API. */
  apiKey: SecretText;
  /** Another address of the API, such as a proxy, or a server in your tests. */
  baseUrl?: string;
}

/** An email provider, made by `resend()` or one of the others: the `via` of an email target. */
export interface EmailProvider {
  readonly provider: object;
  readonly options: unknown;
}

/** Makes the `via` of an email target. */
export interface ProviderFunction<Options extends ProviderOptions = ProviderOptions> {
  (options: Options): EmailProvider;
}

/** The zod shape of {@link ProviderOptions}. */
export const providerShape = {
  apiKey: text((words) => words.config.expectations.apiKey, /^[\x21-\x7e]+$/),
  baseUrl,
};

interface Options {
  apiKey: string;
  baseUrl?: string;
}

/** A request to a provider's API. */
export interface ApiRequest {
  /** From the API's address on. */
  path: string;
  headers: Record<string, string>;
  body: Record<string, unknown> | URLSearchParams;
}

/** A provider's API, as its documentation has it. */
export interface ProviderApi<Provider extends Options> {
  /** Where it is, or how that follows from the options, such as a region. */
  baseUrl: string | ((options: Provider) => string);
  schema: z.ZodMiniType<Provider>;
  request(mail: Mail, options: Provider): ApiRequest;
  /** Whether an answer of status 2xx is the one that a message that was taken gets. */
  isTaken(answer: Record<string, unknown>, status: number): boolean;
  /** What an answer says of a failure; `code` is the provider's own name for it. */
  failure(answer: Record<string, unknown>): { message: unknown; code?: unknown };
  /** What failures mean by their code, where the status alone would mislead. */
  codes?: Readonly<Record<string, "delivered" | "retry">>;
  /** When to come back, in the forms of `Retry-After`, where the API says so in another header. */
  retryAfter?(headers: AnswerHeaders): string | null;
  /** Most messages that the provider takes in a span of time. */
  rate?: Policy["rates"][number];
  /** What beside the key must not be printed. */
  secretsOf?(options: Provider): string[];
}

/** A kind of provider: its schema gives what sends mails by it. */
export interface ProviderKind {
  readonly schema: z.ZodMiniType<Mailer>;
}

/** Makes the function of a config for a provider. */
export function defineProvider<Public extends ProviderOptions, Read extends Options>(
  api: ProviderApi<Read>,
): ProviderFunction<Public> {
  const provider: ProviderKind = { schema: z.pipe(api.schema, z.transform((options) => mailerOf(api, options))) };
  return (options) => ({ provider, options });
}

function mailerOf<Provider extends Options>(api: ProviderApi<Provider>, options: Provider): Mailer {
  const { apiKey, baseUrl = typeof api.baseUrl === "string" ? api.baseUrl : api.baseUrl(options) } = options;
  const place = new URL(baseUrl).origin;
  return {
    place,
    url: baseUrl,
    secrets: [apiKey, ...(api.secretsOf?.(options) ?? [])],
    rate: api.rate,
    async send(mail, signal) {
      const { path, headers, body } = api.request(mail, options);
      const isForm = body instanceof URLSearchParams;
      const request: RequestOptions = {
        method: "POST",
        headers: {
          Accept: "application/json",
          "Content-Type": isForm ? "application/x-www-form-urlencoded" : "application/json",
          "User-Agent": `relay/${VERSION}`,
          ...headers,
        },
        body: isForm ? body.toString() : JSON.stringify(body),
        signal,
      };
      return judge(api, await exchange(new URL(baseUrl + path), request, place, api.retryAfter));
    },
  };
}

/** The outcome, with what the provider says of it in words. */
function judge(api: Pick<ProviderApi<never>, "isTaken" | "failure" | "codes">, outcome: Outcome): Outcome {
  const { status, answer } = outcome;
  if (status === undefined) return outcome; // nothing was answered
  const said = readAnswer(answer);
  if (outcome.kind === "delivered") {
    if (api.isTaken(said, status)) return outcome;
    const detail = Told.of((words) => words.outcomes.answered.notTaken(status));
    return { kind: "retry", reason: "unexpected_answer", detail, status, answer };
  }
  const { message, code } = api.failure(said);
  const meaning = typeof code === "string" && api.codes && Object.hasOwn(api.codes, code) ? api.codes[code] : undefined;
  if (meaning === "delivered") return { kind: "delivered", status, answer };
  return {
    ...outcome,
    kind: meaning ?? outcome.kind,
    detail: outcome.detail.map((sentence) => withWords(sentence, message)),
  };
}

/** The object that an answer is; empty if it is none. */
function readAnswer(answer = ""): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(answer);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
