/** The line of a source on which something is written, fit to be shown: secrets masked, tabs as blanks. Pure functions. */

import type { Place } from "../../errors.ts";
import { MASK, type Redact } from "../../secret.ts";
import type { Span } from "./parse.ts";

/** @param hidden Parts of the text that are not shown. */
export function placeOf(file: string, text: string, span: Span, hidden: readonly Span[], redact: Redact): Place {
  const at = Math.min(span.start, text.length);
  const before = text.slice(0, at).split(/\r\n|[\n\r]/);
  const lineStart = at - before.at(-1)!.length;
  const lineEnd = lineStart + /[^\n\r]*/.exec(text.slice(lineStart))![0].length;
  const end = Math.max(Math.min(span.end, lineEnd), at);
  const show = (from: number, to: number) => masked(text, from, to, hidden);
  // A secret may begin before the mark, so what stands before it is masked together with it.
  const all = redact(show(lineStart, lineEnd));
  const within = hidden.find((one) => one.start < at && at < one.end);
  const from = Math.min(redact(show(lineStart, Math.max(lineStart, within?.start ?? at))).length, all.length);
  const to = Math.min(Math.max(redact(show(lineStart, end)).length, from), all.length);
  const excerpt = { text: all, from, to };
  return { file, line: before.length, column: at - lineStart + 1, excerpt };
}

/** A part of a line without control characters and what is hidden; what is hidden in part is so as a whole. */
function masked(text: string, from: number, to: number, hidden: readonly Span[]): string {
  let shown = "";
  let at = from;
  for (const { start, end } of hidden) {
    if (end <= at || start >= to) continue;
    if (start > at) shown += text.slice(at, start);
    shown += MASK;
    at = Math.min(end, to);
  }
  return (shown + text.slice(at, to)).replaceAll("\t", "  ").replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, "\ufffd");
}
