/** What a person sees on a terminal: tables of its width, times, numbers. */

import process from "node:process";
import { stripVTControlCharacters } from "node:util";
import { eastAsianWidth } from "get-east-asian-width";

/** How far a table's column may be cut where the terminal is too narrow. */
export interface Cut {
  /** Place of the column, from 0. */
  column: number;
  /** It stays at least so wide; 0 leaves the column out. */
  to: number;
}

/**
 * Rows as lines, each column as wide as its widest cell. Cells may hold colours.
 * @param cuts Which columns give way where the terminal is too narrow, the least important first.
 * @param width Columns of the terminal; off a terminal nothing is cut.
 */
export function table(rows: string[][], cuts: Cut[] = [], width = process.stdout.columns || Infinity): string[] {
  const cells = rows.map((row) => row.map((text) => ({ text, width: widthOf(text) })));
  const widths = cells.reduce<number[]>((all, row) => row.map((cell, at) => Math.max(all[at] ?? 0, cell.width)), []);
  for (const { column, to } of cuts) {
    const over = INDENT + widths.reduce((sum, one) => sum + (one && one + GAP), -GAP) - width;
    if (over > 0) widths[column] = to === 0 ? 0 : Math.min(widths[column]!, Math.max(to, widths[column]! - over));
  }
  return cells.map((row) => {
    const shown = row.map(({ text, width }, at) => {
      const room = widths[at]!;
      return width > room ? fit(text, room) : text + " ".repeat(room - width);
    });
    return (" ".repeat(INDENT) + shown.filter((_, at) => widths[at]! > 0).join(" ".repeat(GAP))).trimEnd();
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

const units = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1_000, "s"]] as const;

/** A span of time in its largest unit: `3 min`. */
export function span(ms: number): string {
  const [size, unit] = units.find(([size]) => ms >= size) ?? [1_000, "s"];
  return `${Math.max(0, Math.floor(ms / size))} ${unit}`;
}

/** How long ago, in its largest unit: `3 min ago`. */
export function ago(ms: number): string {
  return `${span(ms)} ago`;
}

/** How far a time lies from now, either way: `3 min ago`, `in 5 s`, `now`. */
export function relative(time: number, now: number): string {
  if (time <= now) return ago(now - time);
  return `in ${span(Math.max(1_000, time - now))}`;
}

/** A time on this machine's clock, as short as it can be told: `14:37:08` today, `23 Nov 14:37`, `23 Nov 2025`. */
export function clock(time: number, now: number): string {
  const [date, today] = [new Date(time), new Date(now)];
  if (date.toDateString() === today.toDateString()) return date.toLocaleTimeString("en-GB");
  const day = `${date.getDate()} ${months[date.getMonth()]}`;
  if (date.getFullYear() !== today.getFullYear()) return `${day} ${date.getFullYear()}`;
  return `${day} ${date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A time on this machine's clock with its date, and how far it lies from now. */
export function fullTime(time: number, now: number): string {
  const date = new Date(time);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${date.toLocaleTimeString("en-GB")} (${relative(time, now)})`;
}

/** So many of something: `1 event`, `2,000 deliveries`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en-US")} ${number === 1 ? one : many}`;
}
