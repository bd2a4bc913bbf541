/** How values of PostgreSQL's types are read. */

import { Buffer } from "node:buffer";
import type { CustomTypesConfig } from "pg";

type Read = (text: string) => unknown;

/** By the types' numbers, which are PostgreSQL's own and never change. */
const readers: Readonly<Record<number, Read>> = {
  17: (text) => new Uint8Array(Buffer.from(text.slice(2), "hex")), // bytea: memory of its own
  20: Number, // bigint: times, counts and sequences, which a number holds
  1016: (text) => text === "{}" ? [] : text.slice(1, -1).split(",").map(numberOrNull), // bigint[]
  1700: Number, // numeric: sums of these
  2950: (text) => new Uint8Array(Buffer.from(text.replaceAll("-", ""), "hex")), // uuid
};

function numberOrNull(text: string): number | null {
  return text === "NULL" ? null : Number(text);
}

/** The driver's own reads, but for numbers that it would give as texts, and for bytes. */
export function answerTypes({ getTypeParser }: CustomTypesConfig): CustomTypesConfig {
  const parserOf = (type: number, format?: "text"): Read => readers[type] ?? getTypeParser(type, format);
  return { getTypeParser: parserOf as CustomTypesConfig["getTypeParser"] };
}
