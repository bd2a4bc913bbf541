/** Outcomes that targets which speak over a network share: network errors, HTTP statuses, `Retry-After`. */

import type { Answer, Outcome, Reason, Retry } from "../outcome.ts";

/** Longest pause that a `Retry-After` can ask for, in milliseconds. */
const MAX_PAUSE_MS = 3_600_000;

/** Most bytes of an HTTP answer that are kept. */
const MAX_ANSWER_BYTES = 1024;

/** Longest wait for the rest of an answer whose status is known, in milliseconds. */
const ANSWER_WAIT_MS = 1_000;

const reasonOfCode: Record<string, [Reason, string]> = {
  ECONNREFUSED: ["connection_refused", "nothing accepts connections there"],
  ConnectionRefused: ["connection_refused", "nothing accepts connections there"],
  ECONNRESET: ["connection_reset", "the connection was cut"],
  ConnectionClosed: ["connection_reset", "the connection was cut"],
  ConnectionReset: ["connection_reset", "the connection was cut"],
  EPIPE: ["connection_reset", "the connection was cut"],
  ECONNECTION: ["connection_reset", "the connection was cut"],
  ENOTFOUND: ["dns_failed", "the host name is not known"],
  EAI_AGAIN: ["dns_failed", "the name server did not answer"],
  EDNS: ["dns_failed", "the host name could not be looked up"],
  ETIMEDOUT: ["timed_out", "the connection timed out"],
  ETLS: ["tls_failed", "the TLS handshake failed"],
  EPROTO: ["tls_failed", "the TLS handshake failed"],
  EPROTOCOL: ["unexpected_answer", "its answer is not in the protocol"],
};

/** The outcome of an attempt that ended in a network error. `place` is where it went, without any secret. */
export function networkFailure(error: unknown, place: string): Retry {
  const code = codeOf(error);
  const [reason, words] = reasonOfCode[code] ??
    (/CERT|TLS|SSL|SELF_SIGNED|ISSUER/i.test(code)
      ? ["tls_failed", `the TLS handshake failed (${code})`]
      : ["network_failed", code ? `the network failed (${code})` : "the network failed"]);
  return { kind: "retry", reason, detail: `Cannot reach ${place}: ${words}` };
}

/** The error's code, or that of what caused it; empty if there is none. */
function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    // Nodemailer's ESOCKET stands before the system's own code, which its words still hold.
    if (typeof code === "string" && code !== "ESOCKET") return code;
    const words = at.message.replaceAll(/\bhttps?:\/\/\S+/g, ""); // a URL may hold a token, or look like a code
    const named = /\b(E[A-Z]{4,}|os error \d+)\b/.exec(words) ?? codeWords.exec(words);
    if (named) return codeOfWords[named[1]!.toLowerCase()] ?? named[1]!;
  }
  return "";
}

const codeWords = /(dns error|certificate|tls|corrupt message|connection closed)/i;

/** What Deno's `fetch` says in words where Bun's gives a code. */
const codeOfWords: Record<string, string> = {
  "os error 111": "ECONNREFUSED",
  "os error 104": "ECONNRESET",
  "os error 32": "EPIPE",
  "dns error": "EDNS",
  "certificate": "ETLS",
  "tls": "ETLS",
  "corrupt message": "ETLS",
  "connection closed": "ECONNRESET",
};

/** Most requests that the executable's HTTP client makes at once; more would wait for those that hang. */
export const MAX_HTTP_REQUESTS = 256;

/** Sends a request and gives the outcome that its status asks for. `place` is where it goes, without any secret. */
export async function exchange(url: string, request: RequestInit, place: string): Promise<Outcome> {
  let response: Response;
  try {
    response = await fetch(url, { ...request, redirect: "manual" });
  } catch (error) {
    return networkFailure(error, place);
  }
  return httpOutcome({ status: response.status, answer: await readAnswer(response) }, response.headers, Date.now());
}

/** The outcome that an HTTP status gives: 2xx is delivered. */
function httpOutcome(answer: Answer & { status: number }, headers: Headers, nowMs: number): Outcome {
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: "delivered", ...answer };
  const detail = `The target answered ${status}`;
  const pauseMs = retryAfterMs(headers.get("Retry-After"), nowMs);
  if (status === 429) return { kind: "retry", reason: "rate_limited", detail, pauseMs, ...answer };
  if (status >= 500) return { kind: "retry", reason: "server_failed", detail, pauseMs, ...answer };
  if (status === 408 || status === 425) return { kind: "retry", reason: "refused", detail, pauseMs, ...answer };
  if (status >= 300 && status < 400) {
    return { kind: "dead", reason: "redirected", detail: `${detail}; redirects are not followed`, ...answer };
  }
  return { kind: "dead", reason: "refused", detail, ...answer };
}

/**
 * The pause that a `Retry-After` asks for, in milliseconds, at most an hour; `undefined` if it cannot be read.
 * @see RFC 9110, section 10.2.3: seconds, or an HTTP date.
 */
function retryAfterMs(value: string | null, nowMs: number): number | undefined {
  if (!value) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_PAUSE_MS);
}

/** The first part of an answer's text. Whatever fails or hangs in reading it is left out: the status is known. */
async function readAnswer(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  const late = setTimeout(() => reader.cancel().catch(() => {}), ANSWER_WAIT_MS);
  try {
    while (bytes < MAX_ANSWER_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value.subarray(0, MAX_ANSWER_BYTES - bytes), { stream: true });
      bytes += value.byteLength;
    }
    if (bytes >= MAX_ANSWER_BYTES) reader.cancel().catch(() => {});
  } catch {
    // A cut answer: what was read of it stays.
  } finally {
    clearTimeout(late);
  }
  return text;
}

/** Scheme, host and port of a URL: what can be shown of one that may hold a token. */
export function originOf(url: string): string {
  return new URL(url).origin;
}

/** Shortest part of a path that may be a token. */
const MIN_TOKEN = 16;

/** The parts of a URL that may be secret: its login, long parts of its path, and the values of its query. */
export function secretsOfUrl(url: string): string[] {
  const { username, password, pathname, search } = new URL(url);
  const login = password ? [password, decode(password), `${decode(username)}:${decode(password)}`] : [];
  const tokens = pathname.split("/").filter((part) => part.length >= MIN_TOKEN);
  const values = (url.split("?")[1] ?? search).split("&").map((pair) => pair.slice(pair.indexOf("=") + 1));
  return [...login, ...[...tokens, ...values].flatMap((part) => [part, decode(part)])].filter((part) => part !== "");
}

/** Undoes percent-encoding, where it can be undone. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
