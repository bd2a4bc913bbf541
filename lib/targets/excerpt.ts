/** The part of an HTTP answer that is kept with an attempt, as text. */

import type { AnswerHeaders, OutboundAnswer } from "../outbound/request.ts";

/** Most bytes of an HTTP answer that are kept. */
const MAX_BYTES = 1024;

/** Most characters that are told of how an answer is compressed. */
const MAX_CODING = 32;

/** The first part of an answer's text; of one that is compressed, how it is and its length. */
export function excerptOf({ headers, body, isWhole }: OutboundAnswer): string {
  if (isCompressed(headers) && body.byteLength > 0) {
    return `[${codingOf(headers).slice(0, MAX_CODING)}, ${isWhole ? "" : "more than "}${body.byteLength} bytes]`;
  }
  // A character that was cut in two is left out.
  return new TextDecoder().decode(body.subarray(0, MAX_BYTES), { stream: true });
}

/** Whether an answer is compressed, which none is asked to be. */
export function isCompressed(headers: AnswerHeaders): boolean {
  return codingOf(headers) !== "identity";
}

function codingOf(headers: AnswerHeaders): string {
  return headers.get("Content-Encoding")?.trim().toLowerCase() || "identity";
}
