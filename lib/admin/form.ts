/** What a form says. */

import type { Context } from "hono";
import { RelayError } from "../errors.ts";

/**
 * The texts of a form.
 * @throws {RelayError} if it is none.
 */
export async function fieldsOf(c: Context): Promise<Record<string, string>> {
  const form = await c.req.parseBody().catch(() => {
    throw new RelayError(({ pages }) => pages.badForm);
  });
  const fields = Object.entries(form);
  return Object.fromEntries(fields.filter((field): field is [string, string] => typeof field[1] === "string"));
}
