/** Posts to a relay as a sender does. */

import { ExitCode, RelayError } from "../errors.ts";
import { request } from "../outbound/request.ts";
import { networkFailure } from "../targets/outcomes.ts";

/** What was answered. */
export interface Answer {
  status: number;
  text: string;
  /** Fingerprint of the certificate of a relay on this machine. */
  fingerprint?: string;
}

/** Longest wait for the relay's answer, in milliseconds. */
const ANSWER_WAIT_MS = 15_000;

/**
 * Posts a body.
 * @param isHere Whether the URL is that of a relay on this machine: no proxy is asked, and its certificate is for other
 * names than `127.0.0.1`, and need not be one that others trust.
 * @throws {RelayError} if there is no answer.
 */
export async function post(
  url: string,
  body: Uint8Array,
  headers: Record<string, string>,
  isHere: boolean,
): Promise<Answer> {
  if (!/^https?:/.test(url) || !URL.canParse(url)) {
    throw new RelayError(`Cannot post to "${url}": it is no http:// or https:// URL`, undefined, ExitCode.usage);
  }
  const signal = AbortSignal.timeout(ANSWER_WAIT_MS);
  try {
    const answer = await request(new URL(url), { method: "POST", headers, body, signal, isHere });
    return { status: answer.status, text: answer.body.toString(), fingerprint: answer.fingerprint };
  } catch (error) {
    if (signal.aborted) throw new RelayError(`Cannot post to ${url}: no answer within ${ANSWER_WAIT_MS} ms`);
    const { reason, problem } = networkFailure(error, url);
    throw new RelayError(problem, hintOf(url, reason));
  }
}

function hintOf(url: string, reason: string): string {
  if (reason === "proxy_failed") return "see `http_proxy`, `https_proxy` and `no_proxy` in the environment";
  if (reason === "tls_failed") return "a sender would not trust this certificate either, or no HTTPS is spoken there";
  if (reason === "connection_reset" && url.startsWith("http:")) {
    return "if HTTPS is spoken there, let the URL begin with https://";
  }
  return "start the relay with `relay serve`, or name another --url";
}
