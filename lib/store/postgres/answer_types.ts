/** How values of PostgreSQL's types are read. */

import { Buffer } from "node:buffer";
import type { CustomTypesConfig } from "pg";

type Read = (text: string) => unknown;

/** The type's number of `bytea`, which is written in one of two forms, as `bytea_output` says. */
const BYTEA = 17;

/** By the types' numbers, which are PostgreSQL's own and never change. */
const readers: Readonly<Record<number, Read>> = {
  20: Number, // bigint: times, counts and sequences, which a number holds
  1016: (text) => text === "{}" ? [] : text.slice(1, -1).split(",").map(numberOrNull), // bigint[]
  1700: Number, // numeric: sums of these
  2950: (text) => new Uint8Array(Buffer.from(text.replaceAll("-", ""), "hex")), // uuid
};

function numberOrNull(text: string): number | null {
  return text === "NULL" ? null : Number(text);
}

/** The driver's own reads, but for numbers that it would give as texts, and for bytes, which get memory of their own. */
export function answerTypes({ getTypeParser }: CustomTypesConfig): CustomTypesConfig {
  const bytesOf = getTypeParser(BYTEA, "text");
  const own: Readonly<Record<number, Read>> = {
    ...readers,
    [BYTEA]: (text: string) => new Uint8Array(bytesOf(text) as Uint8Array),
  };
  const parserOf = (type: number, format?: "text"): Read => own[type] ?? getTypeParser(type, format);
  return { getTypeParser: parserOf as CustomTypesConfig["getTypeParser"] };
}
