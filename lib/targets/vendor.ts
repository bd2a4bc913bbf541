/** Requests to vendors' APIs: what an answer means is told by the vendor's own codes, in one table a vendor. */

import { Told } from "../locale/told.ts";
import type { AnswerHeaders } from "../outbound/request.ts";
import type { Answer, Dead, Outcome, Retry } from "../outcome.ts";
import type { Reason } from "../reason.ts";
import { isMessageId } from "../receipt.ts";
import { maskNumbers } from "../recipient.ts";
import { VERSION } from "../version.ts";
import { ask } from "./exchange.ts";
import { excerptOf } from "./excerpt.ts";
import { jsonOf } from "./message.ts";
import { httpOutcome, retryAfterMs, withWords } from "./outcomes.ts";

/** A vendor's API, as its documentation has it. */
export interface Vendor {
  /** As people know it. */
  name: string;
  /** What its errors mean. Of several rows that fit, the first counts; a row that knows the code goes before others. */
  errors: readonly ErrorRow[];
  /** What an answer says, whatever its status. */
  read(answer: VendorAnswer): Reading;
}

/** A code, a range of them, or a pattern of the vendor's words where it gives no code. */
export type Code = number | string | readonly [from: number, to: number] | RegExp;

/** What some of a vendor's errors mean. */
export interface ErrorRow {
  codes: readonly Code[];
  /** HTTP statuses that mean the same where no row knows the code. */
  statuses?: readonly number[];
  kind: "retry" | "dead";
  reason: Reason;
  /** For how long nothing more is sent, in milliseconds: at a delivery's first attempt, its second, and so on. */
  pauseMs?: number | ((attempt: number) => number);
  /** Who is sent nothing more: everybody, which is the default, or this recipient alone. */
  holds?: "target" | "recipient";
}

/** An answer as it came. */
export interface VendorAnswer {
  status: number;
  headers: AnswerHeaders;
  text: string;
  /** The object that the text is, as JSON; empty if it is none. */
  json: Record<string, unknown>;
}

/** What an answer says: that the message was taken, or why not. */
export type Reading =
  | {
    isTaken: true;
    /** The vendor's id of the message, by which its receipts are known. */
    message?: string;
    /** The vendor asks for a pause before the next message, of this many milliseconds. */
    pauseMs?: number;
  }
  | {
    isTaken: false;
    /** The vendor's own code. Absent: the status. */
    code?: number | string;
    /** The vendor's words. */
    said?: unknown;
    /** When to come back, in milliseconds from now. */
    retryAfterMs?: number;
    /** The vendor says itself that the error will pass. */
    isTransient?: boolean;
  };

/** What a vendor says of a message that it did not take, or that never arrived. */
export type VendorError = Pick<Extract<Reading, { isTaken: false }>, "code" | "said" | "isTransient">;

/** A request to a vendor's API, as JSON. */
export interface VendorRequest {
  url: URL;
  headers?: Readonly<Record<string, string>>;
  body: object;
}

/** Pause after a 429 that does not say how long, in milliseconds. */
const PAUSE_MS = 10_000;

/** Longest pause that a vendor can ask for, in milliseconds; longer ones are in its table. */
const MAX_PAUSE_MS = 3_600_000;

/**
 * Sends a request and gives the outcome.
 * @param place Where it goes, without any secret.
 * @param attempt 1 for a delivery's first.
 * @throws {TypeError} if a header cannot be sent.
 */
export async function post(
  vendor: Vendor,
  { url, headers, body }: VendorRequest,
  { place, attempt, signal }: { place: string; attempt: number; signal: AbortSignal },
): Promise<Outcome> {
  const given = await ask(url, {
    method: "POST",
    headers: {
      Accept: "application/json",
      "Content-Type": "application/json",
      "User-Agent": `relay/${VERSION}`,
      ...headers,
    },
    body: jsonOf("message", body),
    signal,
  }, place);
  if ("kind" in given) return given;
  const { status } = given;
  const text = given.coding === undefined ? given.body.toString() : "";
  const reading = vendor.read({ status, headers: given.headers, text, json: objectOf(text) });
  return outcomeOf(vendor, reading, { status, answer: excerptOf(given) }, given.headers.get("Retry-After"), attempt);
}

/** The object that a text is, as JSON; empty if it is none. */
export function objectOf(text = ""): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function outcomeOf(
  { name, errors }: Pick<Vendor, "name" | "errors">,
  reading: Reading,
  answer: Answer & { status: number },
  retryAfter: string | null,
  attempt: number,
): Outcome {
  if (reading.isTaken) {
    const { message, pauseMs } = reading;
    return { kind: "delivered", ...answer, pauseMs, ...(isMessageId(message) && { message }) };
  }
  const { code, said, isTransient } = reading;
  const { status } = answer;
  const error = code ?? status;
  const row = errors.find(({ codes }) => codes.some((one) => fits(one, error, said))) ??
    errors.find(({ statuses }) => statuses?.includes(status));
  const { reason, holds, ...known } = row ?? byStatus(answer, code !== undefined);
  const kind = isTransient ? "retry" : known.kind;
  const detail = row || code !== undefined
    ? Told.of(({ outcomes }) => withWords(outcomes.answered.vendor(name, error), said))
    : sayStatus(answer, said);
  const planned = typeof known.pauseMs === "function" ? known.pauseMs(attempt) : known.pauseMs;
  const header = kind === "retry" ? retryAfterMs(retryAfter, Date.now()) : undefined;
  const asked = reading.retryAfterMs ?? header ?? planned;
  const pauseMs = asked === undefined ? undefined : Math.min(Math.max(asked, 0), MAX_PAUSE_MS);
  return { kind, reason, detail, ...answer, pauseMs, holds };
}

/**
 * What a failure means of which a vendor tells after it had taken the message.
 * @param otherwise What one means that the vendor's table does not know.
 */
export function lateFailure(
  { name, errors }: Pick<Vendor, "name" | "errors">,
  { code, said, isTransient }: VendorError,
  otherwise: "retry" | "dead" = "dead",
): Retry | Dead {
  const row = errors.find(({ codes }) => codes.some((one) => fits(one, code ?? "", said)));
  const words = typeof said === "string" ? maskNumbers(said) : said; // nobody knows yet whose number it may hold
  const { kind, reason, holds, pauseMs } = row ??
    { kind: otherwise, reason: otherwise === "dead" ? "refused" : "server_failed" };
  const detail = Told.of(({ outcomes }) => withWords(outcomes.receipts.failed(name, code), words));
  const pause = typeof pauseMs === "function" ? pauseMs(1) : pauseMs;
  return {
    kind: isTransient ? "retry" : kind,
    reason,
    detail,
    ...(holds && { holds }),
    ...(pause !== undefined && { pauseMs: Math.min(pause, MAX_PAUSE_MS) }),
  };
}

function fits(one: Code, code: number | string, said: unknown): boolean {
  if (one instanceof RegExp) return typeof said === "string" && one.test(said);
  if (typeof one !== "object") return one === code;
  return typeof code === "number" && code >= one[0] && code <= one[1];
}

/** What the status of an unknown error means. @param hasCode With a code in an answer of status 2xx, it is refused. */
function byStatus(answer: Answer & { status: number }, hasCode: boolean): Omit<ErrorRow, "codes"> {
  const outcome = httpOutcome(answer, null, Date.now());
  if (outcome.kind === "delivered") {
    return hasCode ? { kind: "dead", reason: "refused" } : { kind: "retry", reason: "unexpected_answer" };
  }
  const { kind, reason } = outcome;
  return { kind, reason, pauseMs: reason === "rate_limited" ? PAUSE_MS : undefined };
}

/** Tells of an answer without a code, which may not be the vendor's at all, such as a proxy's page. */
function sayStatus(answer: Answer & { status: number }, said: unknown): Told {
  const outcome = httpOutcome(answer, null, Date.now());
  const detail = outcome.kind === "delivered"
    ? Told.of(({ outcomes }) => outcomes.answered.notTaken(answer.status))
    : outcome.detail;
  return detail.map((sentence) => withWords(sentence, said));
}
