/** What targets that speak HTTP share: sending a request, reading its answer, and what of a URL is secret. */

import type { Outcome } from "../outcome.ts";
import { httpOutcome, networkOutcome } from "./outcomes.ts";

/** Most bytes of an HTTP answer that are kept. */
const MAX_ANSWER_BYTES = 1024;

/** Longest wait for the rest of an answer whose status is known, in milliseconds. */
const ANSWER_WAIT_MS = 1_000;

/** Most requests that the executable's HTTP client makes at once; more would wait for those that hang. */
export const MAX_HTTP_REQUESTS = 256;

/**
 * Sends a request and gives the outcome that its status asks for.
 * @param place Where it goes, without any secret.
 * @param retryAfter When to come back, in the forms of `Retry-After`, where another header says so.
 */
export async function exchange(
  url: string,
  request: RequestInit,
  place: string,
  retryAfter: (headers: Headers) => string | null = (headers) => headers.get("Retry-After"),
): Promise<Outcome> {
  let response: Response;
  try {
    response = await fetch(url, { ...request, redirect: "manual" });
  } catch (error) {
    return networkOutcome(error, place);
  }
  const answer = { status: response.status, answer: await readAnswer(response) };
  return httpOutcome(answer, retryAfter(response.headers), Date.now());
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
