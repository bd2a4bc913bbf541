/** Shows something on a terminal again and again, in the same place. */

import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { RelayError, sayError } from "../errors.ts";
import { paint } from "../log.ts";
import { words } from "./language.ts";
import { LongWork } from "./long_work.ts";
import { print } from "./shared.ts";

/** Pause between two frames, in milliseconds. */
const PAUSE_MS = 2_000;

// What terminals since the VT100 and xterm take.
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"; // another screen, without a cursor, whose lines do not wrap
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const END_OF_LINE = "\x1b[K";
const BELOW = "\x1b[J";

/** Whether standard output can be drawn on. */
export function canWatch(): boolean {
  return process.stdout.isTTY === true;
}

/**
 * Draws what `read` gives every two seconds until Ctrl-C, and leaves the last of it on the terminal. An error is drawn as well,
 * since a store that is away for a moment comes back.
 */
export async function watch(read: () => Promise<string[]>): Promise<void> {
  const work = new LongWork();
  let lines: string[] = [];
  const leave = () => process.stdout.write(LEAVE);
  process.once("exit", leave); // also where a second Ctrl-C ends the program at once
  process.stdout.write(ENTER);
  try {
    while (!work.wasInterrupted) {
      lines = await read().catch(errorLines);
      draw(lines);
      await delay(PAUSE_MS, undefined, { signal: work.signal }).catch(() => {});
    }
  } finally {
    process.off("exit", leave);
    leave();
    work.end();
  }
  print(...lines);
}

function errorLines(error: unknown): string[] {
  if (!(error instanceof RelayError)) throw error;
  const hint = error.sayHint(words);
  return [paint("red", sayError(error)(words)), ...(hint === undefined ? [] : [`  ${hint}`])];
}

/** In one write, over what was there: nothing flickers. */
function draw(lines: string[]): void {
  const rows = process.stdout.rows || 24;
  const shown = lines.length <= rows
    ? lines
    : [...lines.slice(0, rows - 1), paint("gray", words.status.cutOff(lines.length - rows + 1))];
  process.stdout.write(HOME + shown.map((line) => line + END_OF_LINE).join("\r\n") + BELOW);
}
