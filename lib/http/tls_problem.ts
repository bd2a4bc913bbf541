/** Why no TLS came about with a client, in words. */

import { log } from "../log.ts";

/** By the codes of TLS libraries. */
const reasons: [code: RegExp, words: string][] = [
  [/HTTP_REQUEST|WRONG_VERSION/, "it speaks plain HTTP, not HTTPS"],
  [/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION/, "it does not speak TLS 1.2 or later"],
  [/ALERT|BAD_PACKET_LENGTH/, "it broke off; it may not trust the certificate"],
];

/** Logs it, unless the client just went: then it was a scan, or a check of the port. */
export function logTlsProblem(error: NodeJS.ErrnoException, client: string): void {
  const code = error.code ?? error.message;
  if (/^(ECONNRESET|EPIPE|ETIMEDOUT)$/.test(code)) return;
  const problem = reasons.find(([pattern]) => pattern.test(code))?.[1] ?? "no TLS could be agreed on";
  log.warn("refused a connection from {client}: {problem} ({code})", { client, problem, code });
}
