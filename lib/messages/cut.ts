/** Cuts a text where a reader would: never within a character, nor within what stands for one, such as `&amp;`. */

/** How long a text is, as whoever limits it counts. */
export type Measure = (text: string) => number;

/** In UTF-16 units, as JavaScript counts. */
export const units: Measure = (text) => text.length;

/** In bytes of UTF-8. */
export const bytes: Measure = (text) => utf8.encode(text).byteLength;

const utf8 = new TextEncoder();

/** What ends a text that was cut. */
export const ELLIPSIS = "…";

let characters: Intl.Segmenter | undefined; // costly to make, and rarely needed

/**
 * The pieces that a text can be cut between: characters as people see them, such as a flag or a family of emoji, and each
 * match of `whole`, such as a tag or a link.
 * @param whole A global pattern that matches no empty text.
 */
export function* piecesOf(text: string, whole?: RegExp): Generator<string> {
  characters ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  let at = 0;
  for (const match of whole ? text.matchAll(whole) : []) {
    for (const { segment } of characters.segment(text.slice(at, match.index))) yield segment;
    yield match[0];
    at = match.index + match[0].length;
  }
  for (const { segment } of characters.segment(text.slice(at))) yield segment;
}

/** A text of at most `max`, which ends with an ellipsis if there was more. @param whole As of {@link piecesOf}. */
export function cut(text: string, max: number, whole?: RegExp, measure = units): string {
  if (measure(text) <= max) return text;
  let room = max - measure(ELLIPSIS);
  let kept = "";
  for (const piece of piecesOf(text, whole)) {
    room -= measure(piece);
    if (room < 0) break;
    kept += piece;
  }
  return kept.trimEnd() + ELLIPSIS;
}
