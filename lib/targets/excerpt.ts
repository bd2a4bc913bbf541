/** The part of an HTTP answer that is kept with an attempt, as text. */

import type { OutboundAnswer } from "../outbound/request.ts";

/** Most bytes of an HTTP answer that are kept. */
const MAX_BYTES = 1024;

const utf8 = new TextDecoder();

/** The first part of an answer's text; of one that is compressed, how it is and its length. */
export function excerptOf({ coding, body, isWhole }: OutboundAnswer): string {
  if (coding !== undefined && body.byteLength > 0) {
    return `[${coding}, ${isWhole ? "" : "> "}${body.byteLength} bytes]`;
  }
  if (body.byteLength === 0) return "";
  if (isWhole && body.byteLength <= MAX_BYTES) return utf8.decode(body);
  // A character that was cut in two is left out.
  return new TextDecoder().decode(body.subarray(0, MAX_BYTES), { stream: true });
}
