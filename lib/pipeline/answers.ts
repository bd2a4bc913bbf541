/** The public listener's answers to senders. */

import { TextAnswer, textAnswer } from "../http/answer.ts";
import type { BodyProblem } from "../http/body.ts";
import type { Handshake, SourceRefusal } from "../sources/source.ts";

/** After how many seconds a sender may retry what could not be accepted. */
const RETRY_SECONDS = 5;

/** The most frequent answers, made once, since they consist of nothing but their text. */
export const answers = {
  stored: textAnswer(200, "OK"),
  duplicate: textAnswer(200, "Already processed"),
  unsigned: textAnswer(401, "Signature verification failed"),
};

/** Tells a sender what is wrong with the body, or that its request is not genuine, but never why. */
export function refusalAnswer(refusal: SourceRefusal): Response {
  return refusal.reason === "body_invalid" ? textAnswer(400, refusal.problem) : answers.unsigned;
}

/** Answers a sender's handshake as its source says. */
export function handshakeAnswer({ status, headers, body }: Extract<Handshake, { ok: true }>): Response {
  return new TextAnswer(body, status, headers);
}

/** Tells a sender why its body could not be read. */
export function bodyAnswer(problem: BodyProblem, maxBodyBytes: number): Response {
  switch (problem) {
    case "too_large":
      return textAnswer(413, `The body is larger than ${maxBodyBytes} bytes`);
    case "cut":
      return textAnswer(400, "The body was cut short");
    case "late":
      return textAnswer(408, "The body did not arrive in time");
    case "encoded":
      return textAnswer(
        415,
        "The body is encoded; send it as it is, with neither Content-Encoding nor a Transfer-Encoding but chunked",
      );
    case "no_room":
      return laterAnswer("The event cannot be taken now");
  }
}

/** Asks a sender to try again. */
export function laterAnswer(text: string): Response {
  return textAnswer(503, text, { "Retry-After": String(RETRY_SECONDS) });
}

/** Asks a sender over its rate limit to wait. */
export function tooManyAnswer(waitMs: number): Response {
  return textAnswer(429, "Too many requests", { "Retry-After": String(Math.ceil(waitMs / 1000)) });
}

/** Answers a request with a method that no event uses. @param allow Those that its path takes. */
export function methodAnswer(allow = "POST"): Response {
  return textAnswer(405, "Method not allowed", { Allow: allow });
}
