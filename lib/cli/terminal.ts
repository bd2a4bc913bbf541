/** What a person sees on a terminal: tables and texts of its width. */

import process from "node:process";
import { stripVTControlCharacters } from "node:util";
import { maskRecipients } from "../recipient.ts";
import { eastAsianWidth } from "get-east-asian-width";

/** How far a table's column may be cut where the terminal is too narrow. */
export interface Cut {
  /** Place of the column, from 0. */
  column: number;
  /** It stays at least so wide; 0 leaves the column out. */
  to: number;
}

/** The last column breaks between words rather than at the terminal's edge, if it has this much room at least. */
const MIN_ROOM = 20;

/**
 * Rows as lines, each column as wide as its widest cell. Cells may hold colours.
 * @param cuts Which columns give way where the terminal is too narrow, the least important first.
 * @param width Columns of the terminal; off a terminal nothing is cut.
 */
export function table(rows: string[][], cuts: Cut[] = [], width = columnsNow()): string[] {
  const cells = rows.map((row) => row.map(maskRecipients).map((text) => ({ text, width: widthOf(text) })));
  const widths = cells.reduce<number[]>((all, row) => row.map((cell, at) => Math.max(all[at] ?? 0, cell.width)), []);
  const last = widths.length - 1;
  const isLastCut = cuts.some(({ column }) => column === last);
  for (const { column, to } of cuts.filter(({ column }) => column < widths.length)) {
    const over = INDENT + widths.reduce((sum, one) => sum + (one && one + GAP), -GAP) - width;
    if (over > 0) widths[column] = to === 0 ? 0 : Math.min(widths[column]!, Math.max(to, widths[column]! - over));
  }
  const before = widths.slice(0, last).reduce((sum, one) => sum + (one && one + GAP), INDENT);
  return cells.flatMap((row) => {
    const shown = row.map(({ text, width }, at) => {
      const room = widths[at]!;
      return width > room ? fit(text, room) : text + " ".repeat(room - width);
    });
    const room = width - before;
    const isBroken = row.length > last && !isLastCut && room >= MIN_ROOM && row[last]!.width > room;
    const [first = "", ...more] = isBroken ? wrapped(row[last]!.text, "", room) : [shown[last]];
    const line = [...shown.slice(0, last), first].filter((_, at) => widths[at]! > 0).join(" ".repeat(GAP));
    return [(" ".repeat(INDENT) + line).trimEnd(), ...more.map((one) => " ".repeat(before) + one)];
  });
}

const INDENT = 2;
const GAP = 2;

/** How many columns a text takes on a terminal, where colours take none. */
export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].reduce((sum, character) => sum + widthOfOne(character), 0);
}

/** Wide characters take two columns, those that join the one before them none. */
export function widthOfOne(character: string): number {
  return /[\p{Mn}\p{Me}\p{Cf}]/u.test(character) ? 0 : eastAsianWidth(character.codePointAt(0)!);
}

/** A text cut to so many columns; its colours stay, so that they end where they have to. */
function fit(text: string, room: number): string {
  let left = room - 1;
  let isCut = false;
  const kept = text.match(/\p{Cc}\[[\d;]*m|./gsu)!.map((piece) => {
    if (piece.startsWith("\x1b")) return piece;
    left -= isCut ? 0 : widthOfOne(piece);
    if (left >= 0) return isCut ? "" : piece;
    const mark = isCut ? "" : "…";
    isCut = true;
    return mark;
  });
  const cut = kept.join("");
  return cut + " ".repeat(Math.max(0, room - widthOf(cut)));
}

/** Columns of the terminal; off a terminal there is no end of them. */
export function columnsNow(): number {
  return process.stdout.columns || Infinity;
}

/**
 * Lines whose last column is a list: it stands beside the other columns if all of it fits, else below them.
 * @param rows The other columns, and the list's items, which stay whole.
 */
export function listing(rows: { cells: string[]; items: string[] }[], width = columnsNow()): string[] {
  const heads = table(rows.map(({ cells }) => cells), [], width);
  const room = heads.reduce((most, head) => Math.max(most, widthOf(head)), 0);
  return heads.flatMap((head, at) => {
    const { items } = rows[at]!;
    const line = head + " ".repeat(room - widthOf(head) + GAP) + items.join(" ".repeat(GAP));
    if (widthOf(line) <= width) return [line.trimEnd()];
    return [head, ...packed(items, width)];
  });
}

/** Items on as few lines as they fit on, further in than the lines of a table. */
function packed(items: string[], width: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const longer = `${lines.at(-1)}${" ".repeat(GAP)}${item}`;
    if (lines.length > 0 && widthOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(" ".repeat(2 * INDENT) + item);
  }
  return lines;
}

/**
 * A text as lines that fit the terminal, broken between words; those after the first begin with `indent`. What stands between
 * backticks is to be typed, and stays whole.
 */
export function wrapped(text: string, indent = "", width = columnsNow()): string[] {
  if (width === Infinity) return [text];
  const lines: string[] = [];
  for (const word of wordsOf(text)) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && widthOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(lines.length === 0 ? word : indent + word);
  }
  return lines;
}

/** What stands between blanks; what stands between backticks is one word, unless one of them is alone. */
function wordsOf(text: string): string[] {
  const parts = text.split(" ");
  const words: string[] = [];
  let isOpen = false;
  for (const part of parts) {
    if (isOpen) words.push(`${words.pop()} ${part}`);
    else words.push(part);
    if (part.split("`").length % 2 === 0) isOpen = !isOpen;
  }
  return isOpen ? parts : words;
}
