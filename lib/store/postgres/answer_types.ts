/** How values of PostgreSQL's types are parsed. */

import { Buffer } from "node:buffer";
import type { CustomTypesConfig } from "pg";

type Read = (text: string) => unknown;

/** The type number of `bytea`, which the server writes in one of two formats, set by `bytea_output`. */
const BYTEA = 17;

/** By type number; these are PostgreSQL's own and never change. */
const readers: Readonly<Record<number, Read>> = {
  20: Number, // bigint: times, counts and sequences, which fit a number
  1016: (text) => text === "{}" ? [] : text.slice(1, -1).split(",").map(numberOrNull), // bigint[]
  1700: Number, // numeric: sums of these
  2950: (text) => new Uint8Array(Buffer.from(text.replaceAll("-", ""), "hex")), // uuid
};

function numberOrNull(text: string): number | null {
  return text === "NULL" ? null : Number(text);
}

/** The driver's parsers, except for numbers that it would return as texts, and bytes, which get their own memory. */
export function answerTypes({ getTypeParser }: CustomTypesConfig): CustomTypesConfig {
  const bytesOf = getTypeParser(BYTEA, "text");
  const own: Readonly<Record<number, Read>> = {
    ...readers,
    [BYTEA]: (text: string) => new Uint8Array(bytesOf(text) as Uint8Array),
  };
  const parserOf = (type: number, format?: "text"): Read => own[type] ?? getTypeParser(type, format);
  return { getTypeParser: parserOf as CustomTypesConfig["getTypeParser"] };
}
