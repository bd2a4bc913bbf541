/** What a form says. */

import type { Context } from "hono";

/** The texts of a form. */
export async function fieldsOf(c: Context): Promise<Record<string, string>> {
  const fields = Object.entries(await c.req.parseBody());
  return Object.fromEntries(fields.filter((field): field is [string, string] => typeof field[1] === "string"));
}
