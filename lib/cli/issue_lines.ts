/** How a terminal shows mistakes in a config: each with its line, and a mark under what is meant. */

import { relative } from "node:path";
import process from "node:process";
import { type ConfigIssue, type Place, sayIssue } from "../errors.ts";
import type { Language } from "../locale/mod.ts";
import { paint, visible } from "../log.ts";
import { widthOf, widthOfOne, wrapped } from "./terminal.ts";

/** Most columns of a line of the file, also where nobody knows how wide the terminal is. */
const MAX_WIDTH = 120;

/** Room for a line of the file at least. */
const MIN_ROOM = 20;

/** @param width Columns of the terminal; off a terminal no line is broken. */
export function issueLines(
  issues: readonly ConfigIssue[],
  words: Language,
  width = process.stderr.columns || Infinity,
): string[] {
  const isSpaced = issues.some(({ place, hint }) => place ?? hint);
  return issues.flatMap((issue) => [
    ...(isSpaced ? [""] : []),
    ...wrapped(visible(`  ${sayIssue(issue)(words)}`), "    ", width),
    ...(issue.hint ? wrapped(visible(`    ${words.cli.hint}: ${issue.hint(words)}`), "    ", width) : []),
    ...(issue.place ? placeLines(issue.place, Math.min(width, MAX_WIDTH)) : []),
  ]);
}

function placeLines({ file, line, column, excerpt }: Place, width: number): string[] {
  const where = visible(`    ${shown(file)}:${line}:${column}`);
  if (!excerpt) return [where];
  const number = `    ${line} `;
  const { before, marked, after } = cut(excerpt, Math.max(MIN_ROOM, width - number.length - 2));
  const bar = paint("gray", "│");
  const mark = paint("red", "^".repeat(Math.max(1, widthOf(marked))));
  return [
    where,
    `${number}${bar} ${before}${marked}${after}`,
    `${" ".repeat(number.length)}${bar} ${" ".repeat(widthOf(before))}${mark}`,
  ];
}

/** A file as whoever works in this folder calls it. */
function shown(file: string): string {
  const short = relative("", file);
  return short.startsWith("..") ? file : short;
}

/** The line around the mark, without its indent, cut where it is too long: the mark stays as a whole if it fits. */
function cut({ text, from, to }: NonNullable<Place["excerpt"]>, room: number) {
  const indent = Math.min(/^\s*/.exec(text)![0].length, from);
  const [before, marked, after] = [text.slice(indent, from), text.slice(from, to), text.slice(to).trimEnd()];
  const isLong = widthOf(before + marked + after) > room;
  if (!isLong) return { before, marked, after };
  const shownMark = startOf(marked, room - 2);
  const left = room - widthOf(shownMark);
  const shownBefore = endOf(before, Math.max(1, Math.min(widthOf(before), Math.max(left >> 1, left - widthOf(after)))));
  const isCut = shownMark !== marked;
  return {
    before: shownBefore,
    marked: shownMark,
    after: isCut ? "" : startOf(after, left - widthOf(shownBefore)),
  };
}

/** How a text begins, in so many columns. */
function startOf(text: string, room: number): string {
  if (widthOf(text) <= room) return text;
  let shown = "";
  for (const character of text) {
    if (widthOf(shown) + widthOfOne(character) > room - 1) break;
    shown += character;
  }
  return room < 1 ? "" : `${shown}…`;
}

/** How a text ends, in so many columns. */
function endOf(text: string, room: number): string {
  if (widthOf(text) <= room) return text;
  let shown = "";
  for (const character of [...text].reverse()) {
    if (widthOf(shown) + widthOfOne(character) > room - 1) break;
    shown = character + shown;
  }
  return `…${shown}`;
}
