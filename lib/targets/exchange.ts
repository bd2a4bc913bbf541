/** What targets that speak HTTP share: sending a request, reading its answer, and what of a URL is secret. */

import { decode } from "../outbound/login.ts";
import { type AnswerHeaders, type OutboundAnswer, request, type RequestOptions } from "../outbound/request.ts";
import type { Outcome, Retry } from "../outcome.ts";
import { excerptOf } from "./excerpt.ts";
import { httpOutcome, networkOutcome } from "./outcomes.ts";

/**
 * Sends a request and gives the outcome that its status asks for.
 * @param place Where it goes, without any secret.
 * @param retryAfter When to come back, in the forms of `Retry-After`, where another header says so.
 * @throws {TypeError} if a header cannot be sent.
 */
export async function exchange(
  url: URL,
  options: RequestOptions,
  place: string,
  retryAfter: (headers: AnswerHeaders) => string | null = (headers) => headers.get("Retry-After"),
): Promise<Outcome> {
  const answer = await ask(url, options, place);
  if ("kind" in answer) return answer;
  const { status, headers } = answer;
  return httpOutcome({ status, answer: excerptOf(answer) }, retryAfter(headers), Date.now());
}

/**
 * Sends a request and gives its answer; the outcome, if none came.
 * @param place Where it goes, without any secret.
 * @throws {TypeError} if a header cannot be sent.
 */
export async function ask(url: URL, options: RequestOptions, place: string): Promise<OutboundAnswer | Retry> {
  try {
    return await request(url, options);
  } catch (error) {
    if (error instanceof TypeError) throw error;
    return networkOutcome(error, place);
  }
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
