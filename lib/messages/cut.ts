/** Cuts a text where a reader would: never within a character, nor within what stands for one, such as `&amp;`. */

/** How long a text is, as whoever limits it counts. */
export type Measure = (text: string) => number;

/** In UTF-16 units, as JavaScript counts. */
export const units: Measure = (text) => text.length;

/** In bytes of UTF-8. */
export const bytes: Measure = (text) => utf8.encode(text).byteLength;

/** In bytes of UTF-8, as part of a text in JSON. */
export const jsonBytes: Measure = (text) => bytes(JSON.stringify(text)) - 2;

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

/** What of a chat's markup matters where a text is cut. */
export interface MarkedText {
  /** As of {@link piecesOf}. */
  whole: RegExp;
  /** Marks that stand on both sides of what they format, such as `**`; longer ones before those they begin with. */
  marks: readonly string[];
  measure?: Measure;
}

/** As {@link cut}, and what a mark has opened is closed at the end. */
export function cutMarked(text: string, max: number, { whole, marks, measure = units }: MarkedText): string {
  if (measure(text) <= max) return text;
  const pattern = new RegExp([whole.source, ...marks.map(quote)].join("|"), whole.flags);
  const open: string[] = [];
  let room = max - measure(ELLIPSIS);
  let kept = "";
  let at = 0;
  for (const piece of piecesOf(text, pattern)) {
    at += piece.length;
    const closes = open.at(-1) === piece && !WORD.test(text.charAt(at));
    const opens = !closes && marks.includes(piece) && !WORD.test(kept.slice(-1)) && /\S/.test(text.charAt(at));
    // The mark that closes has its room from the one that opens.
    if (!closes) room -= measure(piece) * (opens ? 2 : 1);
    if (room < 0) break;
    if (closes) open.pop();
    if (opens) open.push(piece);
    kept += piece;
  }
  return kept.trimEnd() + ELLIPSIS + open.toReversed().join("");
}

/** Within a word, as in `CLIENTE_123`, a mark formats nothing. */
const WORD = /[\p{L}\p{N}]/u;

function quote(mark: string): string {
  return mark.replaceAll(/[*|]/g, "\\$&");
}
