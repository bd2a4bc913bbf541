/** Posts to a relay as a sender does. */

import { Buffer } from "node:buffer";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { TLSSocket } from "node:tls";
import { ExitCode, RelayError } from "../errors.ts";
import { networkOutcome } from "../targets/outcomes.ts";

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
    if (isHere) return await postHere(url, body, headers, signal);
    const response = await fetch(url, { method: "POST", headers, body: body as BodyInit, redirect: "manual", signal });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    if (signal.aborted) throw new RelayError(`Cannot post to ${url}: no answer within ${ANSWER_WAIT_MS} ms`);
    const outcome = networkOutcome(error as Error, url);
    throw new RelayError(outcome.detail, hintOf(url, outcome.reason));
  }
}

/** `fetch` checks every certificate, and asks the proxy of `$HTTP_PROXY` for this machine as well. */
function postHere(
  url: string,
  body: Uint8Array,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = { "Content-Length": body.byteLength };
    const options = {
      method: "POST",
      headers: { ...headers, ...length },
      rejectUnauthorized: false,
      agent: false,
      signal,
    };
    const request = url.startsWith("https:") ? requestHttps : requestHttp;
    const sent = request(url, options, (response) => {
      const fingerprint = (response.socket as TLSSocket).getPeerCertificate?.().fingerprint256;
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        resolve({ status: response.statusCode!, text: Buffer.concat(chunks).toString(), fingerprint });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function hintOf(url: string, reason: string): string {
  if (reason === "tls_failed") return "a sender would not trust this certificate either, or no HTTPS is spoken there";
  if (reason === "connection_reset" && url.startsWith("http:")) {
    return "if HTTPS is spoken there, let the URL begin with https://";
  }
  return "start the relay with `relay serve`, or name another --url";
}
