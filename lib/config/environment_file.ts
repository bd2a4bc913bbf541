/**
 * What systemd reads in an `EnvironmentFile=`, to tell where that is another value than the relay's.
 * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile=
 */

import type { Variable } from "./dotenv.ts";

/** Characters that end a line, and that count for nothing at the ends of names and values. */
const ENDS = "\n\r";
const BLANKS = " \t";

/** Names that systemd gives to a service. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The variables of a text, by name.
 * @param commentsGoOn Whether a comment goes on in the next line if it ends with a backslash, as it does before systemd 254.
 */
export function readAsSystemd(text: string, commentsGoOn: boolean): Map<string, Variable> {
  const reader = new Reader(text);
  const variables = new Map<string, Variable>();
  while (!reader.isAtEnd) {
    reader.takeAll(BLANKS + ENDS);
    if ("#;".includes(reader.next ?? "x")) {
      reader.skipComment(commentsGoOn);
      continue;
    }
    const line = reader.line;
    const name = reader.takeName();
    if (name !== undefined) {
      const value = reader.takeValue();
      if (NAME.test(name)) variables.set(name, { value, line });
    }
  }
  return variables;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  get next(): string | undefined {
    return this.#text[this.#at];
  }

  /** Number of the line, from 1. */
  get line(): number {
    return this.#text.slice(0, this.#at).split(/\r\n|\n|\r/).length;
  }

  takeAll(characters: string): void {
    while (!this.isAtEnd && characters.includes(this.next!)) this.#at++;
  }

  skipComment(goesOn: boolean): void {
    while (!this.isAtEnd && !ENDS.includes(this.next!)) {
      const isEscape = this.next === "\\";
      this.#at++;
      if (isEscape && (goesOn || !ENDS.includes(this.next ?? ""))) this.#at++;
    }
  }

  /** The text up to `=`; `undefined` if the line ends before it. */
  takeName(): string | undefined {
    const from = this.#at++; // the first character is never taken for the `=`
    while (!this.isAtEnd && this.next !== "=" && !ENDS.includes(this.next!)) this.#at++;
    const name = this.#text.slice(from, this.#at).replace(/[ \t]+$/, "");
    return this.#text[this.#at++] === "=" ? name : undefined;
  }

  /** Quoted pieces, one after the other, then text up to the line's end in which quotes are letters. */
  takeValue(): string {
    let value = "";
    for (;;) {
      this.takeAll(BLANKS);
      if (this.next === "'") value += this.#takeSingleQuoted();
      else if (this.next === '"') value += this.#takeDoubleQuoted();
      else return value + this.#takePlain();
    }
  }

  #takeSingleQuoted(): string {
    const end = this.#text.indexOf("'", this.#at + 1);
    const from = this.#at + 1;
    this.#at = end < 0 ? this.#text.length : end + 1;
    return this.#text.slice(from, end < 0 ? undefined : end);
  }

  #takeDoubleQuoted(): string {
    let value = "";
    for (this.#at++; !this.isAtEnd && this.next !== '"'; this.#at++) {
      if (this.next === "\\") {
        this.#at++;
        value += escaped(this.next ?? "");
      } else value += this.next;
    }
    this.#at++;
    return value;
  }

  #takePlain(): string {
    let value = "";
    let kept = 0;
    for (; !this.isAtEnd && !ENDS.includes(this.next!); this.#at++) {
      if (this.next !== "\\") {
        value += this.next;
        if (!BLANKS.includes(this.next!)) kept = value.length;
        continue;
      }
      this.#at++;
      if (!this.isAtEnd && !ENDS.includes(this.next!)) value += this.next; // else the next line belongs to this one
      kept = value.length;
    }
    return value.slice(0, kept);
  }
}

/** What a backslash and a character stand for between double quotes. */
function escaped(character: string): string {
  if (character === "\n") return "";
  return '"\\`$'.includes(character) ? character : `\\${character}`;
}
