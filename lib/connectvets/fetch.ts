/** Asks ConnectVets' API for a note. */

import { Buffer } from "node:buffer";
import type { Language } from "../locale/mod.ts";
import { Told } from "../locale/told.ts";
import { type AnswerHeaders, type OutboundAnswer, request } from "../outbound/request.ts";
import type { Dead, Retry } from "../outcome.ts";
import { excerptOf } from "../targets/excerpt.ts";
import { networkOutcome, noteOutcome, retryAfterMs } from "../targets/outcomes.ts";
import { VERSION } from "../version.ts";
import type { ApiAccess } from "./api.ts";
import { noteOf } from "./note.ts";

/** Longest wait for an answer and its body, which is of use as a whole alone, in milliseconds. */
export const FETCH_TIMEOUT_MS = 10_000;

/** Most bytes of an answer. */
const MAX_BYTES = 1024 ** 2;

/** Pause after a 429 that does not say how long, in milliseconds. */
const PAUSE_MS = 60_000;

/** Shortest pause that the API can ask for, in milliseconds. */
const MIN_PAUSE_MS = 1_000;

/** The spans of the API's limits, as its headers name them, in milliseconds. */
const SPANS = { Minute: 60_000, Hour: 3_600_000 };

/** What came of asking; `pauseMs` is for how long the API takes no further request. */
export type Asked =
  & { pauseMs?: number }
  & (
    /** The note, as the API gave it: JSON. */
    | { kind: "found"; data: Uint8Array }
    | { kind: "limited"; pauseMs: number }
    | { kind: "failed"; outcome: Retry | Dead }
  );

/** Asks for the note of this id. Never throws; what it gives after `stop` does not count. */
export async function fetchNote({ url, key }: ApiAccess, id: string, stop: AbortSignal): Promise<Asked> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(FETCH_TIMEOUT_MS)]);
  const place = new URL(url).origin;
  const late = () => failed(unavailable((words) => words.noAnswer(place, FETCH_TIMEOUT_MS)));
  try {
    const answer = await request(new URL(`${url}/notes/${encodeURIComponent(id)}`), {
      headers: { "X-API-KEY": key, Accept: "application/json", "User-Agent": `relay/${VERSION}` },
      signal,
      maxBytes: MAX_BYTES,
      restMs: FETCH_TIMEOUT_MS,
    });
    const { status, headers } = answer;
    const windowMs = windowPause(headers, Date.now());
    if (status === 429) {
      const pauseMs = retryAfterMs(headers.get("Retry-After"), Date.now()) ?? windowMs ?? PAUSE_MS;
      return { kind: "limited", pauseMs: Math.max(pauseMs, MIN_PAUSE_MS) };
    }
    if (status === 200 && !answer.isWhole && signal.aborted) return late();
    // An answer of another kind of success may hold the note, which is the patient's.
    const asked = status === 200
      ? found(answer, id)
      : failed(noteOutcome({ status, answer: status >= 400 ? excerptOf(answer) : "" }));
    return { pauseMs: windowMs, ...asked };
  } catch (error) {
    if (signal.aborted) return late();
    return failed({ ...networkOutcome(error, place), reason: "note_unavailable" });
  }
}

/** How long the API takes no more, by what it says is left of the minute or the hour; `undefined` if there is some. */
function windowPause(headers: AnswerHeaders, now: number): number | undefined {
  const pauses = Object.entries(SPANS).filter(([span]) => headers.get(`X-RateLimit-Remaining-${span}`) === "0")
    // The API's clock and this one may differ; no window lasts longer than its span.
    .map(([span, ms]) => Math.min(Number(headers.get(`X-RateLimit-Reset-${span}`)) * 1000 - now, ms))
    .filter((ms) => ms > 0);
  return pauses.length > 0 ? Math.max(...pauses) : undefined;
}

function found({ body, coding, isWhole }: OutboundAnswer, id: string): Asked {
  if (coding) return failed(unavailable(({ note }) => note.compressed(coding)));
  if (!isWhole) {
    const tooLarge = body.byteLength >= MAX_BYTES;
    const outcome = unavailable(({ note }) => tooLarge ? note.tooLarge(MAX_BYTES) : note.cut);
    return failed(tooLarge ? { ...outcome, kind: "dead" } : outcome);
  }
  try {
    const { data } = JSON.parse(body.toString()) as { data?: unknown };
    const given = noteOf(data)?.id;
    if (!given) return failed(unavailable(({ note }) => note.none));
    // Another patient's details would go out as this one's.
    if (given.toLowerCase() !== id.toLowerCase()) return failed(unavailable(({ note }) => note.other));
    return { kind: "found", data: Buffer.from(JSON.stringify(data)) };
  } catch {
    // What the error says may quote the text, which is the patient's.
    return failed(unavailable(({ note }) => note.notJson));
  }
}

function failed(outcome: Retry | Dead): Asked {
  return { kind: "failed", outcome };
}

function unavailable(say: (words: Language["outcomes"]) => string): Retry {
  return { kind: "retry", reason: "note_unavailable", detail: Told.of(({ outcomes }) => say(outcomes)) };
}
