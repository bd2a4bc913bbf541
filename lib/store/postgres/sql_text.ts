/** SQL texts, and the values that go with them. */

import { Buffer } from "node:buffer";

/** A name as a quoted SQL identifier, whatever characters it has. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** This SQL with the schema's name in place of `relay`. @param schema As {@link quotedName} returns it. */
export function inSchema(sql: string, schema: string): string {
  return sql.replaceAll(/\brelay\.(?=[a-z_])/g, () => `${schema}.`);
}

/** PostgreSQL texts cannot hold zero bytes or half a surrogate pair. */
export function storable(text: string): string {
  return (text.includes("\0") ? text.replaceAll("\0", "\ufffd") : text).toWellFormed();
}

/** A parameter of a statement. Times, counts and sequences are whole numbers. */
export type SqlValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | Uint8Array
  | readonly SqlElement[];

type SqlElement = string | number | boolean | null | undefined | Uint8Array;

/** The value as the driver sends it: bytes as they are, everything else as text, arrays in PostgreSQL's own format. */
export function sent(value: SqlValue): string | Uint8Array | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return storable(value);
  if (value instanceof Uint8Array) return value;
  return typeof value === "object" ? arrayText(value) : String(value);
}

/** @see https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function arrayText(values: readonly SqlElement[]): string {
  let text = "{";
  for (const value of values) {
    if (text.length > 1) text += ",";
    if (typeof value === "string") text += `"${storable(value).replaceAll(/["\\]/g, "\\$&")}"`;
    else if (value instanceof Uint8Array) text += `"\\\\x${Buffer.from(value).toString("hex")}"`;
    else text += value ?? "NULL";
  }
  return text + "}";
}
