/** What the end of an attempt means: one table each of HTTP statuses, SMTP replies, exit codes and network errors. */

import type { Language } from "../locale/mod.ts";
import type { Phrase } from "../locale/phrase.ts";
import { Told } from "../locale/told.ts";
import { OutboundError } from "../outbound/error.ts";
import type { Answer, Dead, Outcome, Retry } from "../outcome.ts";
import type { Reason } from "../reason.ts";

type Words = Language["outcomes"];

/** Numbers from … to …, and what they mean. Of several rows that fit a number, the first counts. */
export type Row =
  | readonly [from: number, to: number, kind: "delivered"]
  | readonly [from: number, to: number, kind: "retry" | "dead", reason: Reason, meaning?: keyof Words["meaning"]];

/** HTTP statuses. */
export const httpRows: readonly Row[] = [
  [200, 299, "delivered"],
  [300, 399, "dead", "redirected", "redirected"],
  [408, 408, "retry", "refused"],
  [425, 425, "retry", "refused"],
  [429, 429, "retry", "rate_limited"],
  [500, Infinity, "retry", "server_failed"],
  [0, Infinity, "dead", "refused"],
];

/**
 * Statuses of ConnectVets' API for a note that is asked for. A key that is refused is for a person to mend: a dead
 * letter says so at once, and all of that reason are retried together.
 */
export const noteRows: readonly Row[] = [
  [401, 401, "dead", "note_refused", "keyInvalid"],
  [403, 403, "dead", "note_refused", "keyForbidden"],
  [404, 404, "dead", "note_missing", "noteUnknown"],
  [408, 408, "retry", "note_unavailable"],
  [425, 425, "retry", "note_unavailable"],
  [500, Infinity, "retry", "note_unavailable"],
  [0, Infinity, "dead", "note_refused"],
];

/**
 * SMTP replies to any command: 4xx pass, such as 421 of a server that closes; 5xx do not, be it the message or the
 * login that is refused.
 * @see RFC 5321, section 4.2.1
 */
export const smtpRows: readonly Row[] = [
  [400, 499, "retry", "server_failed"],
  [500, Infinity, "dead", "refused"],
];

/** Exit codes of a program. 65 is `EX_DATAERR` of sysexits.h: the data is at fault, so repeating will not help. */
export const exitRows: readonly Row[] = [
  [0, 0, "delivered"],
  [65, 65, "dead", "refused"],
  [0, Infinity, "retry", "script_failed"],
];

/** Network errors by code, of the system and of Nodemailer. All are tried again. */
export const networkRows: Readonly<Record<string, readonly [Reason, Exclude<keyof Words["network"], "coded">]>> = {
  ECONNREFUSED: ["connection_refused", "refused"],
  ECONNRESET: ["connection_reset", "cut"],
  EPIPE: ["connection_reset", "cut"],
  ECONNECTION: ["connection_reset", "cut"],
  ENOTFOUND: ["dns_failed", "unknownHost"],
  EAI_AGAIN: ["dns_failed", "dnsSilent"],
  EDNS: ["dns_failed", "dnsFailed"],
  ETIMEDOUT: ["timed_out", "timedOut"],
  EPROTO: ["tls_failed", "tlsFailed"],
  ETLS: ["tls_failed", "noTls"],
  EPROTOCOL: ["unexpected_answer", "notInProtocol"],
  EFLOOD: ["unexpected_answer", "endless"],
};

/** What errors say in words where Nodemailer hides their code: those of OpenSSL. */
export const codeOfWords: Readonly<Record<string, string>> = {
  "certificate": "EPROTO",
  "tls": "EPROTO",
  "ssl": "EPROTO",
  "wrong version": "EPROTO",
};

/** Longest pause that a `Retry-After` can ask for, in milliseconds. */
const MAX_PAUSE_MS = 3_600_000;

/** The outcome that an HTTP answer gives. `retryAfter` is the header's value. */
export function httpOutcome(answer: Answer & { status: number }, retryAfter: string | null, nowMs: number): Outcome {
  const outcome = outcomeIn(httpRows, answer, ({ answered }) => answered.target(answer.status))!;
  return outcome.kind === "retry" ? { ...outcome, pauseMs: retryAfterMs(retryAfter, nowMs) } : outcome;
}

/** The outcome of an answer of ConnectVets' API that gives no note; that to 429 is another. */
export function noteOutcome(answer: Answer & { status: number }): Retry | Dead {
  return outcomeIn(noteRows, answer, ({ answered }) => answered.connectVets(answer.status)) as Retry | Dead;
}

/**
 * The pause that a `Retry-After` asks for, in milliseconds, at most an hour; `undefined` if it cannot be read.
 * @see RFC 9110, section 10.2.3: seconds, or an HTTP date.
 */
export function retryAfterMs(value: string | null, nowMs: number): number | undefined {
  if (!value) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_PAUSE_MS);
}

/** The outcome of an email that could not be sent, from Nodemailer's error. `place` is where it went. */
export function smtpOutcome(error: SmtpError, place: string): Outcome {
  const { code, responseCode: status, response: answer } = error;
  // A reply to STARTTLS says nothing of the message, even a 5xx.
  const replied = status !== undefined && code !== "ETLS";
  const said = answer?.replaceAll(smtpCodes, "");
  const outcome = replied &&
    outcomeIn(smtpRows, { status, answer }, ({ answered }) => withWords(answered.mailServer(status), said));
  return outcome || networkOutcome(error, place);
}

/** What stands before the words of each line of a reply. @see RFC 5321, section 4.2, and RFC 3463 */
const smtpCodes = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3} )?/gm;

/** Most characters that are told of what the other side said; the answer that is kept has more. */
const MAX_WORDS = 300;

/** A sentence that ends with what the other side said of it, where that is a text. */
export function withWords(sentence: string, said: unknown): string {
  const words = typeof said === "string" ? said.replaceAll(/\s+/g, " ").trim().replace(/\.$/, "") : "";
  if (words.length > MAX_WORDS) return `${sentence}: ${words.slice(0, MAX_WORDS)}…`;
  return words ? `${sentence}: ${words}` : sentence;
}

/** What Nodemailer tells of a failure, as far as it is used. */
export type SmtpError = Error & { code?: string; responseCode?: number; response?: string };

/** The outcome of a program that ended: by itself with a code, or by a signal, which is tried again. */
export function exitOutcome(code: number | null, signal: string | null): Outcome {
  if (code !== null) return outcomeIn(exitRows, { status: code }, ({ script }) => script.exited(code))!;
  return { kind: "retry", reason: "script_failed", detail: Told.of((words) => words.outcomes.script.ended(signal!)) };
}

/** The outcome of an attempt that ended in a network error. `place` is where it went, without any secret. */
export function networkOutcome(error: unknown, place: string): Retry {
  const { reason, problem } = networkFailure(error, place);
  return { kind: "retry", reason, detail: Told.of(problem) };
}

/** What a network error means, and that this place cannot be reached, in one sentence. */
export function networkFailure(error: unknown, place: string): { reason: Reason; problem: Phrase } {
  const { reason, say } = error instanceof OutboundError ? error : systemFailure(codeOf(error));
  return { reason, problem: ({ outcomes }) => outcomes.cannotReach(place, say(outcomes)) };
}

function systemFailure(code: string): Pick<OutboundError, "reason" | "say"> {
  if (Object.hasOwn(networkRows, code)) {
    const [reason, name] = networkRows[code]!;
    return { reason, say: ({ network }) => network[name] };
  }
  if (/CERT|TLS|SSL|SELF_SIGNED|ISSUER|VERIFY/i.test(code)) {
    return { reason: "tls_failed", say: ({ network }) => network.coded(network.tlsFailed, code) };
  }
  return {
    reason: "network_failed",
    say: ({ network }) => code ? network.coded(network.failed, code) : network.failed,
  };
}

/** The outcome by the first row that fits the status. */
function outcomeIn(
  rows: readonly Row[],
  answer: Answer & { status: number },
  say: (words: Words) => string,
): Outcome | undefined {
  const row = rows.find(([from, to]) => answer.status >= from && answer.status <= to);
  if (!row) return undefined;
  if (row[2] === "delivered") return { kind: row[2], ...answer };
  const [, , kind, reason, meaning] = row;
  const detail = Told.of(({ outcomes }) => {
    const said = say(outcomes);
    return meaning ? `${said}; ${outcomes.meaning[meaning]}` : said;
  });
  return { kind, reason, detail, ...answer };
}

const codeWords = new RegExp(`(${Object.keys(codeOfWords).join("|")})`, "i");

/** The error's code, or that of what caused it; empty if there is none. */
function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, originalCode } = at as NodeJS.ErrnoException & { originalCode?: string };
    // Nodemailer puts ESOCKET in the place of the system's code, which it keeps, or its words still hold.
    const known = code === "ESOCKET" ? originalCode : code;
    if (typeof known === "string") return known;
    const named = /\b(E[A-Z]{4,})\b/.exec(at.message) ?? codeWords.exec(at.message);
    if (named) return codeOfWords[named[1]!.toLowerCase()] ?? named[1]!;
  }
  return "";
}
