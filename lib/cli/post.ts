/** Posts to a relay as a sender does. */

import { ExitCode, RelayError } from "../errors.ts";
import type { Phrase } from "../locale/phrase.ts";
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
 * @param isHere Whether the URL is that of a relay on this machine. Then no proxy is used, and any certificate is
 * accepted, since its names do not include `127.0.0.1`.
 * @throws {RelayError} if there is no answer.
 */
export async function post(
  url: string,
  body: Uint8Array,
  headers: Record<string, string>,
  isHere: boolean,
): Promise<Answer> {
  if (!/^https?:/.test(url) || !URL.canParse(url)) {
    throw new RelayError(({ send }) => send.post.notUrl(url), undefined, ExitCode.usage);
  }
  const signal = AbortSignal.timeout(ANSWER_WAIT_MS);
  try {
    const answer = await request(new URL(url), { method: "POST", headers, body, signal, isHere });
    return { status: answer.status, text: answer.body.toString(), fingerprint: answer.fingerprint };
  } catch (error) {
    if (signal.aborted) {
      throw new RelayError(({ send, forms }) => send.post.noAnswer(url, forms.duration(ANSWER_WAIT_MS)));
    }
    const { reason, problem } = networkFailure(error, url);
    throw new RelayError(problem, hintOf(url, reason));
  }
}

function hintOf(url: string, reason: string): Phrase {
  return ({ send: { post } }) => {
    if (reason === "proxy_failed") return post.seeProxy;
    if (reason === "tls_failed") return post.seeTls;
    return reason === "connection_reset" && url.startsWith("http:") ? post.seeScheme : post.start;
  };
}
